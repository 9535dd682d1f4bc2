"""An instance that somebody made by hand is adopted and imported, and nothing would replace it.

The rest of the way, which waits for instances, is `make rehearse TAKE_OVER=1 STACK=development`.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal import byhand, takeover
from rehearsal.acts import Act
from rehearsal.scene import Scene, scene
from tests.rehearsal.beside import STACK, plugin_at_hand

pytestmark = [pytest.mark.stack, pytest.mark.slow]

_UNTIL = "preview: nothing is replaced"


@pytest.fixture(scope="module")
def stage() -> Iterator[Scene]:
    plugin = plugin_at_hand()
    if not plugin:
        pytest.skip("the aws plugin was not built yet: STRONGROOM_REHEARSE=1, or `make rehearse`")
    inside = Path("/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.pathsep.join([plugin, os.environ["PATH"]]))
        with scene(STACK, inside) as made:
            yield made


def _until_import(stage: Scene) -> list[Act]:
    acts = takeover.acts(stage, lambda _: None)
    return acts[: [each.title for each in acts].index(_UNTIL) + 1]


def test_it_is_imported_by_what_the_documentation_says_and_stays_what_it_is(stage: Scene) -> None:
    facts: dict[str, list[str]] = {}
    for act in _until_import(stage):
        facts[act.title], wrong = act.do()
        assert wrong == [], act.title
    assert any("primary-instance" in each for each in facts[_UNTIL])
    told, wrong = byhand.calls(stage)
    assert wrong == []
    assert told == [f"asked of RDS for {byhand.IDENTIFIER}: CreateDBInstance 1"]
    page = (Path(__file__).parents[2] / "docs" / "production.md").read_text()
    ran = stage.transcript.read_text()
    for command in (
        "pulumi import --stack production --file import.json --generate-code=false",
        "strongroom existing --stack production",
    ):
        assert command in page
        words = command.replace("production", STACK).split()
        assert any(set(words) <= {*line.split()} for line in ran.splitlines() if "$" in line)
