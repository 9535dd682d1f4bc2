"""What is guarded: declared in files, which can be committed, and known from local stacks.

A file maps environments to where they are reached and what they prove themselves with:

    production:
      hosts: [db.example.com, "*.abc.eu-west-1.rds.amazonaws.com", 10.0.3.0/24]
      certificates: [sha256:9f86d0…]        # or the PEM of an authority
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from strongroom.errors import StrongroomError
from strongroom.guard.hosts import Place
from strongroom.reading import forms
from strongroom.reading.documents import Node, Report, quoted, read_file, shown_path
from strongroom.reading.names import environment_name_problems
from strongroom.reading.settings_form import host_problem

FILE = ".strongroom-guarded.yaml"
_EXAMPLE = "{production: {hosts: [db.example.com]}}"
_FINGERPRINT = re.compile(r"(?:sha256:)?(?P<digits>(?:[0-9a-f]{2}:?){32})", re.IGNORECASE)
_PEM = "-----BEGIN CERTIFICATE-----"


class NothingGuardedError(StrongroomError):
    """Nobody said what to guard, so nothing can be cleared."""

    exit_code = 2


@dataclass(frozen=True)
class Guarded:
    """One environment under guard, by one source.

    Attributes:
        environment: its name.
        places: where it is reached.
        fingerprints: SHA-256 of certificates, 64 lower-case hexadecimal digits.
        authorities: certificates that sign those of its servers.
        source: the file or stack that declares it.
    """

    environment: str
    places: tuple[Place, ...] = ()
    fingerprints: frozenset[str] = frozenset()
    authorities: tuple[x509.Certificate, ...] = ()
    source: str = ""


def declared(named: Path | None, environment: Mapping[str, str], here: Path) -> tuple[Guarded, ...]:
    """Everything that files declare, merged.

    Args:
        named: the file given on the command line.
        environment: the variables of the shell: STRONGROOM_GUARDED, XDG_CONFIG_HOME, HOME.
        here: the working directory, whose parents are looked through too.

    Raises:
        SettingsError: a file holds mistakes; all of it are named.
    """
    return tuple(one for path in _files(named, environment, here) for one in read(path))


def _files(named: Path | None, environment: Mapping[str, str], here: Path) -> list[Path]:
    wanted = [named] if named else []
    if variable := environment.get("STRONGROOM_GUARDED"):
        wanted.append(Path(variable))
    home = environment.get("HOME") or str(Path.home())
    config = environment.get("XDG_CONFIG_HOME") or str(Path(home) / ".config")
    there = [folder / FILE for folder in (here, *here.parents)]
    there.append(Path(config) / "strongroom" / "guarded.yaml")
    found = [path for path in there if path.is_symlink() or path.exists()]
    return [*dict.fromkeys([*wanted, *found])]


def read(path: Path) -> list[Guarded]:
    """What one file declares.

    Raises:
        SettingsError: with every mistake and its line.
    """
    source = shown_path(path)
    report = Report(source)
    document = read_file(path, report, "what is guarded")
    environments = {} if document.value is None else _mapping(report, document)
    found = [_one(report, name, node, source) for name, node in environments.items()]
    report.settle()
    return found


def _mapping(report: Report, document: Node) -> dict[str, Node]:
    return forms.mapping(report, document, "what is guarded", _EXAMPLE) or {}


def _one(report: Report, name: str, node: Node, source: str) -> Guarded:
    for problem in environment_name_problems(name):
        report.add(node.place, f"the environment {quoted(name)} {problem}")
    keys = ("hosts", "certificates")
    given = forms.fields(report, node, name, keys, "{hosts: [db.example.com]}") or {}
    hosts = [*_texts(report, given.get("hosts"), f"{name}.hosts", "[db.example.com]")]
    places = []
    for host in hosts:
        wrong = host_problem(str(host.value))
        if wrong:
            report.add(host.place, f"{name}.hosts names {host}, which {wrong}")
        else:
            places.append(Place.parse(str(host.value)))
    certificates = given.get("certificates")
    texts = [*_texts(report, certificates, f"{name}.certificates", "['sha256:9f86…']")]
    fingerprints, authorities = _certificates(report, texts, name)
    if isinstance(node.value, dict) and not hosts and not texts:
        problem = f"{name} has neither hosts nor certificates, so nothing would be known as it"
        report.add(node.place, f"{problem}. Add hosts: [db.example.com]")
    return Guarded(name, tuple(places), fingerprints, authorities, source)


def _texts(report: Report, node: Node | None, what: str, example: str) -> Iterator[Node]:
    for entry in (forms.items(report, node, what, example) or []) if node is not None else ():
        pem = isinstance(entry.value, str) and entry.value.startswith(_PEM)  # several lines
        if pem or forms.text(report, entry, f"an entry of {what}", example.strip("[]'")):
            yield entry


def _certificates(
    report: Report, texts: Sequence[Node], name: str
) -> tuple[frozenset[str], tuple[x509.Certificate, ...]]:
    fingerprints, authorities = set(), []
    for node in texts:
        text = str(node.value)
        if found := _FINGERPRINT.fullmatch(text):
            fingerprints.add(found["digits"].replace(":", "").lower())
            continue
        try:
            authorities.append(x509.load_pem_x509_certificate(text.encode()))
        except ValueError:
            problem = f"{name}.certificates has an entry that is neither sha256: and 64 digits nor"
            rest = "a certificate in PEM, so no server would be known by it. Correct it"
            report.add(node.place, f"{problem} {rest}")
    return frozenset(fingerprints), tuple(authorities)
