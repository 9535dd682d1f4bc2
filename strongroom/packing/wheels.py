"""The function's libraries: wheels for the machine it runs on, pinned by their SHA-256."""

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from packaging.utils import parse_wheel_filename

from strongroom.errors import StrongroomError


@dataclass(frozen=True)
class Target:
    """What a function runs on.

    Attributes:
        python: the version of Python, such as 3.13.
        machine: the processor, x86_64 or aarch64; the system is Linux with glibc 2.28 or newer.
    """

    python: str
    machine: str

    @property
    def abi(self) -> str:
        """Such as cp313."""
        return f"cp{self.python.replace('.', '')}"


@dataclass(frozen=True)
class Wheel:
    """One pinned wheel.

    Attributes:
        file: its name.
        sha256: its digest, hexadecimal.
    """

    file: str
    sha256: str

    @property
    def requirement(self) -> str:
        """As pip reads it."""
        name, version, _, _ = parse_wheel_filename(self.file)
        return f"{name}=={version} --hash=sha256:{self.sha256}"

    def serves(self, target: Target) -> bool:
        """Whether it is for `target`, and needed there."""
        name, _, _, tags = parse_wheel_filename(self.file)
        if name == "typing-extensions" and tuple(map(int, target.python.split("."))) >= (3, 13):
            return False  # which psycopg needs on older Pythons only
        return any(
            tag.interpreter in ("py3", target.abi)
            and (tag.platform == "any" or tag.platform.endswith(f"_{target.machine}"))
            for tag in tags
        )

    def whole(self, folder: Path) -> bool:
        """Whether `folder` has it, to the last byte."""
        path = folder / self.file
        return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == self.sha256


def pinned(target: Target) -> tuple[Wheel, ...]:
    """The wheels for `target`, in the order of their names."""
    lines = resources.files("strongroom.packing").joinpath("wheels.txt").read_text().splitlines()
    listed = [Wheel(file, digest) for digest, file in (line.split() for line in lines)]
    return tuple(each for each in listed if each.serves(target))


def fetch(target: Target, folder: Path) -> list[Path]:
    """Have the wheels for `target` in `folder`; what is there already is not downloaded again.

    Raises:
        StrongroomError: the package index does not give one of them, or gives other bytes.
    """
    wanted = pinned(target)
    missing = [each for each in wanted if not each.whole(folder)]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        for each in missing:
            (folder / each.file).unlink(missing_ok=True)
        _download(target, missing, folder)
    return [folder / each.file for each in wanted]


def _download(target: Target, wheels: list[Wheel], folder: Path) -> None:
    platforms = [f"manylinux_2_{glibc}_{target.machine}" for glibc in (17, 27, 28)]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("\n".join(each.requirement for each in wheels))
        listed.flush()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"),
                *("--disable-pip-version-check", "--only-binary", ":all:", "--require-hashes"),
                *("--python-version", target.python, "--implementation", "cp"),
                *("--abi", target.abi, "--abi", "none", "--platform", "any"),
                *(word for each in platforms for word in ("--platform", each)),
                *("--dest", str(folder), "--requirement", listed.name),
            ],
            check=False,
            capture_output=True,
            text=True,
        )
    lacking = [each.file for each in wheels if not each.whole(folder)]
    if done.returncode or lacking:
        said = " ".join(done.stderr.split()) or f"it did not give {', '.join(lacking)}"
        raise StrongroomError(
            f"The function's libraries could not be downloaded, so it was not packed: {said} If "
            "the package index refused, name another one with PIP_INDEX_URL. Bytes other than "
            "those pinned in strongroom/packing/wheels.txt are never packed."
        )
