"""What a command would reach, or a repository holds: everything put together and judged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from strongroom.guard import allowing
from strongroom.guard.arguments import arguments_of
from strongroom.guard.connection import port_number
from strongroom.guard.declared import Guarded
from strongroom.guard.files import FileIdentity, UnreadableError, identity, opened
from strongroom.guard.findings import Finding, Kind
from strongroom.guard.formats.env import read_env
from strongroom.guard.formats.registry import Reader, reader_of
from strongroom.guard.inspection import Inspected, Inspector
from strongroom.guard.matching import Matcher
from strongroom.guard.mentions import Mentions
from strongroom.guard.places import named_in, surroundings
from strongroom.guard.split import found_targets
from strongroom.guard.targets import DEFAULT_PORT, Entry, Origin, Target
from strongroom.reading.documents import shown_path

#: Variables every shell has, which say nothing of a database.
_SHELLS_OWN = frozenset(
    {"HOSTNAME", "USER", "USERNAME", "LOGNAME", "NAME", "PWD", "OLDPWD"}
    | {"SSH_CLIENT", "SSH_CONNECTION", "NO_PROXY", "no_proxy"}
)


@dataclass
class Verdict:
    """What was found.

    Attributes:
        findings: in the order of their origins, allowed ones among them.
        warnings: what could not be understood, as sentences.
        files: how many files were looked through.
    """

    findings: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    files: int = 0

    @property
    def refused(self) -> bool:
        """Whether anything stops the command."""
        return any(finding.refused for finding in self.findings)


def verdict_on(
    command: Sequence[str],
    environment: Mapping[str, str],
    here: Path,
    guarded: Sequence[Guarded],
    matcher: Matcher,
) -> Verdict:
    """Judge a command by everything that decides what it would reach.

    Args:
        command: the program and its arguments.
        environment: the variables it would get.
        here: the working directory.
        guarded: what is guarded.
        matcher: how targets are compared with that.
    """
    gathered = Gathered(Inspector(Mentions(guarded)))
    own = [
        Entry((name,), value, Origin(f"${name}"))
        for name, value in environment.items()
        if name not in _SHELLS_OWN
    ]
    files = [*surroundings(here, environment, command)]
    set_in_files = _from_env_files(path for path, name in files if _is_env(name))
    variables = {**set_in_files, **environment}
    files += named_in(set_in_files, here)
    for path, name in files:
        gathered.add_file(path, name, variables)
    for path in gathered.env_files():
        gathered.add_file(path, ".env", variables)
    gathered.add_entries("the environment", own)
    gathered.add_entries("the command", arguments_of(command))
    found = gathered.judged(matcher, port_number(environment.get("PGPORT", "")))
    found.findings = allowing.by_files(found.findings, here)
    return found


def _is_env(name: str) -> bool:
    return reader_of(name) is read_env


def _from_env_files(paths: Iterable[Path]) -> dict[str, str]:
    """The variables that `.env` files set; the first to set one decides."""
    known: dict[str, str] = {}
    inspector = Inspector(Mentions(()))
    for path in paths:
        try:
            if identity(path) is not None:
                with opened(path) as stream:
                    found = inspector.file("", ".env", stream, variables=known)
                known = {**{entry.path[-1]: entry.value for entry in found.entries}, **known}
        except UnreadableError:
            continue  # told when the file's own turn comes
    return known


class Gathered:
    """Sources looked through so far."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._seen: set[tuple[FileIdentity, Reader | None]] = set()
        self._sources: dict[str, Inspected] = {}
        self._unread: list[Finding] = []
        self._files = 0
        self.warnings: list[str] = []

    def add_file(
        self, path: Path, name: str, variables: Mapping[str, str], scope: str = ""
    ) -> None:
        """Look through a file, unless it was already, by whatever path."""
        shown = shown_path(path)
        try:
            real = identity(path)
            # A link may give it another format.
            if real is None or (real, reader_of(name)) in self._seen:
                return
            self._seen.add((real, reader_of(name)))
            self._files += 1
            with opened(path) as stream:
                self.add(self._inspector.file(shown, name, stream, scope, variables))
        except UnreadableError as error:
            if not error.gone:
                self._unread.append(Finding(Kind.UNREAD, Origin(shown), note=str(error)))
            elif path.is_symlink():
                self.warnings.append(f"{shown} leads to no file.")
        except OSError as error:
            reason = error.strerror or "reading failed"
            self._unread.append(Finding(Kind.UNREAD, Origin(shown), note=reason))

    def add_stream(self, shown: str, name: str, stream: BinaryIO, scope: str = "") -> None:
        """Look through the content of a file that is somewhere else."""
        self._files += 1
        self.add(self._inspector.file(shown, name, stream, scope))

    def env_files(self) -> list[Path]:
        """The files that docker compose would read variables from."""
        entries = [entry for source in self._sources.values() for entry in source.entries]
        named = [one for one in entries if "env_file" in one.path[-3:] and one.value]
        return [(Path(one.origin.source).parent / one.value).resolve() for one in named]

    def add_entries(self, source: str, entries: Iterable[Entry]) -> None:
        """Look through settings that are in no file."""
        found = Inspected(source, entries=[*entries])
        self._inspector.settings(found)
        self.add(found)

    def add(self, found: Inspected) -> None:
        """Keep what a source holds."""
        self._sources[found.source] = found
        if found.warning:
            self.warnings.append(f"{found.source} {found.warning}.")

    def judged(self, matcher: Matcher, default_port: int = DEFAULT_PORT) -> Verdict:
        """Compare all targets with what is guarded, and apply what comments allow."""
        entries = [entry for source in self._sources.values() for entry in source.entries]
        targets: list[Target] = [*found_targets(entries, default_port)]
        targets += [target for source in self._sources.values() for target in source.targets]
        mentioned = [one for source in self._sources.values() for one in source.findings]
        found = [*matcher.findings(targets), *mentioned, *self._unread]
        judged = [self._by_comment(finding) for finding in _once(found)]
        return Verdict(judged, self.warnings, self._files)

    def _by_comment(self, finding: Finding) -> Finding:
        source = self._sources.get(finding.origin.source)
        return source.comments.judged(finding) if source else finding


def _once(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Findings by origin; what reaches a place is not told again as a mention of it."""
    seen: set[tuple[Origin, tuple[str, str]]] = set()
    ranked = sorted(findings, key=lambda finding: (finding.origin, list(Kind).index(finding.kind)))
    for finding in ranked:
        match = finding.match
        about = (match.environment, match.declared) if match else (finding.kind.value, "")
        if (finding.origin, about) not in seen:
            seen.add((finding.origin, about))
            yield finding
