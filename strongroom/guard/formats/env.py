"""`.env` files in all their spellings, and direnv's `.envrc` as far as it only sets variables."""

import io
import re
from collections.abc import Iterator

from dotenv.parser import parse_stream

from strongroom.guard.formats.document import Document
from strongroom.guard.interpolation import interpolated
from strongroom.guard.targets import Entry

# Shells set several variables on one line, which dotenv's parser takes for one value.
_SECOND = re.compile(
    r"(?:^|[\s;])(?:export\s+)?(?P<key>[A-Za-z_]\w*)="
    r"""(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<plain>[^\s;"']+))"""
)


def read_env(document: Document) -> Iterator[Entry]:
    """The variables of a file, with those above it put in where it refers to them."""
    known = dict(document.variables)
    for binding in parse_stream(io.StringIO(document.text)):
        if binding.key is None or binding.value is None:
            if binding.error:
                yield from _by_shell(document, binding.original.string, binding.original.line)
            continue
        blank = re.match(r"\s*", binding.original.string)
        above = blank[0].count("\n") if blank else 0
        line = binding.original.line + above
        value = interpolated(binding.value, known)
        known[binding.key] = value
        yield document.entry((binding.key,), value, line, shared=True)
        if " " in value or ";" in value:
            yield from _by_shell(document, value, line)


def _by_shell(document: Document, text: str, first: int) -> Iterator[Entry]:
    for number, line in enumerate(text.split("\n"), first):
        for found in _SECOND.finditer(line):
            written = found["single"] or found["double"] or found["plain"] or ""
            value = interpolated(written, document.variables)
            yield document.entry((found["key"],), value, number, shared=True)
