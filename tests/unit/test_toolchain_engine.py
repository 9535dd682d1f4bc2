"""toolchain/engine.sh: which engine is chosen, and what is said when there is none."""

import hashlib
import io
import os
import shutil
import signal
import tarfile
import time
from importlib.metadata import version as installed
from pathlib import Path

import pytest

from tests.unit.toolchain_machine import PULUMI, VERSION, Machine
from tests.unit.toolchain_mirror import Mirror


def test_the_cli_and_the_sdk_are_the_same_version() -> None:
    assert installed("pulumi") == VERSION


# A pulumi that is there already.


@pytest.mark.parametrize(
    "version", ["3.259.0", "3.259.1", "3.300.0", "4.0.0", "3.260.0-alpha.1", "3.259.0+dirty"]
)
def test_a_recent_enough_pulumi_on_path_serves(machine: Machine, version: str) -> None:
    machine.install("pulumi", PULUMI.format(version=version))
    machine.install("pulumi-language-python", "")
    assert machine.run()[:2] == (0, str(machine.bin))
    assert not machine.cache.exists()


@pytest.mark.parametrize(
    "version", ["3.258.9", "3.99.0", "2.300.0", "3.259.0-alpha.1", "3.259", "unknown"]
)
def test_an_older_pulumi_is_left_alone_and_named(machine: Machine, version: str) -> None:
    machine.install("pulumi", PULUMI.format(version=version))
    machine.install("pulumi-language-python", "")
    code, out, err = machine.run()
    assert (code, out) == (1, "")
    assert f"{machine.bin}/pulumi is version" in err
    assert f"older than the {VERSION} this project needs" in err


def test_a_pulumi_without_a_python_language_host_is_left_alone(machine: Machine) -> None:
    machine.install("pulumi", PULUMI.format(version=VERSION))
    assert "no pulumi-language-python" in machine.run()[2]


def test_asking_a_pulumi_for_its_version_leaves_nothing_in_the_users_home(
    machine: Machine,
) -> None:
    body = 'mkdir -p "${PULUMI_HOME:-$HOME/.pulumi}/logs"\necho v3.259.0\n'
    machine.install("pulumi", f"#!/bin/sh\n{body}")
    machine.install("pulumi-language-python", "")
    assert machine.run()[0] == 0
    assert not (machine.root / "user").exists()
    assert list(machine.root.glob("tmp*")) == []


# The official release.


def release(folder: Path, *, altered: bool = False, sums: bool = True) -> None:
    """Lay out a release for this machine as the official site does."""
    uname = os.uname()
    arch = {"x86_64": "x64", "aarch64": "arm64"}.get(uname.machine, uname.machine)
    name = f"pulumi-v{VERSION}-{uname.sysname.lower()}-{arch}.tar.gz"
    folder.mkdir()
    with tarfile.open(folder / name, "w:gz") as archive:
        for member in ("pulumi", "pulumi-language-python"):
            content = PULUMI.format(version=VERSION).encode()
            entry = tarfile.TarInfo(f"pulumi/{member}")
            entry.mode, entry.size = 0o755, len(content)
            archive.addfile(entry, io.BytesIO(content))
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    if altered:
        with (folder / name).open("ab") as file:
            file.write(b"\0")
    if sums:
        (folder / f"pulumi-{VERSION}-checksums.txt").write_text(f"{digest}  {name}\n")


def test_the_official_release_is_downloaded_once_and_then_kept(
    machine: Machine, mirror: Mirror
) -> None:
    release(machine.root / "releases")
    code, out, _ = machine.run(STRONGROOM_PULUMI_RELEASES=mirror.url)
    assert code == 0
    assert (Path(out) / "pulumi").is_file()
    asked = len(mirror.asked)
    assert machine.run(STRONGROOM_PULUMI_RELEASES=mirror.url)[:2] == (0, out)
    assert len(mirror.asked) == asked


def test_a_release_that_is_not_what_its_checksums_say_is_never_run(
    machine: Machine, mirror: Mirror
) -> None:
    release(machine.root / "releases", altered=True)
    machine.install_go()
    code, out, err = machine.run(STRONGROOM_PULUMI_RELEASES=mirror.url)
    assert (code, out) == (1, "")
    assert "the release's checksums file says" in err
    assert "nothing was installed" in err
    assert list(machine.cache.glob("*/bin")) == []


def test_a_mirror_without_checksums_serves_and_this_is_said(
    machine: Machine, mirror: Mirror
) -> None:
    release(machine.root / "releases", sums=False)
    code, _, err = machine.run(STRONGROOM_PULUMI_RELEASES=mirror.url)
    assert code == 0
    assert "no checksums file" in err


def test_a_refused_download_is_remembered_and_the_engine_is_built(
    machine: Machine, mirror: Mirror
) -> None:
    (machine.root / "releases").mkdir()
    machine.install_go()
    (machine.root / "FAIL").touch()
    assert "404" in machine.run(STRONGROOM_PULUMI_RELEASES=mirror.url)[2]
    asked = len(mirror.asked)
    assert "less than a day ago" in machine.run(STRONGROOM_PULUMI_RELEASES=mirror.url)[2]
    assert len(mirror.asked) == asked
    (machine.root / "FAIL").unlink()
    assert machine.run(STRONGROOM_PULUMI_RELEASES=mirror.url)[0] == 0


# The build from Go modules.

BOTH = ["pulumi", "pulumi-language-python"]


def test_the_engine_is_built_once_for_every_clone(machine: Machine) -> None:
    machine.install_go()
    code, out, err = machine.run()
    assert code == 0
    assert "built in" in err
    assert sorted(path.name for path in Path(out).iterdir()) == [
        *BOTH,
        "pulumi-language-python-exec",
    ]
    second = machine.root / "second clone" / "toolchain"
    shutil.copytree(machine.toolchain, second)
    machine.toolchain = second
    assert machine.run()[:2] == (0, out)
    assert machine.builds() == BOTH


def test_other_modules_or_another_recipe_make_another_engine(machine: Machine) -> None:
    machine.install_go()
    first = machine.run()[1]
    for changed in ("cli/go.sum", "language-python/go.mod", "build.sh"):
        with (machine.toolchain / changed).open("a") as file:
            file.write("\n")
        code, out, _ = machine.run()
        assert code == 0
        assert out != first
        first = out


def test_two_at_once_build_once(machine: Machine) -> None:
    machine.install_go()
    (machine.root / "SLOW").touch()
    running = [machine.start() for _ in range(2)]
    ended = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert ended[0][0] == ended[1][0]
    if (machine.bin / "flock").exists():
        assert machine.builds() == BOTH
        assert any("another run is at work" in err for _, err in ended)


def test_a_killed_build_leaves_nothing_that_a_later_one_trusts(machine: Machine) -> None:
    machine.install_go()
    (machine.root / "SLOW").touch()
    process = machine.start()
    deadline = time.monotonic() + 20
    while len(machine.builds()) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert list(machine.cache.glob("*/bin")) == []
    assert list(machine.cache.glob("work-*")) != []
    (machine.root / "SLOW").unlink()
    assert machine.run()[0] == 0
    assert machine.builds() == sorted(BOTH * 2)
    assert list(machine.cache.glob("work-*")) == []


def test_a_missing_go_is_one_paragraph_that_says_what_to_do(machine: Machine) -> None:
    code, out, err = machine.run()
    assert (code, out) == (1, "")
    (paragraph,) = err.strip().splitlines()
    for part in (f"no pulumi {VERSION}", "no go on PATH", "nothing was installed", "go.dev/dl"):
        assert part in paragraph


def test_a_go_that_is_too_old_is_named_with_its_version(machine: Machine) -> None:
    machine.install_go()
    (machine.root / "OLD").touch()
    code, _, err = machine.run()
    assert code == 1
    assert "is go1.20 and said: go.mod requires go >= 1.25" in err


def test_a_refused_module_is_told_in_gos_own_words_with_a_remedy(machine: Machine) -> None:
    machine.install_go()
    (machine.root / "FAIL").touch()
    code, _, err = machine.run()
    assert code == 1
    assert "403 Forbidden" in err
    assert "GOPROXY" in err
    assert list(machine.cache.glob("work-*")) == []
