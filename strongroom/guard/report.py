"""Findings for people and for programs. Nothing that was read from a file appears in them.

The JSON of `strongroom guard scan --json`; keys are added to it, never changed:

    {"version": 1, "files": 12, "refused": true,
     "findings": [{"kind": "reaches" | "mentions" | "password" | "unread",
                   "source": ".env", "line": 3 | null,
                   "environment": "production" | null, "declared": "db.example.com" | null,
                   "how": "name" | "address" | "certificate" | "marker" | null,
                   "note": "", "allowed": "the reason" | null}],
     "warnings": ["…"]}
"""

from typing import Any

from rich.console import Console
from rich.text import Text

from strongroom.guard.findings import Finding, How, Kind
from strongroom.guard.verdict import Verdict

_KNOWN_BY = {
    How.NAME: "known by its name",
    How.ADDRESS: "known by its address",
    How.CERTIFICATE: "known by the certificate it shows",
    How.MARKER: "which says so itself",
}
HOW_TO_GO_ON = (
    "Work as yourself, with the rights of your tier: strongroom connect NAME -- COMMAND. Or take "
    "the credentials out of what is named above. If it is a false alarm, say why beside it, in a "
    "comment on the line or above it: strongroom: allow <reason>; where there are no comments, in "
    ".strongroom-allowed.yaml"
)


def as_json(found: Verdict, refused: bool) -> dict[str, Any]:
    """The verdict for programs; the shape is described at the top of this module."""
    return {
        "version": 1,
        "files": found.files,
        "refused": refused,
        "findings": [_fields(finding) for finding in found.findings],
        "warnings": found.warnings,
    }


def _fields(finding: Finding) -> dict[str, Any]:
    match = finding.match
    return {
        "kind": finding.kind.value,
        "source": finding.origin.source,
        "line": finding.origin.line or None,
        "environment": match.environment if match else None,
        "declared": match.declared if match else None,
        "how": match.how.value if match else None,
        "note": finding.note,
        "allowed": finding.allowed,
    }


def show(console: Console, found: Verdict) -> None:
    """Print findings and warnings, a line each; what is allowed dimly."""
    for finding in found.findings:
        unresolved = "red" if finding.refused else "yellow"
        style = "dim" if finding.allowed else unresolved
        place = _printable(str(finding.origin))
        console.print(Text(f"  {place}  {_sentence(finding)}", style=style), soft_wrap=True)
    for warning in found.warnings:
        console.print(Text(f"  warning: {_printable(warning)}", style="yellow"), soft_wrap=True)


def _sentence(finding: Finding) -> str:
    match, note = finding.match, finding.note
    if match is None:
        said = note if finding.kind is Kind.PASSWORD else f"cannot be read, so not cleared: {note}"
    else:
        verb = finding.kind.value
        said = f"{verb} {match.environment}: {match.declared}, {_KNOWN_BY[match.how]}"
        said += f" ({note})" if note else ""
    return said + (f"; allowed: {_printable(finding.allowed)}" if finding.allowed else "")


def _printable(text: str) -> str:
    """Names of files and reasons come from others and must not steer a terminal."""
    return "".join(each if each.isprintable() else "?" for each in text)
