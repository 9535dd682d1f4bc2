"""The proposal: who would be what, what changes for whom, and what has no place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from strongroom.adoption import details
from strongroom.adoption.difference import Abilities, Ability, Words
from strongroom.adoption.handover import statements
from strongroom.adoption.outcome import Handover
from strongroom.adoption.placing import Placing, Unplaced, place
from strongroom.errors import StrongroomError
from strongroom.people import Member
from strongroom.reading.forms import listed
from strongroom.reading.names import schema_name_problems
from strongroom.rights.inspection import is_system, seen_within
from strongroom.rights.model import PUBLIC, Snapshot
from strongroom.settings import Settings
from strongroom.tiers import APP_OWNER, FIXED_ROLES, ROOT

#: The role of RDS that its master has.
_OF_MASTERS = "rds_superuser"

#: Everybody's by default, which every adoption takes back and nobody granted.
_DEFAULTS = frozenset({"CONNECT", "TEMPORARY", "EXECUTE"})


@dataclass(frozen=True)
class Change:
    """What becomes different for one role.

    Attributes:
        gains: what it can do then and cannot do now.
        losses: what it can do now and cannot do then.
        settings: what else changes, in words.
    """

    gains: frozenset[Ability]
    losses: frozenset[Ability]
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """What `strongroom adopt` found and proposes.

    Attributes:
        database: the database that was looked into.
        others: databases that were not.
        schemas: the schemas that would be guarded.
        placing: who would be what.
        unplaced: everything the roster has no words for.
        changes: for each role that anything changes for, PUBLIC included, what.
        handover: the SQL that root has to run.
        words: puts abilities in words.
    """

    database: str
    others: tuple[str, ...]
    schemas: tuple[str, ...]
    placing: Placing
    unplaced: tuple[Unplaced, ...]
    changes: Mapping[str, Change]
    handover: str
    words: Words


def propose(
    connection: psycopg.Connection[Any],
    settings: Settings,
    schemas: Sequence[str] = (),
    people: Sequence[str] = (),
    applications: Sequence[str] = (),
) -> Proposal:
    """Look at a server and propose; nothing on it is changed.

    Args:
        connection: any role's, not in a transaction; what it can see of the catalogs is enough.
        settings: the stack's, for its timeouts.
        schemas: the schemas to guard; all that hold tables when there are none.
        people: roles known to be people.
        applications: roles known to be applications.

    Raises:
        StrongroomError: no schema could be guarded, or a name is not there.
    """
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    try:
        snapshot, known = seen_within(connection), details.read(connection)
        for role in (*people, *applications):
            if role not in snapshot.roles:
                raise StrongroomError(f"There is no role {role}, so it can be placed nowhere.")
        guarded, refused = _schemas(snapshot, schemas)
        root = _root(snapshot, known)
        placing = place(snapshot, known, root, guarded, people, applications)
        engineers = placing.engineers
        members = [Member(each.role, each.name, each.tier, each.rights) for each in engineers]
        handover = Handover(snapshot, root, guarded, members, placing.services)
        wanted = _settings(settings, guarded, placing)
        changes = _changes(handover, known, wanted)
        words = Words(snapshot)
        nobody = [] if engineers else [_NOBODY]
        return Proposal(
            snapshot.database,
            tuple(sorted(_others(snapshot))),
            tuple(guarded),
            placing,
            (*placing.unplaced, *refused, *_public(changes.get(PUBLIC), words), *nobody),
            changes,
            statements(connection, handover),
            words,
        )
    finally:
        connection.execute("ROLLBACK")


_NOBODY = Unplaced(
    "engineers",
    "nobody here is known to be a person, and a roster needs one. Name them with --person, or add "
    "them by hand",
)


def _schemas(snapshot: Snapshot, asked: Sequence[str]) -> tuple[list[str], list[Unplaced]]:
    """Those that can be guarded, and why others cannot."""
    present = {shape.names[0] for shape in snapshot.shapes if shape.kind == "schema"}
    if missing := sorted({*asked} - present):
        raise StrongroomError(
            f"There is no schema {listed(missing, 'and')} in database {snapshot.database}, so "
            "nothing was proposed. Leave --schema out to see all that hold tables."
        )
    filled = {
        shape.schema
        for shape in snapshot.shapes
        if shape.kind == "table" and shape.schema and not shape.extension
    } - {"information_schema", "strongroom"}
    chosen = sorted({*asked} or {each for each in filled if not each.startswith("pg_")})
    guarded, refused = [], []
    for schema in chosen:
        if problems := [*schema_name_problems(schema)]:
            why = "; it ".join(problems)
            remedy = "ALTER SCHEMA … RENAME TO does that, and search_path has to follow"
            refused.append(Unplaced(f"schema {schema}", f"its name {why}. {remedy}"))
        else:
            guarded.append(schema)
    if not guarded:
        reasons = "; ".join(f"{each.what}: {each.why}" for each in refused) or "none holds a table"
        raise StrongroomError(
            f"No schema of database {snapshot.database} can be guarded ({reasons}), and without "
            "one no tier has anything to read. Nothing was proposed."
        )
    return guarded, refused


def _changes(
    handover: Handover,
    known: Mapping[str, details.Details],
    wanted: Mapping[str, Mapping[str, object]],
) -> dict[str, Change]:
    snapshot = handover.snapshot
    before, after = Abilities(snapshot), Abilities(handover.after())
    found = {}
    for role in (PUBLIC, *sorted(snapshot.roles)):
        if role in FIXED_ROLES or role == handover.root or is_system(role):
            continue
        now, then = before.of(role), after.of(role)
        settings = tuple(known[role].changes(wanted[role])) if role in wanted else ()
        if role in handover.placed or now != then:
            superuser = role and "SUPERUSER" in snapshot.roles[role].attributes
            gains = frozenset[Ability]() if superuser else then - now
            found[role] = Change(gains, now - then, settings)
    return found


def _settings(
    settings: Settings, schemas: Sequence[str], placing: Placing
) -> dict[str, Mapping[str, object]]:
    """For each who is placed the settings that the program gives the role."""
    paths = {"search_path": list(schemas)}
    idle = settings.idle_in_transaction_timeout_seconds * 1000
    people = {
        each.role: {
            **paths,
            "statement_timeout": settings.statement_timeout_seconds[each.tier] * 1000,
            "idle_in_transaction_session_timeout": idle,
        }
        for each in placing.engineers
    }
    services = {
        each.role: {**paths, **({"role": APP_OWNER} if each.ddl else {})}
        for each in placing.services
    }
    return {**people, **services}


def _public(change: Change | None, words: Words) -> list[Unplaced]:
    """What somebody gave to everybody, which no roster says."""
    lost = change.losses if change else ()
    told = words.all(each for each in lost if each.privilege not in _DEFAULTS)
    why = "a roster gives nothing to everybody, so it is taken back"
    return [Unplaced("PUBLIC", f"everybody has {phrase}; {why}") for phrase in told]


def _root(snapshot: Snapshot, known: Mapping[str, details.Details]) -> str:
    """Whoever the server was made with; on RDS that is Amazon's, and root is the master."""
    made_with = next((role for role, each in known.items() if each.bootstrap), ROOT)
    if not is_system(made_with):
        return made_with
    # Amazon takes its master in there and nobody else; whom the master takes in is not root.
    masters = (
        one.member
        for one in snapshot.memberships
        if (one.group, one.grantor) == (_OF_MASTERS, made_with) and not is_system(one.member)
    )
    return next(masters, ROOT)


def _others(snapshot: Snapshot) -> list[str]:
    return [
        shape.names[0]
        for shape in snapshot.shapes
        if shape.kind == "database" and shape.trait != "this"
    ]
