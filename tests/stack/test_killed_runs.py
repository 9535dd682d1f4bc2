"""`kill -9` at any moment of `pulumi up`: the next one converges and nothing is lost."""

import psutil
import pytest

from tests.conftest import end_server
from tests.stack.project import Project

pytestmark = pytest.mark.stack

#: Lines of progress after which the engine is killed.
MOMENTS = (
    "making the cluster",
    "copying the primary",
    "access-role-ada creating",
)


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_engine_killed_in_the_middle_of_up(fresh: Project, moment: str) -> None:
    process = fresh.start("up", "--yes", "--skip-preview")
    fresh.wait_for_line(process, moment)
    started = psutil.Process(process.pid).children(recursive=True)
    plugins = [each for each in started if "strongroom.provider" in " ".join(each.cmdline())]
    process.kill()
    # The language host is Pulumi's own; it notices by itself, but only after five minutes.
    for each in started:
        if each not in plugins and each.is_running():
            each.kill()
    process.communicate()
    _, alive = psutil.wait_procs(plugins, timeout=30)
    assert alive == [], "a plugin outlived the engine"
    fresh.pulumi("cancel", "--yes")
    fresh.up("--refresh")
    with fresh.connect("ada") as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("ada",)


@pytest.mark.parametrize(
    ("plugin", "moment"),
    [
        ("strongroom.provider", "copying the primary"),
        ("pulumi-resource-postgresql|strongroom.provider.postgresql", "access-role-ada creating"),
    ],
)
def test_a_plugin_killed_in_the_middle_of_up(fresh: Project, plugin: str, moment: str) -> None:
    process = fresh.start("up", "--yes", "--skip-preview")
    fresh.wait_for_line(process, moment)
    names = plugin.split("|")
    for child in psutil.Process(process.pid).children(recursive=True):
        words = " ".join(child.cmdline()).split()
        if any(name == word or word.endswith(f"/{name}") for name in names for word in words):
            child.kill()
    process.communicate(timeout=120)
    assert process.returncode != 0
    fresh.up("--refresh")
    with fresh.connect("ada") as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("ada",)


def test_the_primary_killed_in_the_middle_of_up(fresh: Project) -> None:
    process = fresh.start("up", "--yes", "--skip-preview")
    fresh.wait_for_line(process, "access-role-ada creating")
    end_server(fresh.folder.path / "primary")
    process.communicate(timeout=180)
    fresh.up()
    assert fresh.is_quiet("--refresh")
