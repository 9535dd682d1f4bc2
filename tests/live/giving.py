"""What a roster gives, granted by SQL from the rules of the model."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from strongroom.people import Member, Service
from strongroom.rights.rules import Rule, memberships, rules
from strongroom.tiers import APP_OWNER


def give(
    session: psycopg.Connection[Any],
    schemas: Sequence[str],
    members: Sequence[Member],
    services: Sequence[Service],
) -> None:
    """Grant what a roster declares to roles that exist, by the provisioner's session."""
    for group_role, found in memberships(members, services).items():
        for member, options in found.items():
            inherit, settable = "INHERIT" in options, "SET" in options
            session.execute(
                sql.SQL("GRANT {} TO {} WITH INHERIT {}, SET {}").format(
                    sql.Identifier(group_role), sql.Identifier(member), inherit, settable
                )
            )
    for rule in rules(schemas, members, services):
        session.execute(_grant(rule))
        if rule.has_future:
            session.execute(_future(rule))


def _privileges(rule: Rule) -> sql.Composable:
    return sql.SQL(", ").join(sql.SQL(name) for name in rule.privileges)


def _grant(rule: Rule) -> sql.Composed:
    if rule.object_type == "database":
        target: sql.Composable = sql.SQL("DATABASE app")
    elif rule.object_type == "schema":
        target = sql.SQL("SCHEMA {}").format(sql.Identifier(rule.schema or ""))
    else:
        kind = sql.SQL(f"ALL {rule.object_type.upper()}S IN SCHEMA")
        target = sql.SQL("{} {}").format(kind, sql.Identifier(rule.schema or ""))
    return sql.SQL("GRANT {} ON {} TO {}").format(
        _privileges(rule), target, sql.Identifier(rule.role)
    )


def _future(rule: Rule) -> sql.Composed:
    return sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {} GRANT {} ON {} TO {}").format(
        sql.Identifier(APP_OWNER),
        sql.Identifier(rule.schema or ""),
        _privileges(rule),
        sql.SQL(f"{rule.object_type.upper()}S"),
        sql.Identifier(rule.role),
    )
