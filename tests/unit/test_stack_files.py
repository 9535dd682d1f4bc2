"""The command line reads a checkout's files to the settings the engine would hand over."""

from pathlib import Path

import pytest

from strongroom.errors import SettingsError
from strongroom.settings import Settings
from strongroom.tiers import Tier

PROJECT = (Path(__file__).parents[2] / "Pulumi.yaml").read_text(encoding="utf-8")

#: What `pulumi up` 3.259.0 handed to a program for the stack file STACK and this Pulumi.yaml.
FROM_THE_ENGINE = {
    "aws:region": "eu-west-1",
    "strongroom:database": "app",
    "strongroom:deletionProtection": "true",
    "strongroom:idleInTransactionTimeoutSeconds": "300",
    "strongroom:platform": "local",
    "strongroom:port": "5999",
    "strongroom:replicaDelaySeconds": "0",
    "strongroom:rootPasswordMaxAgeDays": "30",
    "strongroom:roster": "engineers.yaml",
    "strongroom:server": '{"jit":"off","parallel_leader_participation":false,'
    '"random_page_cost":1.1,"shared_buffers":"64MB","work_mem":4096}',
    "strongroom:statementTimeoutSeconds": '{"junior":30}',
}

STACK = """\
config:
  strongroom:deletionProtection: "true"
  strongroom:server:
    shared_buffers: 64MB
    random_page_cost: 1.1
    jit: off
    parallel_leader_participation: false
    work_mem: 4096
  strongroom:port: 5999
  statementTimeoutSeconds: {junior: 30}
  aws:region: eu-west-1
secretsprovider: passphrase
encryptionsalt: v1:jc9ywFuxMN4=:v1:znuHe/RSB9nxfPZf:m4bz5T3VxkKrJFXb5ineBNw2tl1kew==
"""


def checkout_with(folder: Path, stack: str, project: str = PROJECT) -> Path:
    """A checkout whose environment `local` has this stack file."""
    (folder / "stacks").mkdir(exist_ok=True)
    (folder / "Pulumi.yaml").write_text(project, encoding="utf-8")
    (folder / "stacks" / "Pulumi.local.yaml").write_text(stack, encoding="utf-8")
    return folder


def problems_in(folder: Path, stack: str, project: str = PROJECT) -> list[str]:
    """What is wrong with a stack file, shorn of its folder."""
    with pytest.raises(SettingsError) as caught:
        Settings.load(checkout_with(folder, stack, project), "local")
    return [problem.replace(f"{folder}/", "") for problem in caught.value.problems]


def test_the_engines_values_and_the_files_give_the_same_settings(tmp_path: Path) -> None:
    from_files = Settings.load(checkout_with(tmp_path, STACK), "local")
    assert Settings.parse("local", FROM_THE_ENGINE, "stack local") == from_files
    assert from_files.port == 5999
    assert from_files.statement_timeout_seconds == {
        Tier.JUNIOR: 30,
        Tier.MID: 300,
        Tier.SENIOR: 900,
    }
    assert from_files.server == {
        "shared_buffers": "64MB",
        "random_page_cost": "1.1",
        "jit": "off",
        "parallel_leader_participation": "off",
        "work_mem": "4096",
    }


@pytest.mark.parametrize("stack", ["", "# nothing\n", "config:\n", "config: {}\n"])
def test_an_empty_stack_file_is_the_defaults(tmp_path: Path, stack: str) -> None:
    assert Settings.load(checkout_with(tmp_path, stack), "local") == Settings("local")


def test_a_default_changed_in_pulumi_yaml_holds_for_the_command_line_too(tmp_path: Path) -> None:
    project = PROJECT.replace("    default: 300\n", "    default: 120\n")
    settings = Settings.load(checkout_with(tmp_path, "", project), "local")
    assert settings.idle_in_transaction_timeout_seconds == 120


def test_a_default_in_pulumis_short_form_counts(tmp_path: Path) -> None:
    project = "name: strongroom\nconfig:\n  port: 6001\n  aws:region:\n    value: eu-west-1\n"
    assert Settings.load(checkout_with(tmp_path, "", project), "local").port == 6001


def test_mistakes_in_files_are_told_with_their_lines(tmp_path: Path) -> None:
    stack = "config:\n  strongroom:port: 80\n  strongroom:server:\n    fsync: off\n"
    project = PROJECT.replace("default: 30\n", "default: 0\n")
    line = project[: project.index("rootPasswordMaxAgeDays")].count("\n") + 4
    places = [problem.split(": ")[0] for problem in problems_in(tmp_path, stack, project)]
    assert places == [
        f"Pulumi.yaml:{line}",
        "stacks/Pulumi.local.yaml:2",
        "stacks/Pulumi.local.yaml:4",
    ]


@pytest.mark.parametrize(
    "value",
    ["{secure: v1:abc}", "{work_mem: {secure: v1:abc}}", "[{secure: v1:abc}]"],
)
def test_an_encrypted_value_is_refused_because_no_setting_is_a_secret(
    tmp_path: Path, value: str
) -> None:
    (problem,) = problems_in(tmp_path, f"config:\n  strongroom:server: {value}\n")
    assert problem.startswith("stacks/Pulumi.local.yaml:2: strongroom:server holds an encrypted")


def test_a_setting_outside_config_is_refused_because_the_engine_would_ignore_it(
    tmp_path: Path,
) -> None:
    stack = "confg:\n  strongroom:port: 6000\nstrongroom:deletionProtection: false\n"
    assert ["not under config" in problem for problem in problems_in(tmp_path, stack)] == [True] * 2


def test_what_pulumi_may_add_beside_config_is_left_alone(tmp_path: Path) -> None:
    stack = "environment: [shared]\nencryptedkey: abc\nfutureKey: {a: 1}\nconfig: {port: 6000}\n"
    assert Settings.load(checkout_with(tmp_path, stack), "local").port == 6000


def test_a_key_with_and_without_namespace_is_a_mistake(tmp_path: Path) -> None:
    (problem,) = problems_in(tmp_path, "config:\n  port: 6000\n  strongroom:port: 6001\n")
    assert problem.startswith("stacks/Pulumi.local.yaml:3: 'port' is there with and without")


def test_a_project_of_another_name_is_refused_because_its_keys_would_be_another_namespaces(
    tmp_path: Path,
) -> None:
    (problem,) = problems_in(tmp_path, "", PROJECT.replace("name: strongroom", "name: vault", 1))
    assert "Write name: strongroom" in problem


@pytest.mark.parametrize("environment", ["lokal", "../stacks/Pulumi", "", "local/../local"])
def test_an_environment_without_a_stack_file_is_told_which_exist(
    tmp_path: Path, environment: str
) -> None:
    checkout = checkout_with(tmp_path, "")
    (checkout / "stacks" / "Pulumi.production.yaml").touch()
    with pytest.raises(SettingsError, match="there are local and production"):
        Settings.load(checkout, environment)


def test_an_environments_name_never_leads_out_of_the_folder(tmp_path: Path) -> None:
    checkout = checkout_with(tmp_path, "")
    (checkout / "stacks" / "Pulumi.a").mkdir()
    (checkout / "outside.yaml").write_text("config: {port: 80}\n")
    with pytest.raises(SettingsError, match=r"no environment is called 'a/\.\./\.\./outside'"):
        Settings.load(checkout, "a/../../outside")


def test_a_missing_project_file_is_told(tmp_path: Path) -> None:
    checkout = checkout_with(tmp_path, "")
    (checkout / "Pulumi.yaml").unlink()
    with pytest.raises(SettingsError, match=r"Pulumi\.yaml: it cannot be read"):
        Settings.load(checkout, "local")
