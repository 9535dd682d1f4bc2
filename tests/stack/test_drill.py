"""`strongroom drill` from end to end: a real stack is made, lost, recovered and removed."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.stack.project import Project

pytestmark = [pytest.mark.stack, pytest.mark.slow]

_STRONGROOM = [sys.executable, "-m", "strongroom.cli", "drill"]


@pytest.fixture
def inside(strongroom_home: Path) -> Iterator[Path]:
    """A folder for scratch stacks, beside the home of the tests and open to any system user."""
    folder = Path(tempfile.mkdtemp(prefix="sr-", dir=strongroom_home.parent))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _below(folder: Path) -> list[psutil.Process]:
    """Processes that work in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            places = [process.cwd(), process.environ().get("STRONGROOM_HOME", "")]
        except psutil.Error:
            continue
        if any(place.startswith(f"{folder}/") for place in places):
            found.append(process)
    return found


def test_the_outage_is_replayed_and_nothing_of_it_is_left(fresh: Project, inside: Path) -> None:
    html = inside / "report.html"
    options = ("--size", "8MB", "--source", "snapshot", "--no-limits", "--json")
    done = subprocess.run(
        [*_STRONGROOM, *options, "--html", str(html), "--in", str(inside)],
        cwd=fresh.checkout,
        env={**fresh.environment, "STRONGROOM_ALERT_WEBHOOK": "http://127.0.0.1:1/never"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["problems"] == []
    outage = result["rounds"][0]
    assert outage["verdict"]["acknowledged"] >= 60
    assert (outage["verdict"]["lost"], outage["lost_seconds"]) == ([], 0)
    # The application may be back before ownership and guards are checked.
    assert 0 < outage["detected"] <= outage["named"] <= outage["recovering"]
    assert outage["recovering"] < min(outage["served"], outage["resumed"])
    assert outage["culprit"].startswith("root, opened by bram (DRILL-1)")
    assert outage["source"].startswith("snapshot ")
    shown = [each for step in outage["steps"] for each in step["shown"]]
    assert any("bin/db-reset" in each["command"] and each["code"] == 3 for each in shown)
    assert any("pg_hba.conf rejects" in each["output"] for each in shown)
    assert "Nothing is lost." in html.read_text()
    assert list(inside.glob("sr-drill-*")) == []
    assert _below(inside) == []
    assert not fresh.folder.path.exists(), "the real stack was touched"


def test_a_drill_that_is_interrupted_or_killed_leaves_nothing_for_good(
    fresh: Project, inside: Path
) -> None:
    options = ("--size", "8MB", "--source", "snapshot", "--in", str(inside))
    for sign, line in ((signal.SIGKILL, "1/12"), (signal.SIGTERM, "2/12")):
        with subprocess.Popen(
            [*_STRONGROOM, *options],
            cwd=fresh.checkout,
            env=dict(fresh.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            fresh.wait_for_line(process, line)
            (base,) = inside.glob("sr-drill-*")  # that of a killed drill was swept away
            _until(lambda: bool(_below(inside)))
            process.send_signal(sign)
        # The pipe is closed by now: that nobody reads its progress must not keep it from tidying.
        assert base.exists() == (sign is signal.SIGKILL)
    _until(lambda: not _below(inside))
    assert list(inside.glob("sr-drill-*")) == []


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_folder_inside_the_home_of_real_stacks_is_refused(fresh: Project) -> None:
    real = fresh.home.root
    done = subprocess.run(
        [*_STRONGROOM, "--in", str(real)],
        cwd=fresh.checkout,
        env=dict(fresh.environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "where real stacks are kept" in done.stderr
    assert not list(real.glob("sr-drill-*"))
