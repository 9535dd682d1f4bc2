"""Patterns of CloudWatch Logs, matched as its documentation says.

AWS's own TestMetricFilter needs an account, and moto has none. What AWS would refuse, or would
ignore without a word, is an error here.
"""

import re
import shlex

LONGEST = 1024
REGEXES_OF_A_GROUP = 5

#: Letters, digits, the symbols and the operators that AWS lists; no parentheses, no blanks.
_ALLOWED = re.compile(r"[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|\\*+.]*")
_ESCAPES = re.compile(r"\\([dDsSwW]|x[0-9a-fA-F]{2}|[\[\]{}|\\*+.^$?])")
_TERM = re.compile(r'[?-]?(?:"[^"]*"|\w+)')


def is_regex(pattern: str) -> bool:
    return len(pattern) > 1 and pattern.startswith("%") and pattern.endswith("%")


def matches(pattern: str, event: str, *, across: bool = False) -> bool:
    """Whether CloudWatch would count an event of a log.

    Args:
        pattern: the pattern.
        event: a line, with those that belong to it.
        across: whether a dot stands for the end of a line as well; AWS does not say.

    Raises:
        ValueError: it is no pattern of CloudWatch's, or one that means something else.
    """
    if len(pattern) > LONGEST:
        raise ValueError(f"{len(pattern)} characters, and AWS takes {LONGEST}")
    if is_regex(pattern):
        flags = re.DOTALL if across else re.NOFLAG
        return re.search(_checked(pattern[1:-1]), event, flags) is not None
    if re.sub(_TERM, "", pattern).strip(" "):
        raise ValueError(f"what is {re.sub(_TERM, '', pattern)!r} in {pattern!r}?")
    terms: dict[str, list[str]] = {"?": [], "-": [], "": []}
    for term in _TERM.findall(pattern):
        mark = term[0] if term[0] in "?-" else ""
        terms[mark].append("".join(shlex.split(term[len(mark) :])))
    if terms["?"] and (terms["-"] or terms[""]):
        raise ValueError(f"AWS ignores the terms with ? when there are others: {pattern!r}")
    if terms["?"]:
        return any(term in event for term in terms["?"])
    return all(term in event for term in terms[""]) and not any(
        term in event for term in terms["-"]
    )


def _checked(regex: str) -> str:
    if not _ALLOWED.fullmatch(regex):
        bad = sorted(set(re.sub(_ALLOWED, "", regex)))
        raise ValueError(f"AWS refuses {bad} in a regular expression: {regex!r}")
    rest = re.sub(_ESCAPES, "", regex)
    if "\\" in rest or "[^" in rest or "*?" in rest or "+?" in rest:
        raise ValueError(f"not in AWS's list of what is understood: {regex!r}")
    return regex
