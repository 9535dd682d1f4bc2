"""One file, or the environment, taken apart: its settings, targets, mentions and allowances."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from strongroom.guard.allowing import Comments
from strongroom.guard.connection import targets_in
from strongroom.guard.files import blocks, content, pieces
from strongroom.guard.findings import Finding, Kind
from strongroom.guard.formats.document import Document, NotUnderstoodError
from strongroom.guard.formats.registry import entries_of, reader_of
from strongroom.guard.mentions import Mentions
from strongroom.guard.split import passwords_in
from strongroom.guard.targets import Entry, Origin, Target

_COMMENT = re.compile(r"\s*(?:#|//|--|;|!|/\*|\*\s|<!--)")
#: Passwords that protect nothing, or stand for one.
_NO_SECRET = re.compile(
    r"|\*+|x+|\.{3,}|<.*>|\$.*|\{.*\}|%.*%|%\(.*\)s|(?:your|change|example|dummy|placeholder).*"
    r"|(?-i:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)|password|postgres|secret|pass|root|test",
    re.IGNORECASE,
)


@dataclass
class Inspected:
    """What one source holds.

    Attributes:
        source: the path as shown.
        entries: its settings; flat files and the environment complete each other.
        targets: the servers that its text and its own settings lead to.
        findings: guarded names in it, and passwords.
        comments: what it allows itself.
        warning: what could not be understood; empty when all was.
    """

    source: str
    entries: list[Entry] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    comments: Comments = field(default_factory=Comments)
    warning: str = ""


@dataclass(frozen=True)
class Inspector:
    """How sources are looked through.

    Attributes:
        mentions: what is guarded, as words.
        in_comments: whether what stands in comments counts: it leaks, but reaches nothing.
        passwords: whether passwords are findings of their own.
    """

    mentions: Mentions
    in_comments: bool = False
    passwords: bool = False

    def file(
        self,
        source: str,
        name: str,
        stream: BinaryIO,
        scope: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> Inspected:
        """Look through one file.

        Args:
            source: its path as shown.
            name: the name that tells its format.
            stream: its content, from the beginning.
            scope: which flat files complete each other.
            variables: what variables in it stand for.
        """
        found, held = Inspected(source), content(stream)
        if held.binary:
            matches = {
                match for block in blocks(held.stream) for match in self.mentions.in_bytes(block)
            }
            found.findings += [
                Finding(Kind.MENTIONS, Origin(source), match, "in a binary file")
                for match in sorted(matches, key=str)
            ]
            return found
        reader = reader_of(name)
        if reader and held.text is not None:
            document = Document(source, held.text, scope, variables or {})
            try:
                found.entries = entries_of(reader, document)
            except NotUnderstoodError as error:
                found.warning = f"is not {error}; it was searched as text"
        self._text(found, held.stream)
        self.settings(found)
        return found

    def settings(self, found: Inspected) -> None:
        """Note what the values of a source name, and the passwords among them."""
        for entry in found.entries:
            for match in self.mentions.in_text(entry.value):
                found.findings.append(Finding(Kind.MENTIONS, entry.origin, match))
        if self.passwords:
            found.findings += _passwords(found.entries, found.targets)

    def _text(self, found: Inspected, stream: BinaryIO) -> None:
        for number, line in pieces(stream):
            found.comments.hear(number, line)
            if not self.in_comments and _COMMENT.match(line):
                continue
            origin = Origin(found.source, number)
            for match in self.mentions.in_text(line):
                found.findings.append(Finding(Kind.MENTIONS, origin, match))
            if "://" in line or "=" in line:
                found.targets += targets_in(line, origin)


def _passwords(entries: Sequence[Entry], targets: Sequence[Target]) -> Iterator[Finding]:
    values = {(entry.origin, entry.value) for entry in passwords_in(entries)}
    urls = [target for entry in entries for target in targets_in(entry.value, entry.origin)]
    values |= {(one.origin, one.options.get("password", "")) for one in (*urls, *targets)}
    origins = {origin for origin, value in values if _is_secret(value)}
    for origin in sorted(origins):
        yield Finding(Kind.PASSWORD, origin, note="a database password in the text")


def _is_secret(value: str) -> bool:
    return not _NO_SECRET.fullmatch(value)
