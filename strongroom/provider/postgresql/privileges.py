"""Which privileges there are, and what a role lacks or has too much of on an object.

Source of the lists: PostgreSQL 17, "Privileges", table 5.2, in the spelling the official plugin
takes: upper case, TEMPORARY and not TEMP.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from psycopg import sql

from strongroom.errors import StrongroomError
from strongroom.provider.resource import Refusal

ALL = "ALL"
_MAINTAIN = "MAINTAIN"

#: The first server version with MAINTAIN on tables.
MAINTAIN_SINCE = 170000

ALLOWED: Mapping[str, frozenset[str]] = {
    "database": frozenset({"CREATE", "CONNECT", "TEMPORARY"}),
    "schema": frozenset({"CREATE", "USAGE"}),
    "table": frozenset(
        {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", _MAINTAIN}
    ),
    "sequence": frozenset({"USAGE", "SELECT", "UPDATE"}),
    "function": frozenset({"EXECUTE"}),
    "procedure": frozenset({"EXECUTE"}),
    "routine": frozenset({"EXECUTE"}),
    "type": frozenset({"USAGE"}),
    "column": frozenset({"SELECT", "INSERT", "UPDATE", "REFERENCES"}),
}


def judge(object_type: str, privileges: Iterable[str]) -> None:
    """Refuse privileges there are none of on this type of object.

    Raises:
        Refusal: with the words that are taken.
    """
    allowed = ALLOWED[object_type] | {ALL}
    unknown = sorted(set(privileges) - allowed)
    if unknown:
        reason = (
            f"{', '.join(unknown)} cannot be granted on a {object_type}; there is "
            f"{', '.join(sorted(allowed))}"
        )
        raise Refusal(("privileges", reason))


def meant(object_type: str, privileges: Iterable[str], version: int) -> frozenset[str]:
    """The privileges a program asks for, ALL told apart as this server knows it.

    Args:
        object_type: a key of `ALLOWED`.
        privileges: judged before.
        version: the server's, as libpq counts it.

    Raises:
        StrongroomError: this server has no such privilege.
    """
    wanted = frozenset(privileges)
    known = ALLOWED[object_type] - ({_MAINTAIN} if version < MAINTAIN_SINCE else frozenset())
    if ALL in wanted:
        return known
    if not wanted <= known:
        raise StrongroomError(
            f"MAINTAIN cannot be granted on PostgreSQL {version // 10000}: the privilege exists "
            "since 17, so nothing was granted. Leave it out for this server, or upgrade it."
        )
    return wanted


def words(privileges: Iterable[str]) -> sql.Composed:
    """Privileges as a statement lists them; only words of `ALLOWED` get through."""
    known = frozenset().union(*ALLOWED.values())
    chosen = sorted(known.intersection(privileges))
    return sql.SQL(", ").join(sql.SQL(word) for word in chosen)


@dataclass(frozen=True)
class Held:
    """What a role holds on one object, or by one default.

    Attributes:
        name: of the object, for people.
        privileges: held, by whomever granted.
        grantable: those of them the role can grant on.
        grantors: ``PRIVILEGE by ROLE`` for each entry.
    """

    name: str
    privileges: frozenset[str]
    grantable: frozenset[str]
    grantors: tuple[str, ...] = ()

    def settled(self, wanted: frozenset[str], *, grant_option: bool) -> bool:
        """Whether this is exactly what is wanted."""
        return self.privileges == wanted and self.grantable == (
            wanted if grant_option else frozenset()
        )


def seen(held: Iterable[Held], wanted: frozenset[str]) -> frozenset[str]:
    """One set of privileges that tells how many objects differ from what is wanted.

    It holds what is wanted and held on every object, and whatever more is held on any.
    """
    found = wanted
    surplus: frozenset[str] = frozenset()
    for each in held:
        found &= each.privileges
        surplus |= each.privileges - wanted
    return found | surplus


def option_seen(held: Iterable[Held], wanted: frozenset[str], *, grant_option: bool) -> bool:
    """The grant option as the catalogs have it: `grant_option` unless an object differs."""
    for each in held:
        common = each.privileges & wanted
        if grant_option and not common <= each.grantable:
            return False
        if not grant_option and each.grantable & common:
            return True
    return grant_option
