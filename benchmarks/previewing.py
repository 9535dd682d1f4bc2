"""What a preview costs: `python -m benchmarks.previewing`.

The local stack with many engineers, one of whom changes tier, against as many resources of a plugin
that does nothing, in turn. Needs the engine on PATH: `eval "$(make -s env)"`.
"""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
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
    """Print the seconds of a preview with one change, its floor, and the ratio pair by pair."""
    with tempfile.TemporaryDirectory(prefix="sr-", dir=_quick()) as folder:
        base = Path(folder)
        base.chmod(0o755)
        os.environ["STRONGROOM_HOME"] = folder
        project = Project.create(base)
        try:
            project.edit_roster(lambda roster: _people(roster, engineers))
            project.up()
            count = len(project.state()["deployment"]["resources"])
            floor = _floor(base, project.environment, count)
            project.edit_roster(_promoted)
            pairs = [(_timed(lambda: project.pulumi("preview")), floor()) for _ in range(rounds)]
        finally:
            project.remove()
    ours, nothing = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratios = sorted(mine / least for mine, least in pairs)
    Console().print(
        f"{engineers:,} engineers, {count:,} resources, median of {rounds} pairs: preview "
        f"{ours:.1f} s, doing nothing {nothing:.1f} s, ratio {statistics.median(ratios):.2f} "
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


def _floor(base: Path, environment: Mapping[str, str], count: int) -> Callable[[], float]:
    """Make as many resources that are nothing; returns what times a preview that changes one."""
    state = base / "floor"
    state.mkdir()
    settings = {"PULUMI_BACKEND_URL": f"{state.as_uri()}?metadata=skip", "FLOOR_COUNT": str(count)}

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
