"""A tier lent until a time ends at that time, whoever is dead or absent then."""

import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from strongroom import alerts
from strongroom.agent.process import Agent as Process
from strongroom.breakglass.verifying import verify
from strongroom.elevations.ending import due, end_due
from strongroom.elevations.lent import Lent
from strongroom.people import Elevation, Member
from strongroom.provider.access.memberships import Memberships
from strongroom.provider.local.agent import Agent
from strongroom.rights.rules import memberships as declared_memberships
from strongroom.tiers import Tier
from tests.live.broken_glass import entries, memberships, rights, sessions, story, wait_until
from tests.live.local_stack import MEMBERS, SERVICES, LocalStack, Managed, apply_model

pytestmark = pytest.mark.live

_CHIARA = next(member for member in MEMBERS if member.role == "chiara")


class Scene:
    """A stack with roles, memberships and an agent, and what `up` does with both."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        vault = str(stack.folder / "vault")
        stack.primary.up(vault=vault)
        apply_model(stack)
        self.memberships = Managed(Memberships(), "memberships")
        sign_in = stack.parameters("provisioner")
        members = declared_memberships(MEMBERS, SERVICES)
        self.memberships.create(sign_in=sign_in, members=members, roles="1")
        self.agent = Managed(Agent(), "agent")
        directory = str(stack.folder / "primary")
        self.agent.create(directory=directory, database="app", vault=vault)

    @property
    def process(self) -> Process:
        return Process(self.stack.folder)

    def up(self, *lent: Elevation) -> list[tuple[str, ...]]:
        """Apply a roster with these elevations, in the order of the program."""
        now = datetime.now(UTC)
        live = {each.who: each for each in lent if each.live(now)}
        members = [_raised(member, live.get(member.role)) for member in MEMBERS]
        given = [each.dump() for each in Lent.to(members)]
        first = self.agent.up(elevations=given).updates
        groups = declared_memberships(members, SERVICES)
        until = {each["who"]: each["until"] for each in given}
        return [first, self.memberships.up(members=groups, lent=until).updates]


def _raised(member: Member, lent: Elevation | None) -> Member:
    if lent is None:
        return member
    return replace(member, tier=lent.tier, elevation=lent, base=member.tier)


def _elevation(seconds: float, ticket: str, tier: Tier = Tier.SENIOR) -> Elevation:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
    reason = "move the orders of May"
    return Elevation("chiara", tier, ("local",), None, until, reason, ticket, "ada")


def _id(elevation: Elevation) -> str:
    (lent,) = Lent.to([_raised(_CHIARA, elevation)])
    return lent.id


@pytest.fixture(scope="module")
def scene(own_stack: LocalStack) -> Iterator[Scene]:
    made = Scene(own_stack)
    yield made
    made.agent.destroy()


@pytest.fixture
def before(scene: Scene) -> Iterator[list[Any]]:
    """Chiara's own rights; at the end of each test exactly these hold again."""
    scene.up()
    own = rights(scene.stack, "chiara")
    yield own
    scene.up()
    assert rights(scene.stack, "chiara") == own


def _ended(session: psycopg.Connection[Any]) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def test_a_lent_tier_ends_at_its_time_with_every_session_and_stays_on_record(
    scene: Scene, before: list[Any]
) -> None:
    stack = scene.stack
    lent = _elevation(5, "INC-1")
    assert scene.up(lent) == [("elevations",), ("members", "lent")]
    with stack.sign_in("chiara") as working, stack.sign_in("chiara") as owner:
        working.execute("DELETE FROM app.before WHERE id = 1")
        owner.execute("SET ROLE app_owner")
        owner.execute("CREATE TABLE app.moved (id int)")
        assert scene.up(lent) == [(), ()]
        wait_until(lambda: story(stack, _id(lent))[1:] == [("ended", "time over")], "it ended")
        assert datetime.now(UTC) - lent.until < timedelta(seconds=5)
        assert _ended(working)
        assert _ended(owner)
    assert story(stack, _id(lent)) == [("lent", ""), ("ended", "time over")]
    assert [row for row in rights(stack, "chiara") if row[0] != "moved"] == before
    with stack.sign_in("chiara") as session:
        session.execute("INSERT INTO app.before (body) VALUES ('by a mid again')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("DELETE FROM app.before WHERE id = 2")
    kept = entries(stack, _id(lent))[0]
    assert (kept.kind, kept.approver, kept.ticket) == ("senior", "ada", "INC-1")
    assert verify(stack.folder).problems == ()
    told = {each.alert.kind: each.alert for each in alerts.kept(stack.folder)}
    assert "approved by ada in the roster's review" in told["elevation.lent"].text
    assert told["elevation.ended"].facts["ticket"] == "INC-1"
    with stack.root() as root:
        root.execute("SET strongroom.confirm = 'drop table app.moved'")
        root.execute("DROP TABLE app.moved")


def test_the_up_after_the_end_agrees_with_what_the_agent_did(
    scene: Scene, before: list[Any]
) -> None:
    lent = _elevation(3, "INC-2", Tier.SENIOR)
    scene.up(lent)
    wait_until(lambda: len(story(scene.stack, _id(lent))) == 2, "it ended")
    groups = memberships(scene.stack)
    with scene.stack.sign_in("chiara") as working:
        assert scene.up(lent) == [("elevations",), ("lent",)]
        assert scene.up(lent) == [(), ()]
        assert not _ended(working)
    assert memberships(scene.stack) == groups


def test_a_dead_agent_ends_it_as_soon_as_it_lives_again(scene: Scene, before: list[Any]) -> None:
    lent = _elevation(2, "INC-3")
    scene.up(lent)
    _kill_agent(scene)
    with scene.stack.sign_in("chiara") as session:
        session.execute("SET ROLE app_owner")
        _sleep_until(lent.until)
        session.execute("SELECT 1")
        scene.process.start()
        wait_until(lambda: len(story(scene.stack, _id(lent))) == 2, "it ended")
        assert _ended(session)
    assert rights(scene.stack, "chiara") == before


def test_without_an_agent_the_next_up_ends_it(scene: Scene, before: list[Any]) -> None:
    stack = scene.stack
    lent = _elevation(2, "INC-4")
    scene.up(lent)
    _kill_agent(scene)
    with stack.sign_in("chiara") as session:
        session.execute("SET ROLE app_owner")
        _sleep_until(lent.until)
        assert scene.agent.refresh() == [
            f"chiara was lent the tier senior until {lent.ends} (INC-4) and that was never ended",
            "the agent does not run",
        ]
        scene.up(lent)
        assert _ended(session)
    assert story(stack, _id(lent)) == [("lent", ""), ("ended", "time over")]
    assert rights(stack, "chiara") == before


def test_what_a_slow_up_gives_after_the_end_is_taken_back(scene: Scene, before: list[Any]) -> None:
    stack = scene.stack
    lent = _elevation(2, "INC-5")
    (given,) = Lent.to([_raised(_CHIARA, lent)])
    scene.up(lent)
    _kill_agent(scene)
    _sleep_until(lent.until)
    assert end_due(stack.paths, [given]) == [f"{given.told()}; ended now"]
    assert end_due(stack.paths, [given]) == []
    # An `up` that had looked at the clock before the end, and came to the memberships after it.
    members = [_raised(member, lent if member is _CHIARA else None) for member in MEMBERS]
    scene.memberships.up(members=declared_memberships(members, SERVICES))
    with stack.sign_in("chiara") as session:
        session.execute("SET ROLE app_owner")
        assert end_due(stack.paths, [given]) != []
        assert _ended(session)
    assert story(stack, _id(lent)) == [("lent", ""), ("ended", "time over")]
    assert rights(stack, "chiara") == before
    assert due(stack.paths, [given]) == []


def test_one_taken_out_of_the_roster_ends_at_once_and_is_told_as_that(
    scene: Scene, before: list[Any]
) -> None:
    stack = scene.stack
    lent = _elevation(600, "INC-6", Tier.SENIOR)
    scene.up(lent)
    with stack.sign_in("chiara") as session:
        session.execute("SET ROLE app_owner")
        scene.up()
        assert _ended(session)
    assert story(stack, _id(lent)) == [("lent", ""), ("ended", "taken out of the roster")]
    assert rights(stack, "chiara") == before
    scene.up(lent)
    assert story(stack, _id(lent))[2:] == [("lent", "")]


def test_valid_until_does_not_stop_a_certificate_so_the_certificate_itself_must_end(
    scene: Scene, before: list[Any]
) -> None:
    with scene.stack.root() as root:
        root.execute("ALTER ROLE chiara VALID UNTIL '2020-01-01'")
        try:
            scene.stack.sign_in("chiara").close()
        finally:
            root.execute("ALTER ROLE chiara VALID UNTIL 'infinity'")
    assert sessions(scene.stack, "chiara") == 0


def _kill_agent(scene: Scene) -> None:
    process = scene.process.process()
    assert process is not None
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def _sleep_until(moment: datetime) -> None:
    time.sleep(max((moment - datetime.now(UTC)).total_seconds(), 0) + 0.1)
