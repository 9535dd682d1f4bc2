"""What a role has in the guarded schemas now, in the roster's words."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from strongroom.rights.answers import Answers
from strongroom.rights.effective import Right
from strongroom.rights.model import OWNER, PUBLIC
from strongroom.tiers import (
    APP_OWNER,
    MAINTAIN_SINCE,
    TABLE_PRIVILEGES,
    Privilege,
    Tier,
    cumulative,
)


@dataclass
class Needs:
    """One role's, on anything in a schema it may enter, also after SET ROLE.

    Attributes:
        rights: by schema.
        public: by schema, what it can execute because everybody can.
        ddl: whether it owns or can make something there.
    """

    rights: dict[str, set[Privilege]] = field(default_factory=dict)
    public: dict[str, set[Privilege]] = field(default_factory=dict)
    ddl: bool = False

    @property
    def tier(self) -> Tier:
        """The smallest tier that has all of it."""
        every = {right for found in self.rights.values() for right in found}
        for tier in () if self.ddl else Tier:
            has = cumulative(tier, MAINTAIN_SINCE)
            if (
                every & TABLE_PRIVILEGES <= has.tables
                and every & {Privilege.USAGE} <= has.sequences
            ):
                return tier
        return Tier.SENIOR


def needs_of(answers: Answers, role: str, schemas: Sequence[str]) -> Needs:
    """What one role has in some schemas."""
    needs, entered = Needs(), set()
    for first, right in answers.abilities(role):
        shape, given = right.shape, right.grant.privilege
        schema = shape.names[0] if shape.kind == "schema" else shape.schema
        if schema is None or schema not in schemas or shape.extension or first.startswith("GRANT "):
            continue
        if given == OWNER or (shape.kind, given) == ("schema", "CREATE"):
            needs.ddl = True
        elif first == f"SET ROLE {APP_OWNER}":
            continue  # the gate itself, which is all that ddl says
        elif shape.kind == "schema":
            entered.add(schema)
        elif found := _in_the_rosters_words(right):
            by_public = found == Privilege.EXECUTE and right.grant.grantee == PUBLIC
            where = needs.public if by_public else needs.rights
            where.setdefault(schema, set()).add(found)
    for rights in (needs.rights, needs.public):
        for schema in rights.keys() - entered:
            del rights[schema]
    return needs


def _in_the_rosters_words(right: Right) -> Privilege | None:
    kind, given = right.shape.kind, right.grant.privilege
    if kind in ("table", "column") and given in TABLE_PRIVILEGES:
        return Privilege(given)
    if kind == "sequence" and given in ("USAGE", "UPDATE"):
        return Privilege.USAGE
    return Privilege.EXECUTE if kind == "routine" else None
