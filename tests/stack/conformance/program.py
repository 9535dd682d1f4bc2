"""The program that every postgresql plugin has to turn into the same catalogs.

STEP is how far it has come: 1 makes everything, 2 changes and removes parts.
"""

import os
from typing import Any

import pulumi_postgresql as postgresql
from pulumi import CustomResource, ResourceOptions

STEP = int(os.environ["STEP"])
DATABASE = "app"

provider = postgresql.Provider(
    "provisioner",
    host="127.0.0.1",
    port=int(os.environ["SERVER_PORT"]),
    database=DATABASE,
    username="provisioner",
    sslmode="verify-full",
    sslrootcert=os.environ["SERVER_CA"],
    clientcert={"cert": os.environ["SERVER_CERT"], "key": os.environ["SERVER_KEY"]},
    superuser=False,
)
# One after the other: the official plugin's changes of one role or one object meet otherwise.
made: list[CustomResource] = []


def after() -> ResourceOptions:
    return ResourceOptions(provider=provider, depends_on=made[-1:])


def role(name: str, **inputs: Any) -> None:
    made.append(postgresql.Role(name, name=name, **inputs, opts=after()))


def grant(name: str, to: str, kind: str, privileges: list[str], **inputs: Any) -> None:
    made.append(
        postgresql.Grant(
            name,
            role=to,
            database=DATABASE,
            object_type=kind,
            privileges=privileges,
            schema=None if kind == "database" else "shop",
            **inputs,
            opts=after(),
        )
    )


def default(name: str, to: str, kind: str, privileges: list[str], **inputs: Any) -> None:
    made.append(
        postgresql.DefaultPrivileges(
            name,
            role=to,
            database=DATABASE,
            owner="app_owner",
            object_type=kind,
            privileges=privileges,
            **inputs,
            opts=after(),
        )
    )


# The ladder of tiers, and the gate to the tables' owner.
role("tier_reader")
role("tier_writer", roles=["tier_reader"])
role("ddl_gate", inherit=False, roles=["app_owner"])
role("tier_full", roles=["tier_writer", "ddl_gate"])

# People: in a tier, with guards against mistakes, one until a time; ada rises in step 2.
guards: dict[str, Any] = {"statement_timeout": 60000, "idle_in_transaction_session_timeout": 30000}
role("ada", login=True, roles=["tier_reader"] if STEP == 1 else ["tier_full"], **guards)
role(
    "Grace Hopper",
    login=True,
    roles=["tier_full"],
    connection_limit=5 if STEP == 1 else -1,
    search_paths=["shop", "$user"] if STEP == 1 else ["shop"],
    valid_until="2030-12-31 00:00:00+00" if STEP == 1 else "2031-06-30 12:00:00+02",
    **(guards if STEP == 1 else {}),
)
role("deployer", login=True, roles=["app_owner"], assume_role="app_owner")
role("cannot", login=STEP == 1, inherit=STEP == 1, roles=["tier_reader"])
if STEP == 1:
    role("leaver", login=True, roles=["tier_writer", "tier_reader"], connection_limit=1)
made.append(
    postgresql.GrantRole("legacy", role="legacy_app", grant_role="tier_reader", opts=after())
)

# Schemas: one that is there already, one of the provisioner's, one of the tables' owner.
made.append(
    postgresql.Schema(
        "shop",
        name="shop",
        opts=ResourceOptions(provider=provider, depends_on=made[-1:], retain_on_delete=True),
    )
)
made.append(postgresql.Schema("fresh", name="fresh", opts=after()))
made.append(
    postgresql.Schema(
        "owned", name="owned", owner="app_owner" if STEP == 1 else "provisioner", opts=after()
    )
)

# Rights on what is there.
grant("connect-reader", "tier_reader", "database", ["CONNECT"])
grant("connect-legacy", "legacy_app", "database", ["CONNECT", "TEMPORARY"])
grant("usage", "tier_reader", "schema", ["USAGE"])
grant("read", "tier_reader", "table", ["SELECT"])
grant("write", "tier_writer", "table", ["INSERT", "UPDATE"] if STEP == 1 else ["INSERT"])
grant("full", "tier_full", "table", ["DELETE", "TRUNCATE", "MAINTAIN"])
grant("draw", "tier_writer", "sequence", ["USAGE"])
grant("legacy-table", "legacy_app", "table", ["SELECT", "INSERT"], objects=["customer", "Order"])
grant("legacy-all", "legacy_app", "sequence", ["ALL"], objects=["invoice"])
grant("legacy-email", "ada", "column", ["UPDATE"], objects=["customer"], columns=["email", "name"])
grant("call", "tier_reader", "function", ["EXECUTE"], objects=["area(integer, integer)", "now_utc"])
grant("tidy", "tier_full", "procedure", ["EXECUTE"])
if STEP == 1:
    grant("all-routines", "deployer", "routine", ["EXECUTE"], with_grant_option=True)

# Rights on what will be made.
default("will-read", "tier_reader", "table", ["SELECT"], schema="shop")
default("will-write", "tier_writer", "table", ["INSERT", "UPDATE"][:STEP], schema="shop")
default("will-draw", "tier_writer", "sequence", ["USAGE"], schema="shop")
default("will-full", "tier_full", "table", ["ALL"], schema="fresh")
default("will-call", "public", "routine", [])
if STEP == 1:
    default("will-use", "tier_reader", "schema", ["USAGE"])
