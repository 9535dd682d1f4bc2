"""Formats of one setting a line: INI, service files, Java properties, .pgpass, Prisma.

They are read here and not by configparser, which has no lines, refuses what these programs
accept (a repeated key, a key without a value) and sees variables in a ``%``.
"""

import re
from collections.abc import Iterator

from strongroom.guard.formats.document import Document, lines_of
from strongroom.guard.interpolation import interpolated
from strongroom.guard.targets import Entry

_SECTION = re.compile(r"\s*\[(?P<name>[^]]*)]\s*$")
_SETTING = re.compile(r"\s*(?P<key>[^=:\s#;!][^=:]*?)\s*[=:]\s*(?P<value>.*?)\s*$")
_PROPERTY = re.compile(
    r"\s*(?P<key>(?:\\.|[^\s=:\\#!])(?:\\.|[^\s=:\\])*)\s*[=:\s]\s*(?P<value>.*)$"
)
_COMMENT = re.compile(r"\s*[#;!]")
_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")
_PGPASS = re.compile(r"(?:\\.|[^:\\])*")
_BLOCK = re.compile(r"\s*(?P<kind>\w+)\s+(?P<name>\w+)\s*\{")
_PRISMA = re.compile(
    r"""\s*(?P<key>\w*[uU]rl)\s*=\s*(?:env\(\s*"(?P<variable>\w+)"\s*\)|"(?P<value>[^"]*)")"""
)


def read_ini(document: Document) -> Iterator[Entry]:
    """The settings of an INI file or a service file, section by section."""
    section = ""
    for number, line in lines_of(document.text):
        if head := _SECTION.match(line):
            section = head["name"]
        elif not _COMMENT.match(line) and (found := _SETTING.match(line)):
            value = interpolated(found["value"].strip("\"'"), document.variables)
            yield document.entry((section, found["key"]), value, number)


def read_properties(document: Document) -> Iterator[Entry]:
    """The settings of a Java properties file; a backslash at its end continues a line."""
    whole, first = "", 0
    for number, line in lines_of(document.text):
        if not whole and _COMMENT.match(line):
            continue
        first = first if whole else number
        whole += line.lstrip() if whole else line
        trailing = len(whole) - len(whole.rstrip("\\"))
        if trailing % 2:
            whole = whole[:-1]
            continue
        if found := _PROPERTY.match(whole):
            value = interpolated(_unescaped(found["value"].strip()), document.variables)
            yield document.entry(tuple(_unescaped(found["key"]).split(".")), value, first)
        whole = ""


def read_pgpass(document: Document) -> Iterator[Entry]:
    """The lines ``host:port:database:user:password``, in which a backslash escapes."""
    for number, line in lines_of(document.text):
        fields = _split_pgpass(line)
        if line.startswith("#") or len(fields) < 5:
            continue
        for key, value in zip(("host", "port", "dbname", "user", "password"), fields, strict=False):
            if value != "*":
                yield document.entry((f"pgpass {number}", key), value, number)


def _split_pgpass(line: str) -> list[str]:
    fields, position = [], 0
    while position <= len(line):
        found = _PGPASS.match(line, position)
        if found is None:
            break
        fields.append(re.sub(r"\\(.)", r"\1", found[0]))
        position = found.end() + 1
    return fields


def read_prisma(document: Document) -> Iterator[Entry]:
    """The URLs of a Prisma schema's data sources."""
    block = ""
    for number, line in lines_of(document.text):
        if head := _BLOCK.match(line):
            block = head["name"]
        elif found := _PRISMA.match(line):
            value = found["value"] or document.variables.get(found["variable"] or "", "")
            yield document.entry((block, found["key"]), value, number)


def _unescaped(text: str) -> str:
    def character(found: re.Match[str]) -> str:
        code = found[1]
        return chr(int(code[1:], 16)) if len(code) == 5 else code

    return _ESCAPED.sub(character, text)
