"""What each role should be able to do: people and services as declared, and the fixed roles."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from strongroom.rights.declared import OWNED, every_role
from strongroom.rights.model import DATABASE, OWNER, PUBLIC, SERVER, Held
from strongroom.tiers import APP_OWNER, GATE, PROVISIONER, REPLICATOR, ROOT

#: An area and a privilege.
Ability = tuple[str, str]

#: Added to a privilege that may be handed on.
HAND_ON = " WITH GRANT OPTION"


@dataclass(frozen=True)
class Standing:
    """How one role should stand.

    Attributes:
        must: what it has to be able to do, through any group.
        may: what else it can do without that being wrong.
        given: what is granted to it by name, so also on objects made later.
        switches: whom it may SET ROLE to.
        login: whether it signs in; None when that is told by other rights, or by others.
        attributes: what else it may by itself.
        hands_on: whether it may take anybody into any group.
        keeps: whether it may own whatever lies in the database: what a leaver made ends up there.
        judged: whether it matters what it can do; root can do everything there is.
    """

    must: frozenset[Ability] = frozenset()
    may: frozenset[Ability] = frozenset()
    given: frozenset[Ability] = frozenset()
    switches: frozenset[str] = frozenset()
    login: bool | None = None
    attributes: frozenset[str] = frozenset()
    hands_on: bool = False
    keeps: bool = False
    judged: bool = True

    def allows(self, area: str, privilege: str) -> bool:
        """Whether having a privilege on an area is no more than it should be."""
        area = area.removeprefix("future ")
        owner = area, OWNER
        here = (area, privilege)
        if self.keeps and privilege == OWNER and (" in " in area or area.startswith("schema ")):
            return True
        return here in self.must or here in self.may or owner in self.must or owner in self.may


def standings(
    schemas: Sequence[str], people: Mapping[str, Iterable[Held]], root: str = ROOT
) -> dict[str, Standing]:
    """How every role should stand, PUBLIC included; root and system roles may do anything.

    Args:
        schemas: the guarded schemas.
        people: for each engineer and service all it is declared to be able to do.
        root: what root is called there.
    """
    found = {role: _of(role, held, login=True) for role, held in people.items()}
    fixed = {role: _of(role, held) for role, held in every_role(schemas, (), ()).items()}
    types = frozenset((f"types in {schema}", OWNER) for schema in schemas)
    owner = fixed.get(APP_OWNER, Standing())
    fixed[APP_OWNER] = Standing(owner.must, types, owner.given, login=False, keeps=True)
    fixed[PROVISIONER] = Standing(
        may=frozenset(_of_provisioner(schemas)) | owner.must | types,
        switches=frozenset({APP_OWNER}),
        login=True,
        attributes=frozenset({"CREATEROLE"}),
        hands_on=True,
        keeps=True,
    )
    # RDS has a role of its own for this; where there is one, the bootstrap watches over it.
    fixed[REPLICATOR] = Standing(attributes=frozenset({"REPLICATION"}))
    # What PostgreSQL gives to everybody is no use without CREATE; rds_iam is how one signs in.
    fixed[PUBLIC] = Standing(
        may=frozenset({("languages", "USAGE"), (SERVER, "rds_iam")}),
        switches=frozenset({"rds_iam"}),
    )
    return {**fixed, **found, root: Standing(judged=False)}


def _of(role: str, held: Iterable[Held], login: bool = False) -> Standing:
    rights = tuple(held)
    switches = {each.through for each in rights if each.after_set_role}
    return Standing(
        must=frozenset((each.area, each.privilege) for each in rights if not each.after_set_role),
        given=frozenset(
            (each.area, each.privilege)
            for each in rights
            if each.through == role and each.privilege != OWNER
        ),
        switches=frozenset(switches | ({GATE} if switches and role != GATE else set())),
        login=login,
    )


def _of_provisioner(schemas: Sequence[str]) -> Iterator[Ability]:
    for privilege in ("CONNECT", "CREATE", "TEMPORARY"):
        yield DATABASE, privilege
        yield DATABASE, privilege + HAND_ON
    for schema in schemas:
        yield f"schema {schema}", OWNER
        # What a leaver leaves behind is handed to the provisioner.
        yield from ((f"{kind} in {schema}", OWNER) for kind in OWNED)
    yield "schema strongroom", "USAGE"
    yield "tables in strongroom", "SELECT"
    yield "routines in strongroom", "EXECUTE"
    # Where the heartbeat is pg_cron's, its jobs are the provisioner's.
    yield "extension pg_cron", "USAGE"
    # Less is logged of services, for their load.
    yield "parameters", "SET"
