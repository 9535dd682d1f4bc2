"""A folder as a laptop would have it, and what guard says of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from strongroom.guard.declared import Guarded
from strongroom.guard.findings import Finding
from strongroom.guard.formats.document import Document
from strongroom.guard.formats.registry import entries_of, reader_of
from strongroom.guard.hosts import Place
from strongroom.guard.matching import Matcher
from strongroom.guard.scan import scan
from strongroom.guard.targets import Entry
from strongroom.guard.verdict import Verdict, verdict_on

PRODUCTION = Guarded(
    "production",
    tuple(
        map(
            Place.parse,
            ["db.example.com", "*.abc.rds.amazonaws.com", "10.0.3.0/24", "127.0.0.1:15432"],
        )
    ),
    source=".strongroom-guarded.yaml",
)
GUARDED = (PRODUCTION,)
OFFLINE = Matcher(GUARDED, resolve=False, look=False)


@dataclass(frozen=True)
class Laptop:
    """A working directory, a home without anything in it, and an environment."""

    here: Path
    home: Path

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.here / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def verdict(self, *command: str, matcher: Matcher = OFFLINE, **environment: str) -> Verdict:
        """What guard says of a command, with only these variables besides HOME."""
        variables = {"HOME": str(self.home), **environment}
        return verdict_on(command or ("true",), variables, self.here, matcher.guarded, matcher)

    def scanned(self, *paths: str) -> Verdict:
        return scan([self.here / path for path in paths] or [self.here], GUARDED, OFFLINE)

    def origins(self, verdict: Verdict) -> list[str]:
        """Where the refused findings are, shorn of the folder."""
        return [self.shorn(finding) for finding in verdict.findings if finding.refused]

    def shorn(self, finding: Finding) -> str:
        return str(finding.origin).removeprefix(f"{self.here}/")


def entries(name: str, text: str, **variables: str) -> list[Entry]:
    """What the reader of a file called `name` gives for `text`."""
    reader = reader_of(name)
    assert reader is not None
    return entries_of(reader, Document(name, text, "shared", variables))


def told(found: Sequence[Entry]) -> dict[str, tuple[str, int]]:
    """For each path, with dots, the value and the line."""
    return {".".join(entry.path): (entry.value, entry.origin.line) for entry in found}
