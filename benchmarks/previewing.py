"""What a preview costs: `python -m benchmarks.previewing`.

The local stack with many engineers, one of whom changes tier, in turn with as many resources of a
plugin that does nothing: once with one property each, once with the properties of ours, which the
engine passes on and logs whoever they belong to. Needs the engine on PATH: `eval "$(make -s env)"`.
"""

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from strongroom.tiers import Tier
from tests.conftest import _quick
from tests.stack.project import Project

FLOOR = Path(__file__).parent / "floor"


def preview(
    engineers: Annotated[int, typer.Option(min=3, help="People in the roster.")] = 1000,
    rounds: Annotated[int, typer.Option(min=1, help="Pairs; the medians are shown.")] = 5,
) -> None:
    """Print the seconds of a preview with one change, its floors, and the ratios pair by pair."""
    # Where it is set every Python compiles anew what was changed since `make venv`.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="sr-", dir=_quick()) as folder:
        base = Path(folder)
        base.chmod(0o755)
        os.environ["STRONGROOM_HOME"] = folder
        project = Project.create(base)
        try:
            project.edit_roster(lambda roster: _people(roster, engineers))
            project.up()
            made = project.state()["deployment"]["resources"]
            # The engine's own (the stack, providers) have inputs no other resource may have.
            inputs = [
                {} if each["type"].startswith("pulumi:") else each.get("inputs", {})
                for each in made
            ]
            bare = [{"value": str(number)} for number in range(len(inputs))]
            floor = _floor(base / "bare", project.environment, bare)
            like = _floor(base / "like", project.environment, inputs)
            project.edit_roster(_promoted)
            taken = [
                (_timed(lambda: project.pulumi("preview")), floor(), like()) for _ in range(rounds)
            ]
        finally:
            project.remove()
    medians = [statistics.median(each) for each in zip(*taken, strict=True)]
    console = Console()
    console.print(
        f"{engineers:,} engineers, {len(inputs):,} resources, median of {rounds} rounds: preview "
        f"{medians[0]:.1f} s"
    )
    for what, place in (("nothing", 1), ("nothing with the same properties", 2)):
        ratios = sorted(each[0] / each[place] for each in taken)
        console.print(
            f"  {what} {medians[place]:.1f} s, ratio {statistics.median(ratios):.2f} "
            f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )


def _people(roster: dict[str, Any], count: int) -> None:
    tiers = [tier.value for tier in Tier]
    roster["engineers"] = {
        f"e{number:05}": {"name": f"Engineer {number}", "tier": tiers[number % len(tiers)]}
        for number in range(count)
    }


def _promoted(roster: dict[str, Any]) -> None:
    roster["engineers"]["e00000"]["tier"] = Tier.SENIOR.value


def _floor(
    state: Path, environment: Mapping[str, str], inputs: Sequence[Mapping[str, Any]]
) -> Callable[[], float]:
    """Make resources that are nothing; returns what times a preview that changes one."""
    state.mkdir()
    listed = state / "inputs.json"
    listed.write_text(json.dumps(inputs))
    backend = f"{state.as_uri()}?metadata=skip"
    settings = {"PULUMI_BACKEND_URL": backend, "FLOOR_INPUTS": str(listed)}

    def run(*command: str, **more: str) -> None:
        subprocess.run(
            ["pulumi", *command, "--non-interactive", "--stack", "floor"],
            cwd=FLOOR,
            env={**environment, **settings, **more},
            check=True,
            capture_output=True,
        )

    run("stack", "init", "--no-select")
    run("up", "--yes", "--skip-preview")
    return lambda: _timed(lambda: run("preview", FLOOR_CHANGED="1"))


def _timed(act: Callable[[], object]) -> float:
    begun = time.monotonic()
    act()
    return time.monotonic() - begun


if __name__ == "__main__":
    typer.run(preview)
