"""Which postgresql plugin serves, and how often the official one is asked for."""

import os
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from strongroom.engine import plugins
from strongroom.engine.plugins import install, serving
from strongroom.home import Home

PLUGIN = version("pulumi-postgresql")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(root=tmp_path / "home", checkout=tmp_path)


def official_plugin(home: Home) -> Path:
    folder = home.pulumi_home / "plugins" / f"resource-postgresql-v{PLUGIN}"
    folder.mkdir(parents=True)
    (folder / "pulumi-resource-postgresql").touch()
    return folder


@pytest.fixture
def pulumi(home: Home, tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Put a `pulumi` of the given body on PATH; it notes each call in `calls`."""

    def make(body: str) -> dict[str, str]:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        script = folder / "pulumi"
        script.write_text(f'#!/bin/sh\necho "$@" >>"{tmp_path}/calls"\n{body}\n')
        script.chmod(0o755)
        home.pulumi_home.mkdir(parents=True, exist_ok=True)
        return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}

    return make


def calls(home: Home) -> list[str]:
    noted = home.root.parent / "calls"
    return noted.read_text().splitlines() if noted.exists() else []


def test_an_installation_that_was_cut_off_does_not_serve(home: Home) -> None:
    folder = official_plugin(home)
    assert serving(home).official
    folder.with_name(f"{folder.name}.partial").touch()
    assert not serving(home).official


def test_the_official_plugin_serves_once_pulumi_could_install_it(
    home: Home, pulumi: Callable[[str], dict[str, str]]
) -> None:
    folder = home.pulumi_home / "plugins" / f"resource-postgresql-v{PLUGIN}"
    variables = pulumi(f'mkdir -p "{folder}" && touch "{folder}/pulumi-resource-postgresql"')
    assert install(home, variables).official
    assert install(home, variables).official
    assert calls(home) == [f"plugin install resource postgresql {PLUGIN}"]


REFUSED = """
echo 'warning: Error downloading plugin: Get "https://x": dial tcp: no such host' >&2
echo 'error: failed all 5 attempts' >&2
exit 1
"""


def test_a_refused_plugin_is_tried_again_after_a_day_and_not_before(
    home: Home, pulumi: Callable[[str], dict[str, str]]
) -> None:
    variables = pulumi(REFUSED)
    told = install(home, variables)
    assert not told.official
    assert "no such host" in str(told)
    assert install(home, variables) == told
    assert len(calls(home)) == 1
    refusal = next(home.pulumi_home.glob("*refused"))
    a_day_ago = time.time() - plugins.RETRY_AFTER - 1
    os.utime(refusal, (a_day_ago, a_day_ago))
    install(home, variables)
    assert len(calls(home)) == 2


def test_a_network_that_never_answers_is_given_up_on(
    home: Home, pulumi: Callable[[str], dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "ATTEMPT_LIMIT", 0.5)
    started = time.monotonic()
    told = install(home, pulumi("sleep 60"))
    assert time.monotonic() - started < 10
    assert "no answer within 0.5 s" in str(told)
