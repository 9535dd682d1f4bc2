"""Ruby in YAML, as Rails writes it: what reads the environment is resolved, the rest is unknown."""

import re
from collections.abc import Mapping

_TAG = re.compile(r"<%(?P<kind>[=#-]?)(?P<code>(?:[^%<]|%(?!>)|<(?!%))*)%>")
_FROM_ENV = re.compile(
    r"""^\s*ENV(?:\.fetch)?\s*[\[(]\s*["'](?P<name>\w+)["']\s*
    (?:,\s*(?P<default>[^)]*?)\s*)?[\])]
    \s*(?:\{\s*(?P<block>[^}]*?)\s*\}|\|\|\s*(?P<other>.+?))?(?:\.to_s|\.to_i)?\s*$""",
    re.VERBOSE | re.DOTALL,
)
_LITERAL = re.compile(r"""^\s*(?:"([^"]*)"|'([^']*)'|(\d+))\s*$""")
_MARK = "strongroom_erb_{}_"
_MARKED = re.compile(r"strongroom_erb_(\d+)_")


class Erb:
    """A text with its tags taken out, so that YAML's parser sees one word in place of each."""

    def __init__(self, text: str, variables: Mapping[str, str]) -> None:
        """Take the tags out of `text`; `variables` is the environment they read."""
        self._variables = variables
        self._values: list[str] = []
        self.text = _TAG.sub(self._mark, text)

    def put_back(self, text: str) -> str:
        """What a value is with the tags' values in it; an unknown one is empty."""
        return _MARKED.sub(lambda found: self._values[int(found[1])], text)

    def _mark(self, tag: re.Match[str]) -> str:
        below = "\n" * tag[0].count("\n")
        if tag["kind"] != "=":
            return below
        self._values.append(self._value(tag["code"].removesuffix("-")))
        return _MARK.format(len(self._values) - 1) + below

    def _value(self, code: str) -> str:
        if literal := _LITERAL.match(code):
            return next(part for part in literal.groups() if part is not None)
        found = _FROM_ENV.match(code)
        if found is None:
            return ""
        default = found["default"] or found["block"] or found["other"] or ""
        return self._variables.get(found["name"]) or (self._value(default) if default else "")
