"""What was reviewed is what is applied: make review, make apply and make drift on a real stack."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.bootstrap.local import LocalRoot
from strongroom.bootstrap.sealed import candidates
from strongroom.cluster.stack import StackFolder
from tests.stack.clone import Clone

pytestmark = [pytest.mark.stack, pytest.mark.slow]

REVIEWED = Path("build/review/local")
ROLES = (
    "SELECT array_agg(rolname ORDER BY rolname) FROM pg_roles WHERE rolname IN ('esra', 'frida')"
)
MEMBERS = """
SELECT array_agg(member::regrole::text ORDER BY 1) FROM pg_auth_members
WHERE roleid = '{}'::regrole AND member::regrole::text IN ('chiara', 'frida')
"""


@pytest.fixture(scope="module")
def clone(strongroom_home: Path) -> Iterator[Clone]:
    """A clone whose stack is up; each test goes on from where the last one ended."""
    made = Clone.create(strongroom_home)
    up = made.make("up")
    assert up.code == 0, up.output
    yield made
    made.remove()


def review_of(clone: Clone) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((clone.checkout / REVIEWED / "review.json").read_text())
    return content


def test_a_hire_a_promotion_and_a_leaver_are_reviewed_approved_and_applied(clone: Clone) -> None:
    def change(roster: dict[str, Any]) -> None:
        roster["engineers"]["frida"] = {"name": "Frida Ben", "tier": "junior"}
        roster["engineers"]["chiara"]["tier"] = "senior"
        del roster["engineers"]["esra"]

    clone.edit(change)
    shown = clone.make("review")
    assert shown.code != 0
    assert "Error 3" in shown.output
    found = review_of(clone)
    assert {each["role"]: each["step"] for each in found["people"]} == {
        "chiara": "mid → senior",
        "esra": "leaves, was junior",
        "frida": "new: junior",
    }
    assert {each["kind"] for each in found["flags"]} == {"deletes", "owns"}
    assert "`chiara` (`Chiara Lindqvist`) can now lose rows" in shown.output
    assert " policies are satisfied." in shown.output
    _no_secret_in(clone)

    by_herself = clone.make("apply", "ARGS=--approval chiara")
    assert by_herself.code != 0
    assert "The approval of `chiara` does not count" in by_herself.output
    assert "nothing was changed" in by_herself.output
    assert clone.by_hand(ROLES) == [(["esra"],)]

    applied = clone.make("apply", "ARGS=--approval ada")
    assert applied.code == 0, applied.output
    assert clone.by_hand(ROLES) == [(["frida"],)]
    assert clone.by_hand(MEMBERS.format("tier_full")) == [(["chiara"],)]
    clone.merge()


def _no_secret_in(clone: Clone) -> None:
    sealed = candidates(LocalRoot(StackFolder(clone.home.stack("local")).primary).sealed)
    assert sealed
    for path in (clone.checkout / REVIEWED).iterdir():
        text = path.read_text()
        assert not any(password.value in text for password in sealed), path
        assert "PRIVATE KEY" not in text


def test_what_somebody_did_by_hand_after_the_review_stops_it_before_anything_is_done(
    clone: Clone,
) -> None:
    clone.edit(lambda roster: roster["engineers"]["frida"].update(tier="mid"))
    assert clone.make("review").code == 0
    taken = "ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA app {} INSERT ON TABLES {} web"
    clone.by_hand(taken.format("REVOKE", "FROM"))
    stopped = clone.make("apply")
    assert stopped.code != 0
    assert "The world has moved since the review, so nothing was changed" in stopped.output
    assert "access-future-web-app-table: reviewed was no change, now it is update" in stopped.output
    writers = MEMBERS.format("tier_writer")
    assert clone.by_hand(writers) == [(None,)]

    seen = clone.make("drift")
    assert "Error 3" in seen.output
    assert "access-future-web-app-table: privileges was changed" in seen.output
    alerts = (clone.home.stack("local") / "alerts.jsonl").read_text()
    assert "local is not as declared" in alerts

    clone.by_hand(taken.format("GRANT", "TO"))
    assert clone.make("apply").code == 0
    assert clone.by_hand(writers) == [(["frida"],)]
    clone.merge()


def test_other_files_than_those_reviewed_are_not_applied(clone: Clone) -> None:
    clone.edit(lambda roster: roster["engineers"]["frida"].update(tier="junior"))
    other = clone.make("apply")
    assert other.code != 0
    assert "The files are not those that were reviewed" in other.output


def test_a_pull_request_is_reviewed_by_the_code_in_force(clone: Clone) -> None:
    clone.edit(lambda roster: roster["engineers"]["frida"].update(tier="senior"))
    clone.git("update-ref", "refs/pull/7/merge", "change")
    clone.git("remote", "add", "origin", str(clone.checkout))
    fetched = clone.make("change", "PR=7")
    assert fetched.code == 0, fetched.output
    clone.git("switch", "--quiet", "--detach", "main")
    preview = f"--preview {REVIEWED / 'preview.json'} --head refs/remotes/pull/7"
    judged = clone.make("review", f"ARGS={preview}")
    clone.git("switch", "--quiet", "change")
    assert "Error 3" in judged.output
    assert "`frida` (`Frida Ben`) can now lose rows" in judged.output
    assert review_of(clone)["tree"] == clone.git("rev-parse", "change^{tree}")


def test_what_a_policy_objects_to_is_part_of_the_review(clone: Clone) -> None:
    clone.git("switch", "--quiet", "-c", "careless", "main")
    path = clone.checkout / "strongroom" / "tiers.py"
    path.write_text(
        path.read_text().replace("{Privilege.SELECT})", "{Privilege.SELECT, Privilege.DELETE})")
    )
    clone.commit("let juniors delete")
    shown = clone.make("review")
    clone.git("switch", "--quiet", "change")
    assert "Error 3" in shown.output
    assert "**Policies**" in shown.output
    objection = "advised against by `strongroom/grant-below-senior`: `tier_reader gets DELETE"
    assert f"🟡 `access-grant-tier_reader-app-table` is {objection}" in shown.output
    assert (
        "strongroom/grant-below-senior" in (clone.checkout / REVIEWED / "review.html").read_text()
    )
