"""Who is in a group and what membership lets them do: set, watched and put right."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from strongroom.errors import StrongroomError
from strongroom.provider.access.memberships import Memberships
from strongroom.provider.resource import Refusal
from strongroom.rights.rules import memberships
from strongroom.tiers import Tier
from tests.live.conftest import Session
from tests.live.local_stack import MEMBERS, SERVICES, LocalStack, Managed

pytestmark = pytest.mark.live

DECLARED = memberships(MEMBERS, SERVICES)


@pytest.fixture
def declared(stack: LocalStack) -> Iterator[Managed]:
    """All memberships of the model; whatever a test did to them is put right afterwards."""
    resource = Managed(Memberships(), "memberships")
    resource.create(sign_in=stack.parameters("provisioner"), members=DECLARED, roles="1")
    yield resource
    with stack.root() as root:
        root.execute("REVOKE tier_full FROM esra GRANTED BY root CASCADE")
        root.execute("DROP ROLE IF EXISTS newcomer")
    resource.create(sign_in=stack.parameters("provisioner"), members=DECLARED, roles="1")


@pytest.fixture
def provisioner(stack: LocalStack) -> Iterator[Session]:
    with stack.sign_in("provisioner") as session:
        yield session


def _options(root: Session) -> dict[tuple[str, str], tuple[bool, bool, bool]]:
    rows = root.execute(
        "SELECT pg_get_userbyid(roleid), pg_get_userbyid(member), admin_option, inherit_option, "
        "set_option FROM pg_auth_members WHERE pg_get_userbyid(member) <> 'provisioner' "
        "AND pg_get_userbyid(roleid) NOT LIKE 'pg_%'"
    ).fetchall()
    return {(group, member): tuple(options) for group, member, *options in rows}


def _expected() -> dict[tuple[str, str], tuple[bool, bool, bool]]:
    return {
        (group, member): (False, "INHERIT" in options, "SET" in options)
        for group, members in DECLARED.items()
        for member, options in members.items()
    }


def test_the_catalog_holds_exactly_what_is_declared(declared: Managed, root: Session) -> None:
    assert _options(root) == _expected()
    assert declared.refresh() == []
    assert declared.preview().updates == ()


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        # What pulumi_postgresql does at every change of a role: PostgreSQL's own options again.
        (
            "REVOKE tier_reader FROM esra; GRANT tier_reader TO esra",
            "esra has INHERIT, SET on tier_reader instead of INHERIT",
        ),
        (
            "GRANT ddl_gate TO ada WITH INHERIT TRUE, SET TRUE",
            "ada has INHERIT, SET on ddl_gate instead of SET",
        ),
        (
            "GRANT app_owner TO ddl_gate WITH INHERIT TRUE, SET FALSE",
            "ddl_gate has INHERIT on app_owner instead of SET",
        ),
        (
            "GRANT tier_writer TO chiara WITH INHERIT FALSE",
            "chiara has nothing on tier_writer instead of INHERIT",
        ),
        (
            "GRANT tier_full TO esra",
            "esra is in tier_full by a grant of provisioner, undeclared",
        ),
        (
            "GRANT app_owner TO dmitri",
            "dmitri is in app_owner by a grant of provisioner, undeclared",
        ),
        ("REVOKE tier_reader FROM tier_writer", "tier_writer is not in tier_reader"),
        ("REVOKE tier_full FROM ada", "ada is not in tier_full"),
        (
            "GRANT tier_full TO esra WITH ADMIN TRUE",
            "esra is in tier_full by a grant of provisioner, undeclared",
        ),
        (
            "GRANT tier_full TO ada WITH ADMIN TRUE, SET TRUE",
            "ada has INHERIT, SET, ADMIN on tier_full instead of INHERIT",
        ),
    ],
)
def test_what_somebody_changed_is_told_and_put_right(
    declared: Managed, provisioner: Session, root: Session, statement: str, sentence: str
) -> None:
    provisioner.execute(statement.encode())
    assert declared.refresh() == [sentence]
    assert declared.up().updates == ("drift",)
    assert declared.refresh() == []
    assert _options(root) == _expected()


def test_a_newcomer_made_by_hand_is_taken_out_of_the_groups(
    declared: Managed, provisioner: Session, root: Session
) -> None:
    provisioner.execute("CREATE ROLE newcomer LOGIN IN ROLE tier_full, tier_reader")
    assert [told.split(" by ")[0] for told in declared.refresh()] == [
        "newcomer is in tier_full",
        "newcomer is in tier_reader",
    ]
    declared.up()
    assert _options(root) == _expected()


def test_whom_a_member_with_admin_took_in_goes_together_with_that_admin(
    declared: Managed, provisioner: Session, stack: LocalStack, root: Session
) -> None:
    provisioner.execute("GRANT tier_full TO ada WITH ADMIN TRUE")
    provisioner.execute("GRANT tier_reader TO web WITH ADMIN TRUE")
    for member, group, taken_in in (("ada", "tier_full", "esra"), ("web", "tier_reader", "chiara")):
        with stack.sign_in(member) as session:
            session.execute(f"GRANT {group} TO {taken_in} WITH ADMIN TRUE".encode())
    with stack.sign_in("esra") as esra:
        esra.execute("GRANT tier_full TO dmitri")
    drift = declared.refresh()
    assert "esra is in tier_full by a grant of ada, undeclared" in drift
    assert "dmitri is in tier_full by a grant of esra, undeclared" in drift
    declared.up()
    assert declared.refresh() == []
    assert _options(root) == _expected()


def test_a_grant_of_roots_is_told_and_left_to_root(declared: Managed, root: Session) -> None:
    root.execute("GRANT tier_full TO esra GRANTED BY root")
    assert declared.refresh() == ["esra is in tier_full by a grant of root, undeclared"]
    with pytest.raises(StrongroomError) as refused:
        declared.up()
    told = str(refused.value)
    assert "by a grant of root" in told
    assert "Whoever can act as root has to take the grant back" in told
    root.execute("REVOKE tier_full FROM esra GRANTED BY root")
    declared.up()
    assert declared.refresh() == []


def test_a_failure_changes_nothing(declared: Managed, provisioner: Session, root: Session) -> None:
    provisioner.execute("GRANT tier_writer TO esra")
    root.execute("GRANT tier_full TO esra GRANTED BY root")
    before = _options(root)
    with pytest.raises(StrongroomError, match="Nothing was changed"):
        declared.up()
    assert _options(root) == before


def test_a_declared_member_that_does_not_exist_is_one_paragraph(declared: Managed) -> None:
    more = {**DECLARED, "tier_reader": {**DECLARED["tier_reader"], "nobody_yet": "INHERIT"}}
    with pytest.raises(StrongroomError) as refused:
        declared.up(members=more)
    assert "nobody_yet is not in tier_reader and cannot be taken in" in str(refused.value)
    assert 'role "nobody_yet" does not exist' in str(refused.value)


def test_a_digest_of_changed_roles_sets_everything_again(
    declared: Managed, provisioner: Session, root: Session
) -> None:
    provisioner.execute("REVOKE tier_full FROM ada; GRANT tier_full TO ada")
    assert "roles" in declared.up(roles="2").updates
    assert _options(root) == _expected()


def test_a_primary_that_cannot_be_asked_is_told_as_drift(own_stack: LocalStack) -> None:
    resource = Managed(Memberships(), "memberships")
    resource.create(sign_in=own_stack.parameters("provisioner"), members={}, roles="")
    own_stack.cluster.stop()
    (told,) = resource.refresh()
    assert "could not be looked at" in told
    own_stack.primary.up()
    assert resource.refresh() == []


def test_a_demoted_senior_does_not_stay_app_owner_in_an_open_session(
    declared: Managed, stack: LocalStack, root: Session
) -> None:
    ada, *others = MEMBERS
    lesser = memberships([replace(ada, tier=Tier.MID), *others], SERVICES)
    with stack.sign_in("ada") as senior, stack.sign_in("chiara") as other:
        senior.execute("SET ROLE app_owner")
        # What the role's own resource does first: the membership goes, the session stays.
        root.execute("REVOKE tier_full, ddl_gate FROM ada GRANTED BY provisioner")
        root.execute("GRANT tier_writer TO ada GRANTED BY provisioner")
        senior.execute("CREATE TABLE app.by_nobody_any_more (id int)")
        declared.said.clear()
        assert "members" in declared.up(members=lesser).updates
        with pytest.raises(psycopg.OperationalError):
            senior.execute("DROP TABLE app.by_nobody_any_more")
        other.execute("SELECT 1")
    assert declared.said == [
        "rights are lost by ada: open sessions end",
        "ended the sessions of ada",
    ]
    lent = (
        "SELECT count(*) FROM pg_auth_members WHERE roleid = 'ada'::regrole "
        "AND (inherit_option OR set_option)"
    )
    assert root.execute(lent).fetchone() == (0,)
    with stack.sign_in("ada") as mid, pytest.raises(psycopg.errors.InsufficientPrivilege):
        mid.execute("SET ROLE app_owner")
    root.execute("SET strongroom.confirm = 'drop table app.by_nobody_any_more'")
    root.execute("DROP TABLE app.by_nobody_any_more")


def test_a_promotion_ends_no_session(declared: Managed, stack: LocalStack) -> None:
    promoted = [
        replace(each, tier=Tier.SENIOR) if each.role == "chiara" else each for each in MEMBERS
    ]
    with stack.sign_in("chiara") as chiara, stack.sign_in("ada") as ada:
        declared.up(members=memberships(promoted, SERVICES))
        chiara.execute("DELETE FROM app.before WHERE id < 0")
        ada.execute("SELECT 1")


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"sign_in": {"password": "x"}}, "a password would end up in the engine's state"),
        ({"members": {"tier_full": {"ada": "ADMIN"}}}, "ada in tier_full: 'ADMIN' is none of"),
        ({"members": {"tier_full": {"ada": "set"}}}, "'INHERIT', 'SET', 'INHERIT, SET'"),
    ],
)
def test_a_password_and_an_unknown_option_are_refused(inputs: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal) as refused:
        Managed(Memberships(), "memberships").checked(**{"sign_in": {}, "members": {}, **inputs})
    assert words in str(refused.value)
