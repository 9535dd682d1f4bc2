"""False alarms, allowed line by line, each with a reason.

In a comment on the line or alone on the line above: ``# strongroom: allow <reason>``. For files
without comments, variables and files that cannot be read, in `.strongroom-allowed.yaml`:

    - {path: fixtures/hosts.json, host: db.example.com, reason: test data of the parser}
    - {path: "$REPORT_HOST", host: db.example.com, reason: only shown on a page}
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from strongroom.guard.findings import Finding
from strongroom.reading import forms
from strongroom.reading.documents import Node, Report, read_file, shown_path

FILE = ".strongroom-allowed.yaml"
#: Characters; less is no reason.
SHORTEST_REASON = 10
_WORDS = "strongroom:"
_SIGN = re.compile(r"(?:^|\s)(?:#+|//+|--+|;+|/\*+|<!--|!)\s{0,3}$")
_REASON = re.compile(r"strongroom:\s{0,3}allow\b:?(?P<reason>.*)")
_WITHOUT_REASON = (
    f"allows this without a reason of {SHORTEST_REASON} characters, which does not count"
)


class Comments:
    """The comments of one file that allow something, gathered while it is read."""

    def __init__(self) -> None:
        self._reasons: dict[int, tuple[str, bool]] = {}

    def hear(self, number: int, line: str) -> None:
        """Look at a line (`number` from 1)."""
        at = line.find(_WORDS)
        if at < 0 or not (sign := _SIGN.search(line[max(0, at - 10) : at])):
            return
        if found := _REASON.match(line[at : at + 500]):
            alone = not line[: at - len(sign[0])].strip()
            reason = found["reason"].strip().removesuffix("*/").removesuffix("-->")
            self._reasons[number] = (reason.strip(), alone)

    def judged(self, finding: Finding) -> Finding:
        """The finding, allowed when a comment says so and why."""
        line = finding.origin.line
        if line in self._reasons:
            reason = self._reasons[line][0]
        elif self._reasons.get(line - 1, ("", False))[1]:
            reason = self._reasons[line - 1][0]
        else:
            return finding
        if len(reason) < SHORTEST_REASON:
            return replace(finding, note=f"a comment {_WITHOUT_REASON}")
        return replace(finding, allowed=reason)


@dataclass(frozen=True)
class Allowed:
    """One entry of a `.strongroom-allowed.yaml`; `host` is empty for an unreadable file."""

    path: str
    host: str
    reason: str


def allowed_in(folder: Path) -> list[Allowed]:
    """What the file in `folder`, if there is one, allows; paths as reports show them.

    Raises:
        SettingsError: it holds mistakes.
    """
    file = folder / FILE
    if not file.exists():
        return []
    report = Report(shown_path(file))
    document = read_file(file, report, "what is allowed")
    example = "- {path: x.json, host: db.example.com, reason: why it is no danger}"
    items = [] if document.value is None else forms.items(report, document, FILE, example)
    entries = [*_entries(report, items or [], folder)]
    report.settle()
    return entries


def _entries(report: Report, items: list[Node], folder: Path) -> Iterator[Allowed]:
    for item in items:
        keys = ("path", "host", "reason")
        given = forms.fields(report, item, "an entry", keys, "{path: …, host: …, reason: …}") or {}
        texts = {key: forms.text(report, node, key, "text") or "" for key, node in given.items()}
        path, reason = texts.get("path", ""), texts.get("reason", "")
        if len(reason) < SHORTEST_REASON:
            report.add(item.place, f"this entry {_WITHOUT_REASON}. Say why it is no danger")
        elif not path:
            report.add(item.place, "this entry has no path, so it would allow nothing. Add path:")
        else:
            in_file = not path.startswith(("$", "argument "))
            shown = shown_path(folder / path) if in_file else path
            yield Allowed(shown, texts.get("host", "").lower(), reason)


def by_files(findings: Iterable[Finding], here: Path) -> list[Finding]:
    """The findings, allowed where an `.strongroom-allowed.yaml` above their file is about them.

    Args:
        findings: what was found.
        here: the folder for what is in no file.
    """
    known: dict[Path, list[Allowed]] = {}

    def judged(finding: Finding) -> Finding:
        file = here / finding.origin.source
        for folder in file.parents:
            if folder not in known:
                known[folder] = allowed_in(folder)
            for entry in known[folder]:
                if finding.allowed is None and _about(entry, finding):
                    return replace(finding, allowed=entry.reason)
        return finding

    return [judged(finding) for finding in findings]


def _about(entry: Allowed, finding: Finding) -> bool:
    declared = finding.match.declared.lower() if finding.match else ""
    return entry.path == finding.origin.source and entry.host == declared
