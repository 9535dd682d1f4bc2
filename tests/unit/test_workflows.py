"""The workflows: what they may do, what they run, and that nobody can swap it under them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).parents[2]
WORKFLOWS = sorted((CHECKOUT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z][\w ]*):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
NAMES = {name for targets in TARGETS for name in targets.split()}


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text())["jobs"]
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path).values() for step in job["steps"]]


def test_there_is_one_for_the_preview_the_deployment_and_the_drift() -> None:
    assert [path.name for path in WORKFLOWS] == ["deploy.yml", "drift.yml", "preview.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_to_a_commit_and_says_its_version(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text())
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each) for each in used)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_command_is_a_target_of_the_makefile_and_nothing_else(path: Path) -> None:
    commands = [step["run"] for step in steps(path) if "run" in step]
    assert commands
    for command in commands:
        make, target = command.split()
        assert (make, target in NAMES) == ("make", True), command


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_job_may_more_than_it_says_and_none_may_write_code(path: Path) -> None:
    assert yaml.safe_load(path.read_text())["permissions"] == {}
    for job in jobs(path).values():
        assert job["permissions"]["contents"] == "read"
        assert job["timeout-minutes"] <= 60


def test_what_runs_the_code_of_a_pull_request_can_write_nothing() -> None:
    path = CHECKOUT / ".github" / "workflows" / "preview.yml"
    assert "pull_request_target" not in path.read_text()
    assert "secrets." not in path.read_text()
    job = jobs(path)["preview"]
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    assert "head.repo.full_name == github.repository" in job["if"]
    judging = jobs(path)["review"]
    assert "id-token" not in judging["permissions"]
    assert judging["steps"][0]["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"


def test_two_ups_of_one_stack_never_overlap_and_none_is_cut_off() -> None:
    for name, job in (("deploy", "up"), ("drift", "drift")):
        found = jobs(CHECKOUT / ".github" / "workflows" / f"{name}.yml")[job]
        assert found["concurrency"] == {
            "group": "up-${{ matrix.stack }}",
            "cancel-in-progress": False,
        }
    deployed = jobs(CHECKOUT / ".github" / "workflows" / "deploy.yml")["up"]
    assert deployed["environment"] == "${{ matrix.stack }}"
    assert deployed["strategy"]["max-parallel"] == 1


def test_what_somebody_else_can_name_never_comes_into_a_command() -> None:
    for path in WORKFLOWS:
        for step in steps(path):
            said = f"{step.get('run', '')} {step.get('env', {}).get('ARGS', '')}"
            for expression in re.findall(r"\$\{\{ (.+?) \}\}", said):
                assert expression in {
                    "matrix.stack",
                    "github.sha",
                    "github.event.before",
                    "github.event.pull_request.number",
                }
