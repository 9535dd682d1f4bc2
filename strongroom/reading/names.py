"""What roles, schemas, databases and environments may be called, and why."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from strongroom.tiers import ROOT, reserved

#: Bytes; PostgreSQL's NAMEDATALEN less one.
LONGEST_NAME = 63

#: A role's name is also the common name of a certificate, a user name in IAM and the user in a
#: connection URL, and people type it after `psql -U`. These characters mean the same in all of
#: them; PostgreSQL folds upper case where it is not quoted, and @ would end the user in a URL.
ROLE_NAME = r"[a-z][a-z0-9_.-]*"

#: Schemas and databases are written in SQL all day, so they need no quotes there; the rule for
#: databases is also RDS's.
IDENTIFIER = r"[a-z][a-z0-9_]*"

#: RDS's rule for the names of masters.
MASTER = r"[A-Za-z][A-Za-z0-9_]*"

#: RDS's rule for the identifiers of instances, as it keeps them.
INSTANCE = r"(?=.{1,63}$)[a-z](-?[a-z0-9])*"

#: Pulumi's rule for stack names, less those that look like an option or a hidden file.
ENVIRONMENT = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"

#: GitHub's rule for logins, which are at most 39 characters long; [bot] is no person.
LOGIN = r"[A-Za-z0-9](-?[A-Za-z0-9_]){0,38}"

#: What an engineer's tier is called in an environment where they have no role.
NO_TIER = "none"

RESERVED_SCHEMAS: Mapping[str, str] = MappingProxyType(
    {
        "public": "every database comes with it and it is root's, so the provisioner cannot "
        "own it; tables belong in a schema of their own",
        "information_schema": "it is PostgreSQL's own",
        "strongroom": "Strongroom keeps its guards there",
    }
)

RESERVED_DATABASES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("postgres", "template0", "template1"), "it is PostgreSQL's own"),
        "rdsadmin": "it is RDS's own",
        **dict.fromkeys(
            ("all", "replication", "samegroup", "samerole", "sameuser"),
            "pg_hba.conf reads it as a keyword",
        ),
    }
)


def login_problem(login: str) -> str | None:
    """Why nobody on GitHub can be called `login`; None when somebody can."""
    if re.fullmatch(LOGIN, login):
        return None
    return (
        "is no login on GitHub, so nothing done there would be taken for this person's. Write it "
        "as it stands behind github.com/"
    )


def role_name_problems(name: str) -> Iterator[str]:
    """What is wrong with `name` as a role's: rule, consequence and remedy, once for each rule."""
    if not re.fullmatch(ROLE_NAME, name):
        lower = name.lower()
        fits = lower != name and re.fullmatch(ROLE_NAME, lower)
        yield (
            "is not made of lower-case letters, digits, _, . and - after a first letter, so a "
            "certificate, an IAM user or a connection URL would need it changed. "
            + (f"Write {lower!r}" if fits else "Choose such a name")
        )
    yield from _too_long(name)
    if why := reserved(name):
        yield f"is reserved: {why}. Choose another name"


def schema_name_problems(name: str) -> Iterator[str]:
    """What is wrong with `name` as a guarded schema's; see `role_name_problems`."""
    yield from _identifier_problems(name)
    if name.startswith("pg_"):
        yield "is reserved: PostgreSQL refuses schemas whose names begin with pg_. Choose another"
    if why := RESERVED_SCHEMAS.get(name):
        yield f"is reserved: {why}. Choose another name"


def database_name_problems(name: str) -> Iterator[str]:
    """What is wrong with `name` as the application database's; see `role_name_problems`."""
    yield from _identifier_problems(name)
    if why := RESERVED_DATABASES.get(name):
        yield f"is reserved: {why}. Choose another name"


def master_name_problems(name: str) -> Iterator[str]:
    """What is wrong with `name` as that of an instance's master; see `role_name_problems`."""
    if not re.fullmatch(MASTER, name):
        yield (
            "is not made of letters, digits and _ after a first letter, so it is no master's on "
            "RDS. Write it as `aws rds describe-db-instances` tells it"
        )
    yield from _too_long(name)
    why = reserved(name.lower())
    if why and name not in (ROOT, "postgres"):
        yield (
            f"is reserved: {why}, so it would be one role for two things. RDS renames no master: "
            "restore a snapshot of the instance without it, or move the data to a new one"
        )


def instance_name_problems(name: str) -> Iterator[str]:
    """What is wrong with `name` as an instance's identifier; see `role_name_problems`."""
    if not re.fullmatch(INSTANCE, name):
        yield (
            "is not made of lower-case letters, digits and single hyphens after a first letter, "
            "63 at most, so no instance has it. Write it as `aws rds describe-db-instances` "
            "tells it"
        )


def environment_name_problems(name: str) -> Iterator[str]:
    """What is wrong with `name` as an environment's; see `role_name_problems`."""
    if not re.fullmatch(ENVIRONMENT, name):
        yield (
            "is not made of at most 100 letters, digits, _, . and - after a first letter or "
            "digit, so no stack could have that name. Rename it"
        )


def _identifier_problems(name: str) -> Iterator[str]:
    if not re.fullmatch(IDENTIFIER, name):
        yield (
            "is not made of lower-case letters, digits and _ after a first letter, so SQL would "
            "have to quote it everywhere. Choose such a name"
        )
    yield from _too_long(name)


def _too_long(name: str) -> Iterator[str]:
    size = len(name.encode())
    if size > LONGEST_NAME:
        yield (
            f"has {size} bytes, and PostgreSQL cuts names off after {LONGEST_NAME}, so two could "
            "become one. Shorten it"
        )


def camel(name: str) -> str:
    """A field's name as Pulumi's configuration spells it."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)
