"""Copies out of the Terraform AWS provider what the named services stand on.

usage: trim.py SOURCE TARGET SERVICE...

The whole provider holds some 260 services and takes half an hour to compile; a rehearsal needs
seventeen. Packages are copied as they are, found by following imports. Only what lists all
services is shortened: the service packages, the AWS clients, and the required modules.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

MODULE = "github.com/hashicorp/terraform-provider-aws"
# What main.go imports of it.
ENTRANCE = "xpprovider"
SERVICES = "internal/service"
# The three files that name every service.
PACKAGES = "internal/provider/sdkv2/service_packages_gen.go"
CLIENTS = "internal/conns/awsclient_gen.go"
MODULES = "go.mod"
# Files that packages embed, or that their owners' license asks to be handed on.
COMPANIONS = ("*.hcl", "VERSION", "LICENSE")

IMPORT_BLOCK = re.compile(r"^import \((.*?)^\)", re.MULTILINE | re.DOTALL)
IMPORT_ALONE = re.compile(r"^import ((?:[\w.]+ )?\"[^\"]+\")", re.MULTILINE)
IMPORT = re.compile(r"^\s*(?:([\w.]+) )?\"([^\"]+)\"", re.MULTILINE)
METHOD = re.compile(r"^func \(c \*AWSClient\) (\w+)\(.*?^}\n", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"\.(\w+Client)\(")


def sources(folder: Path) -> list[Path]:
    """The Go files of a package that a build of it needs: no tests, no sweepers."""
    found = sorted(folder.glob("*.go"))
    return [
        file for file in found if not file.name.endswith("_test.go") and file.name != "sweep.go"
    ]


def imports(text: str) -> Iterator[tuple[str, str]]:
    """What a Go file imports: the name it is given ('' for its own) and the path."""
    head = "\n".join([*IMPORT_ALONE.findall(text), *IMPORT_BLOCK.findall(text)])
    yield from IMPORT.findall(head)


class Trim:
    """A copy of a part of the provider, in the making."""

    def __init__(self, source: Path, target: Path, services: list[str]) -> None:
        self.source = source
        self.target = target
        self.services = set(services)
        self.foreign: set[str] = set()
        self.called: set[str] = set()

    def text(self, file: str) -> str:
        """A file of the provider, shortened by what is left out if it lists services."""
        whole = (self.source / file).read_text(encoding="utf-8")
        if file == PACKAGES:
            return "".join(line for line in whole.splitlines(keepends=True) if self._kept(line))
        if file == CLIENTS:
            return self._clients(whole)
        return self._modules(whole) if file == MODULES else whole

    def _kept(self, line: str) -> bool:
        """Whether a line of the list of service packages stays."""
        named = re.search(rf"{MODULE}/{SERVICES}/(\w+)\"|^\s*(\w+)\.ServicePackage\(", line)
        return not named or (named[1] or named[2]) in self.services

    def _clients(self, whole: str) -> str:
        """The clients that copied code calls, and the imports they need."""
        body = METHOD.sub(lambda method: method[0] if method[1] in self.called else "", whole)
        lines = []
        for line in body.splitlines(keepends=True):
            named = IMPORT.match(line)
            package = named and (named[1] or named[2].rsplit("/", 1)[-1])
            if not package or re.search(rf"\b{package}\.\w", body):
                lines.append(line)
        return "".join(lines)

    def _modules(self, whole: str) -> str:
        """The requirements that copied code imports from."""
        lines = []
        for line in whole.splitlines(keepends=True):
            required = re.match(r"\t([^\s/]+/\S+) v", line)
            prefix = f"{required[1]}/" if required else ""
            if not required or any(f"{path}/".startswith(prefix) for path in self.foreign):
                lines.append(line)
        return "".join(lines)

    def copy(self) -> None:
        """Copy the packages that are reached from the entrance, then the shortened lists."""
        done: set[str] = set()
        waiting = {ENTRANCE, *(f"{SERVICES}/{service}" for service in self.services)}
        while waiting:
            package = waiting.pop()
            done.add(package)
            # A client looks its service up in the list of packages, so what is reached is listed.
            if re.fullmatch(rf"{SERVICES}/\w+", package):
                self.services.add(Path(package).name)
            waiting |= self._copy_package(package) - done
        for file in (PACKAGES, CLIENTS, MODULES):
            text = self.text(file)
            if file != MODULES:
                self.foreign |= {path for _, path in imports(text) if not path.startswith(MODULE)}
            self._write(file, text)
        self._companions(Path())
        self._companions(Path(SERVICES))

    def _copy_package(self, package: str) -> set[str]:
        """Copy one package; the packages of the provider that it imports."""
        reached: set[str] = set()
        for path in sources(self.source / package):
            file = str(path.relative_to(self.source))
            # What these import depends on what all the others call.
            if file in (PACKAGES, CLIENTS):
                continue
            text = self.text(file)
            self.called.update(CALL.findall(text))
            for _, imported in imports(text):
                if imported.startswith(f"{MODULE}/"):
                    reached.add(imported.removeprefix(f"{MODULE}/"))
                else:
                    self.foreign.add(imported)
            self._write(file, text)
        self._companions(Path(package))
        return reached

    def _companions(self, folder: Path) -> None:
        for pattern in COMPANIONS:
            for path in (self.source / folder).glob(pattern):
                self._write(str(folder / path.name), path.read_text(encoding="utf-8"))

    def _write(self, file: str, text: str) -> None:
        path = self.target / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main() -> None:
    """Copy afresh: what an earlier run left in the target goes first."""
    source, target, *services = sys.argv[1:]
    shutil.rmtree(target, ignore_errors=True)
    Trim(Path(source), Path(target), services).copy()


if __name__ == "__main__":
    main()
