"""The archive AWS Lambda gets, named by what is in it."""

import hashlib
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from strongroom.aws_names import fetching_authorities
from strongroom.errors import StrongroomError
from strongroom.packing.modules import sources
from strongroom.packing.wheels import Target, fetch, pinned
from strongroom.settings import Settings

#: What production runs; the libraries are pinned for it in wheels.txt.
LAMBDA = Target("3.13", "x86_64")

#: The certificates of RDS's authorities within the archive; Lambda unpacks it to /var/task.
AUTHORITIES = "authorities.pem"

_BUILT = "build"
_AWS = "aws"
# The first moment a zip archive can tell.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX, _READABLE = 3, 0o100644 << 16


@dataclass(frozen=True)
class Packed:
    """The function, ready to be given to Lambda.

    Attributes:
        path: the archive, seen from the checkout.
        digest: tells two versions apart, 12 hexadecimal digits.
    """

    path: str
    digest: str


@dataclass(frozen=True)
class Packing:
    """How the function of one stack is packed.

    Attributes:
        checkout: the folder that holds strongroom/.
        region: where the database is; its authorities are trusted.
        authorities: their certificates, a PEM file below the checkout.
        target: what the function runs on.
    """

    checkout: Path
    region: str
    authorities: str
    target: Target = LAMBDA

    @classmethod
    def of(cls, checkout: Path, settings: Settings) -> Self:
        """As a stack declares it."""
        return cls(checkout, settings.aws.region, settings.aws.authorities)

    def at_hand(self) -> Packed:
        """The archive that belongs to the files as they are.

        Raises:
            StrongroomError: it was not made yet, or there are no authorities to trust.
        """
        packed = self._packed()
        if not (self.checkout / packed.path).is_file():
            raise StrongroomError(
                f"{packed.path} is missing: the function that acts as root on AWS was not packed "
                "since its code last changed, so there is nothing to give to Lambda and nothing "
                "was done. Run `make function` and try again."
            )
        return packed

    def pack(self) -> Packed:
        """Make the archive unless it is there; downloads the libraries once.

        Raises:
            StrongroomError: a library cannot be had, or there are no authorities to trust.
        """
        packed = self._packed()
        whole = self.checkout / packed.path
        if not whole.is_file():
            wheels = fetch(self.target, self.checkout / _BUILT / "wheels")
            draft = whole.with_suffix(f".{os.getpid()}")
            _write(draft, {**self._own(), **dict(_unpacked(wheels))})
            draft.replace(whole)
        return packed

    def _packed(self) -> Packed:
        parts = [f"{self.target.python} {self.target.machine}"]
        parts += [f"{each.sha256} {each.file}" for each in pinned(self.target)]
        parts += [
            f"{hashlib.sha256(content).hexdigest()} {name}"
            for name, content in sorted(self._own().items())
        ]
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
        return Packed(f"{_BUILT}/function-{digest}.zip", digest)

    def _own(self) -> dict[str, bytes]:
        code = {name: path.read_bytes() for name, path in sources(self.checkout).items()}
        return {**code, AUTHORITIES: self._trusted()}

    def _trusted(self) -> bytes:
        path = self.checkout / self.authorities
        content = path.read_bytes() if path.is_file() else b""
        if b"-----BEGIN CERTIFICATE-----" not in content:
            state = "holds no certificate" if path.exists() else "is missing"
            raise StrongroomError(
                f"{self.authorities} {state}. It has the certificates of RDS's authorities, "
                "without which nobody could tell the database from somebody in its place, so "
                "nothing was done. Download it once, look at it, and commit it: "
                f"{fetching_authorities(self.region, self.authorities)}"
            )
        return content


def pack(checkout: Path, stack: str) -> Packed | None:
    """Have the function of a stack packed; None when the stack is not on AWS.

    Raises:
        StrongroomError: its settings are wrong, or the function cannot be packed.
    """
    settings = Settings.load(checkout, stack)
    return Packing.of(checkout, settings).pack() if settings.platform == _AWS else None


def _unpacked(wheels: list[Path]) -> Iterator[tuple[str, bytes]]:
    for path in wheels:
        with zipfile.ZipFile(path) as wheel:
            yield from ((each.filename, wheel.read(each)) for each in wheel.infolist())


def _write(path: Path, files: dict[str, bytes]) -> None:
    """A zip archive of nothing but names and bytes, in one order.

    Nothing is compressed: what compressing gives depends on the library that does it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            if name.endswith("/"):
                continue
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system, entry.external_attr = _UNIX, _READABLE
            archive.writestr(entry, files[name])
