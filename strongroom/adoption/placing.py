"""Who is a person, who an application, and which tier or rights come closest to what they have."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from strongroom.adoption.details import Details
from strongroom.adoption.needs import Needs, needs_of
from strongroom.people import Engineer, Service
from strongroom.reading.forms import listed
from strongroom.reading.names import role_name_problems
from strongroom.rights.answers import Answers
from strongroom.rights.inspection import is_system
from strongroom.rights.model import Snapshot
from strongroom.tiers import FIXED_ROLES, GROUPS, Privilege

#: Words in the names of applications. Only a hint: nothing is placed by its name against more.
_APPLICATIONS = re.compile(
    r"(^|[^a-z])(api|app|airflow|backend|backup|batch|bot|ci|cron|deploy|etl|exporter|grafana|job|"
    r"jobs|metabase|migrat(e|ion|or)|monitor(ing)?|pgbouncer|service|svc|sync|web|worker)"
    r"([^a-z]|$)"
)
#: A first and a last name.
_PERSON = re.compile(r"[a-z]{2,}[._][a-z]{2,}")

#: Groups that are root's business; who is in one is no engineer and no service.
_MIGHTY = frozenset({"rds_superuser", "pg_execute_server_program", "pg_write_server_files"})


@dataclass(frozen=True)
class Unplaced:
    """What the roster cannot say, and what to do about it."""

    what: str
    why: str


@dataclass(frozen=True)
class Placing:
    """Everybody's place.

    Attributes:
        engineers: the people; each name is the role's until somebody writes the person's own.
        services: the applications.
        why: for each of them what speaks for it.
        unsure: those for whom nothing speaks, or as much for the other.
        unplaced: all others who are not PostgreSQL's, root's or Strongroom's own.
    """

    engineers: tuple[Engineer, ...]
    services: tuple[Service, ...]
    why: Mapping[str, str]
    unsure: frozenset[str]
    unplaced: tuple[Unplaced, ...]


def place(
    snapshot: Snapshot,
    details: Mapping[str, Details],
    root: str,
    schemas: Sequence[str],
    people: Iterable[str] = (),
    applications: Iterable[str] = (),
) -> Placing:
    """Find a place for every role that signs in.

    Args:
        snapshot: the rights as they are.
        details: what else is known of each role.
        root: who is root there.
        schemas: the schemas that will be guarded.
        people: roles known to be people.
        applications: roles known to be applications.
    """
    answers = Answers(snapshot)
    known = {**dict.fromkeys(people, "you say so"), **dict.fromkeys(applications, "you say so")}
    engineers, services, why, unsure, unplaced = [], [], {}, set(), []
    for role in sorted(snapshot.roles):
        if role in FIXED_ROLES or role == root or is_system(role) or details[role].bootstrap:
            continue
        if reason := _refused(snapshot, role):
            unplaced.append(Unplaced(f"role {role}", reason))
            continue
        person, said = _evidence(snapshot, details[role], role)
        if role in known:
            person, said = role in {*people}, known[role]
        if person is None:
            unsure.add(role)
        why[role] = said
        needs = needs_of(answers, role, schemas)
        if person:
            execute = {
                schema: frozenset({Privilege.EXECUTE})
                for schema, rights in needs.rights.items()
                if Privilege.EXECUTE in rights
            }
            engineers.append(Engineer(role, role, needs.tier, rights=execute))
        else:
            services.append(_service(role, needs))
    return Placing(tuple(engineers), tuple(services), why, frozenset(unsure), tuple(unplaced))


def _refused(snapshot: Snapshot, role: str) -> str:
    """Why a role can be neither; empty when it can."""
    known = snapshot.roles[role]
    if not known.login:
        members = sorted({one.member for one in snapshot.memberships if one.group == role})
        inside = f"its members are {listed(members, 'and')}" if members else "nobody is in it"
        return (
            f"it is a group ({inside}), and the roster knows tiers only. Whoever is placed leaves "
            "it; drop it when nobody needs it any more"
        )
    if "SUPERUSER" in known.attributes:
        return (
            "it is a superuser, which only root may be, so it is taken from it. ALTER ROLE … "
            "NOSUPERUSER and run this again, to see what it can do without"
        )
    if "REPLICATION" in known.attributes:
        return "it replicates, and replicas sign in with a role of their own. Drop it afterwards"
    mighty = {one.group for one in snapshot.memberships if one.member == role} & _MIGHTY
    if mighty:
        return f"it is in {listed(sorted(mighty), 'and')}, which is as good as root. Revoke that"
    if problems := [*role_name_problems(role)]:
        return f"its name {'; it '.join(problems)}. ALTER ROLE … RENAME TO, and run this again"
    return ""


def _evidence(snapshot: Snapshot, known: Details, role: str) -> tuple[bool | None, str]:
    """Whether a role is a person; None when nothing tells, or as much speaks for the other."""
    groups = {one.group for one in snapshot.memberships if one.member == role}
    if tiers := groups & {group.role for group in GROUPS.values()}:
        return True, f"is in {listed(sorted(tiers), 'and')}"
    teams = {
        group
        for group in groups
        if not is_system(group)
        and group not in FIXED_ROLES
        and not snapshot.roles[group].login
        and len(_who_signs_in(snapshot, group)) > 1
    }
    person = [
        *([f"shares the group {listed(sorted(teams), 'and')} with others"] if teams else []),
        *(["makes roles"] if "CREATEROLE" in snapshot.roles[role].attributes else []),
        *([f"ends at {known.valid_until}"] if known.valid_until else []),
    ]
    application = [
        *([f"has a limit of {known.connection_limit} connections"]
          if known.connection_limit > 1 else []),
    ]  # fmt: skip
    if _APPLICATIONS.search(role):
        application.append("is called like an application")
    elif _PERSON.fullmatch(role):
        person.append("is called like a person")
    if len(person) == len(application):
        told = ", but ".join([" and ".join(each) for each in (person, application) if each])
        return None, f"unsure: {told or 'nothing tells a person from an application'}"
    return len(person) > len(application), " and ".join(
        person if len(person) > len(application) else application
    )


def _who_signs_in(snapshot: Snapshot, group: str) -> set[str]:
    members = {one.member for one in snapshot.memberships if one.group == group}
    return {member for member in members if snapshot.roles[member].login}


def _service(role: str, needs: Needs) -> Service:
    """What it has now, also where that is everybody's: an application has to go on working."""
    rights = {}
    for schema in sorted({*needs.rights, *(needs.public if needs.rights else ())}):
        every = needs.rights.get(schema, set()) | needs.public.get(schema, set())
        if Privilege.INSERT in every:
            every = every - {Privilege.USAGE}  # which it brings
        rights[schema] = frozenset(every)
    return Service(role, rights, needs.ddl)
