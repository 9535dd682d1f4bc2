"""A statement as others may read it: shortened, on one line, and without a password."""

import re

#: Characters of a statement that are shown.
LONGEST = 500

# A text in any of PostgreSQL's quotes, to its end or to the end of a statement that was cut off.
_TEXT = re.compile(
    r"""[eE]'(?:[^'\\]|\\.|'')*(?:'|$) | '(?:[^']|'')*(?:'|$)
      | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|$)""",
    re.VERBOSE | re.DOTALL,
)
_SECRETIVE = re.compile(r"passw|passphrase|secret|token|credential|api_?key|scram-", re.IGNORECASE)
# postgres://user:password@host
_IN_URL = re.compile(r"(://[^\s:/@]*:)[^\s@]*@")


def masked(statement: str) -> str:
    """A statement that tells no secret.

    Where a statement speaks of a password or something like it, every text in it is left out: too
    much rather than too little.
    """
    if _SECRETIVE.search(statement):
        statement = _TEXT.sub("'…'", statement)
    shown = " ".join(_IN_URL.sub(r"\1…@", statement).split())
    printable = "".join(each if each.isprintable() else "?" for each in shown)
    return f"{printable[:LONGEST]} …" if len(printable) > LONGEST else printable
