"""toolchain/aws.sh: which aws plugin is chosen, and what is said when there is none."""

import io
import os
import shutil
import signal
import sys
import tarfile
import time
from pathlib import Path

from tests.unit.toolchain_machine import AWS, Machine
from tests.unit.toolchain_mirror import Mirror


def run(machine: Machine, **variables: str) -> tuple[int, str, str]:
    return machine.run("aws.sh", **variables)


def official(folder: Path) -> None:
    """Lay out the official plugin for this machine as Pulumi's site does."""
    uname = os.uname()
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(uname.machine, uname.machine)
    name = f"pulumi-resource-aws-v{AWS}-{uname.sysname.lower()}-{arch}.tar.gz"
    folder.mkdir()
    with tarfile.open(folder / name, "w:gz") as archive:
        entry = tarfile.TarInfo("pulumi-resource-aws")
        entry.mode = 0o755
        archive.addfile(entry, io.BytesIO())


def with_go(machine: Machine) -> None:
    """Go, and a Terraform provider in its module cache that is as small as can be."""
    machine.install_go()
    machine.install("python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for file in (
        "xpprovider/xpprovider.go",
        "internal/provider/sdkv2/service_packages_gen.go",
        "internal/conns/awsclient_gen.go",
        "go.mod",
    ):
        path = machine.root / "terraform" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("package none\n")


# The official plugin.


def test_a_plugin_that_pulumi_has_installed_serves(machine: Machine) -> None:
    folder = machine.root / "user" / ".pulumi" / "plugins" / f"resource-aws-v{AWS}"
    folder.mkdir(parents=True)
    machine.install("pulumi-resource-aws", "").rename(folder / "pulumi-resource-aws")
    assert run(machine)[:2] == (0, str(folder))
    assert not machine.cache.exists()
    folder.with_name(f"{folder.name}.partial").touch()
    assert run(machine)[0] == 1


def test_the_official_plugin_is_downloaded_once_and_then_kept(
    machine: Machine, mirror: Mirror
) -> None:
    official(machine.root / "releases")
    code, out, err = run(machine, STRONGROOM_PULUMI_PLUGINS=mirror.url)
    assert code == 0
    assert "the official plugin" in err
    assert (Path(out) / "pulumi-resource-aws").is_file()
    asked = len(mirror.asked)
    assert run(machine, STRONGROOM_PULUMI_PLUGINS=mirror.url)[:2] == (0, out)
    assert len(mirror.asked) == asked


def test_what_does_not_unpack_to_a_plugin_is_not_installed(
    machine: Machine, mirror: Mirror
) -> None:
    official(machine.root / "releases")
    (tarball,) = (machine.root / "releases").iterdir()
    tarball.write_bytes(b"<html>sign in first</html>")
    with_go(machine)
    code, out, err = run(machine, STRONGROOM_PULUMI_PLUGINS=mirror.url)
    assert (code, out) == (1, "")
    assert "does not unpack to an aws plugin" in err
    assert list(machine.cache.glob("aws-*")) == []


def test_a_refused_download_is_remembered_and_one_for_rehearsals_is_built(
    machine: Machine, mirror: Mirror
) -> None:
    (machine.root / "releases").mkdir()
    with_go(machine)
    code, _, err = run(machine, STRONGROOM_PULUMI_PLUGINS=mirror.url)
    assert code == 0
    assert "404" in err
    assert "building one for rehearsals only" in err
    asked = len(mirror.asked)
    (machine.toolchain / "aws" / "types.txt").write_text("other\n")
    assert "less than a day ago" in run(machine, STRONGROOM_PULUMI_PLUGINS=mirror.url)[2]
    assert len(mirror.asked) == asked


# The build from Go modules.


def test_it_is_built_once_for_every_clone(machine: Machine) -> None:
    with_go(machine)
    code, out, err = run(machine)
    assert code == 0
    assert "built in" in err
    second = machine.root / "second clone" / "toolchain"
    shutil.copytree(machine.toolchain, second)
    machine.toolchain = second
    assert run(machine)[:2] == (0, out)
    assert machine.builds() == ["."]
    assert list(machine.cache.glob("work-*")) == []


def test_whatever_it_is_made_of_makes_another_one(machine: Machine) -> None:
    with_go(machine)
    first = run(machine)[1]
    for changed in sorted((machine.toolchain / "aws").iterdir()):
        with changed.open("a") as file:
            file.write("\n")
        code, out, _ = run(machine)
        assert code == 0
        assert out != first, changed
        first = out


def test_two_at_once_build_once(machine: Machine) -> None:
    with_go(machine)
    (machine.root / "SLOW").touch()
    running = [machine.start("aws.sh") for _ in range(2)]
    ended = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert ended[0][0] == ended[1][0]
    if (machine.bin / "flock").exists():
        assert machine.builds() == ["."]
        assert any("another run is at work" in err for _, err in ended)


def test_a_killed_build_leaves_nothing_that_a_later_one_trusts(machine: Machine) -> None:
    with_go(machine)
    (machine.root / "SLOW").touch()
    process = machine.start("aws.sh")
    deadline = time.monotonic() + 20
    while not machine.builds() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert list(machine.cache.glob("aws-*")) == []
    (machine.root / "SLOW").unlink()
    assert run(machine)[0] == 0
    assert list(machine.cache.glob("work-*")) == []


def test_a_provider_that_is_not_the_pinned_one_is_never_built(machine: Machine) -> None:
    with_go(machine)
    (machine.root / "ALTERED").touch()
    code, out, err = run(machine)
    assert (code, out) == (1, "")
    assert "has the hash h1:other and not h1:" in err
    assert machine.builds() == []
    assert list(machine.cache.glob("aws-*")) == []


def test_one_that_does_not_start_is_not_installed(machine: Machine) -> None:
    with_go(machine)
    (machine.root / "BROKEN").touch()
    code, out, err = run(machine)
    assert (code, out) == (1, "")
    assert "does not start (no such type)" in err
    assert list(machine.cache.glob("aws-*")) == []


def test_a_missing_go_is_one_paragraph_that_says_what_to_do(machine: Machine) -> None:
    code, out, err = run(machine)
    assert (code, out) == (1, "")
    (paragraph,) = err.strip().splitlines()
    for part in ("no aws plugin", "no go on PATH", "nothing was installed", "go.dev/dl"):
        assert part in paragraph


def test_a_go_that_is_too_old_is_named_with_its_version(machine: Machine) -> None:
    with_go(machine)
    (machine.root / "OLD").touch()
    code, _, err = run(machine)
    assert code == 1
    assert "is go1.20 and said: go.mod requires go >= 1.25" in err


def test_a_refused_module_is_told_in_gos_own_words_with_a_remedy(machine: Machine) -> None:
    with_go(machine)
    (machine.root / "FAIL").touch()
    code, _, err = run(machine)
    assert code == 1
    assert "403 Forbidden" in err
    assert "GOPROXY" in err
    assert list(machine.cache.glob("work-*")) == []
