"""The real engine holds stacks to the pack: what passes, what is said, what is stopped."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.project import STACK, Project, Run

pytestmark = pytest.mark.stack

HELD = ("--policy-pack", "policy/run")
#: What somebody might write beside what is there, and the rule and words that meet it.
BROKEN = {
    'postgresql.Grant("more", role="tier_reader", database="app", schema="app", '
    'object_type="table", privileges=["DELETE"], opts=by)': (
        "grant-below-senior",
        "tier_reader gets DELETE, and tier_reader is no senior in",
    ),
    'postgresql.Role("eve", name="eve", superuser=True, roles=["tier_full"], opts=by)': (
        "role-without-powers",
        "superuser is on. Leave it out",
    ),
    'postgresql.Schema("mine", name="mine", owner="ada", opts=by)': ("nobody-owns", "ada owns it"),
    'postgresql.Provider("copied", host="postgres://root:hunter2@db.example.com/app")': (
        "no-plain-secret",
        "host holds a password in an address, in the clear",
    ),
}
_UNPROTECTED = """
import pulumi
from components.program import declared
from strongroom.provider import sdk
stack = declared()
sdk.Primary("bare", {"directory": str(stack.folder / "bare"), "database": "app", "port": 0})
"""


def _in(project: Project, stack: str, *arguments: str) -> Run:
    return project.pulumi(*arguments, *HELD, "--stack", stack, stack=False, check=False)


@pytest.fixture(scope="module")
def both(strongroom_home: Path) -> Iterator[Project]:
    """A project with a stack held to the rules, production, beside the local one."""
    project = Project.create(strongroom_home)
    files = project.checkout / "stacks"
    shutil.copy(files / f"Pulumi.{STACK}.yaml", files / "Pulumi.production.yaml")
    project.pulumi("stack", "init", "production", "--no-select", stack=False)
    yield project
    project.remove()


@pytest.fixture
def broken(both: Project) -> Iterator[Project]:
    """The same with more lines in its program."""
    path = both.checkout / "__main__.py"
    program = path.read_text()
    path.unlink()
    lines = ["by = pulumi.ResourceOptions(provider=provisioner)", *BROKEN]
    head, tail = program.split("\nexport(\n")
    path.write_text("\n".join([head, *lines, "export(", tail]))
    yield both
    path.write_text(program)


@pytest.mark.parametrize("stack", [STACK, "production"])
def test_a_stack_as_it_is_passes(both: Project, stack: str) -> None:
    run = _in(both, stack, "preview")
    assert run.code == 0, run.output
    policies = run.output.split("Policies:")[1].split("Diagnostics:")[0]
    assert "✅ strongroom@v" in policies
    assert "- [" not in policies


def test_what_objects_is_said_on_a_laptop_and_stops_production(broken: Project) -> None:
    said, stopped = (_in(broken, stack, "preview") for stack in (STACK, "production"))
    assert said.code == 0, said.output
    assert stopped.code != 0
    for rule, words in BROKEN.values():
        assert f"[advisory]  {rule}  (" in said.output
        assert f"[mandatory]  {rule}  (" in stopped.output
        assert words in said.output
        assert words in stopped.output


def test_an_update_stops_before_the_resource_is_touched(both: Project) -> None:
    path = both.checkout / "__main__.py"
    program = path.read_text()
    path.unlink()
    path.write_text(_UNPROTECTED)
    stopped = _in(both, "production", "up", "--yes", "--skip-preview")
    path.write_text(program)
    assert stopped.code != 0
    assert "local-protected" in stopped.output
    assert "protect is off, and deletionProtection is on" in stopped.output
    assert not (both.home.stack("production") / "bare").exists()
