"""The engine's surroundings on the local stack: environment, locks, plugins, leftovers."""

import json
import os
import shlex
import stat
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from strongroom.engine.environment import REMOVED, environment, exports, process_environment
from strongroom.engine.runs import runs
from strongroom.engine.state import has_rights, without_salt
from strongroom.errors import StrongroomError
from strongroom.home import Home

ENGINE_BIN = Path("/opt/engine of mine/bin")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    checkout = tmp_path / "a clone's folder"
    (checkout / "stacks").mkdir(parents=True)
    (checkout / "Pulumi.yaml").write_text(
        "name: strongroom\nruntime: python\nstackConfigDir: stacks\n"
    )
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    return Home(root=tmp_path / "home", checkout=checkout)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# The environment.


def test_state_and_passphrase_are_for_their_owner_only(home: Home) -> None:
    before = os.umask(0)
    try:
        variables = environment(home, ENGINE_BIN)
    finally:
        os.umask(before)
    passphrase = Path(variables["PULUMI_CONFIG_PASSPHRASE_FILE"])
    assert mode(passphrase) == 0o600
    assert mode(home.engine) == mode(home.engine / "state") == mode(home.pulumi_home) == 0o700
    assert len(passphrase.read_text()) >= 32
    assert passphrase.read_text() not in exports(variables)


def test_the_unprivileged_system_user_can_pass_to_the_clusters_whatever_the_umask(
    home: Home,
) -> None:
    before = os.umask(0o077)
    try:
        environment(home, ENGINE_BIN)
    finally:
        os.umask(before)
    assert mode(home.root) == mode(home.project) == 0o755


def test_the_passphrase_is_made_once_even_by_many_at_once(home: Home) -> None:
    program = (
        "import sys; from pathlib import Path; from strongroom.home import Home; "
        "from strongroom.engine.environment import environment; "
        "home = Home(root=Path(sys.argv[1]), checkout=Path(sys.argv[2])); "
        "v = environment(home, Path('/bin')); "
        "print(Path(v['PULUMI_CONFIG_PASSPHRASE_FILE']).read_text())"
    )
    command = [sys.executable, "-c", program, str(home.root), str(home.checkout)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert len({process.communicate()[0] for process in running}) == 1
    assert [path.name for path in home.engine.glob("passphrase*")] == ["passphrase"]


def test_a_lost_passphrase_is_not_replaced_while_a_state_needs_it(home: Home) -> None:
    environment(home, ENGINE_BIN)
    stacks = home.engine / "state" / ".pulumi" / "stacks" / "strongroom"
    stacks.mkdir(parents=True)
    (stacks / "local.json").write_text("{}")
    (home.engine / "passphrase").unlink()
    with pytest.raises(StrongroomError, match="passphrase is missing"):
        environment(home, ENGINE_BIN)
    assert not (home.engine / "passphrase").exists()


def test_the_exports_survive_a_shell_whatever_the_paths_hold(home: Home) -> None:
    variables = environment(home, ENGINE_BIN)
    script = f'{exports(variables)}\nprintf \'%s\\n\' "$PATH" "$PULUMI_BACKEND_URL" "$PULUMI_HOME"'
    shell = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert shell.stdout.splitlines() == [
        variables["PATH"],
        variables["PULUMI_BACKEND_URL"],
        variables["PULUMI_HOME"],
    ]
    assert "'\"'\"'" in shlex.quote(variables["PATH"])


def test_the_projects_python_comes_first_and_the_engine_second(home: Home) -> None:
    first, second, *_ = environment(home, ENGINE_BIN)["PATH"].split(os.pathsep)
    assert (first, second) == (str(home.checkout / ".venv" / "bin"), str(ENGINE_BIN))


def test_path_does_not_grow_when_the_environment_is_evaluated_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = environment(home, ENGINE_BIN)["PATH"]
    monkeypatch.setenv("PATH", once)
    assert environment(home, ENGINE_BIN)["PATH"] == once


def test_what_would_win_over_the_stacks_own_settings_is_taken_out(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in REMOVED:
        monkeypatch.setenv(name, "mine")
    monkeypatch.setenv("PULUMI_HOME", "/home/somebody/.pulumi")
    variables = environment(home, ENGINE_BIN)
    whole = process_environment(variables)
    assert not set(REMOVED) & whole.keys()
    assert whole["PULUMI_HOME"] == str(home.pulumi_home)
    assert exports(variables).startswith(f"unset {' '.join(REMOVED)}\n")


def test_the_closed_network_plugin_is_on_path_only_while_the_official_one_is_not_there(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = str(home.checkout / "plugin" / "closed-network")
    path = environment(home, ENGINE_BIN)["PATH"]
    assert own in path.split(os.pathsep)
    folder = home.pulumi_home / "plugins" / f"resource-postgresql-v{version('pulumi-postgresql')}"
    folder.mkdir(parents=True)
    (folder / "pulumi-resource-postgresql").touch()
    monkeypatch.setenv("PATH", path)
    assert own not in environment(home, ENGINE_BIN)["PATH"].split(os.pathsep)


def test_the_state_is_kept_without_sidecars_that_a_killed_engine_could_leave_empty(
    home: Home,
) -> None:
    assert environment(home, ENGINE_BIN)["PULUMI_BACKEND_URL"].endswith("?metadata=skip")


# Runs.


def test_up_looks_for_drift_once_there_are_rights_to_compare() -> None:
    first = ["up", "--yes", "--skip-preview", "--policy-pack", "policy/run"]
    assert runs("up", [], compare=False, serves=False) == [first]
    assert runs("up", [], compare=True, serves=True) == [[*first, "--refresh"]]


def test_up_starts_a_stopped_primary_before_it_asks_it_anything() -> None:
    plain, refreshed = runs("up", ["--diff"], compare=True, serves=False)
    assert "--refresh" not in plain
    assert refreshed == [*plain, "--refresh"]
    assert "--diff" in plain


def test_a_preview_asks_only_a_primary_that_answers_and_destroy_asks_none() -> None:
    plain = ["preview", "--policy-pack", "policy/run"]
    assert runs("preview", [], compare=True, serves=True) == [[*plain, "--refresh"]]
    assert runs("preview", [], compare=True, serves=False) == [plain]
    assert runs("destroy", [], compare=True, serves=True) == [["destroy", "--yes"]]


def test_a_destroy_is_previewed_so_that_protection_stops_it_before_anything_is_gone() -> None:
    (destroy,) = runs("destroy", [], compare=True, serves=True)
    assert "--skip-preview" not in destroy


@pytest.mark.parametrize("choice", ["--refresh", "--refresh=false", "-r"])
def test_whoever_says_whether_to_refresh_is_obeyed(choice: str) -> None:
    (only,) = runs("up", [choice], compare=True, serves=False)
    assert only[-1] == choice


# The state.

SETTINGS = "# A comment.\nconfig:\n  strongroom:database: app # another\n"
SALT = "encryptionsalt: v1:abc=:v1:def:ghi==\n"


def test_the_salt_of_one_machine_does_not_stay_in_everybodys_settings(home: Home) -> None:
    path = home.checkout / "stacks" / "Pulumi.local.yaml"
    path.write_text(SALT + SETTINGS)
    path.chmod(0o640)
    with without_salt(home):
        assert path.read_text() == SETTINGS
        path.write_text(SETTINGS + SALT)
    assert path.read_text() == SETTINGS
    assert mode(path) == 0o640
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_the_salt_goes_even_when_the_run_fails(home: Home) -> None:
    path = home.checkout / "stacks" / "Pulumi.local.yaml"

    def fail() -> None:
        with without_salt(home):
            path.write_text(SETTINGS + SALT)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert path.read_text() == SETTINGS


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (None, False),
        ([], False),
        (["pulumi:pulumi:Stack", "strongroom:local:Primary"], False),
        (["pulumi:pulumi:Stack", "postgresql:index/role:Role"], True),
    ],
)
def test_a_stack_without_roles_has_no_rights_to_compare(
    home: Home, types: list[str] | None, expected: bool
) -> None:
    assert not has_rights(home)
    folder = home.engine / "state" / ".pulumi" / "stacks" / "strongroom"
    folder.mkdir(parents=True)
    latest = None if types is None else {"resources": [{"type": name} for name in types]}
    (folder / "local.json").write_text(json.dumps({"checkpoint": {"latest": latest}}))
    assert has_rights(home) is expected
