"""The roster's JSON Schema, from the same names and lists that read it.

Editors complete and check the roster by it. It cannot compare one part of the file with another:
that a name is an engineer's and a service's, an environment or a schema is not listed, a right
lies above a tier's ceiling, or a key is written twice is seen only by `Roster.load`.

    python -m strongroom.reading.roster_schema > stacks/engineers.schema.json
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from strongroom.people import SHORTEST_REASON
from strongroom.reading.elevation_form import ELEVATION_KEYS, LENDABLE, TIME
from strongroom.reading.names import (
    ENVIRONMENT,
    IDENTIFIER,
    LOGIN,
    LONGEST_NAME,
    NO_TIER,
    RESERVED_SCHEMAS,
    ROLE_NAME,
)
from strongroom.reading.roster_form import ENGINEER_RIGHTS, SERVICE_RIGHTS
from strongroom.tiers import FIXED_ROLES, KEYWORDS, RESERVED_PREFIXES, Privilege, Tier, ceiling

Schema = dict[str, Any]


def roster_schema() -> Schema:
    """The schema, draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Strongroom roster",
        "description": "Who is in which tier, in which environment, and what services may do.",
        **_object(
            {
                "environments": {
                    "description": "The environments that exist; each is a stack.",
                    **_names({"type": "string", "pattern": f"^{ENVIRONMENT}$"}),
                },
                "schemas": {
                    "description": "The guarded schemas: the tiers' rights hold in these.",
                    **_names(_schema_name()),
                },
                "engineers": {
                    "description": "People, by the name of their role.",
                    "minProperties": 1,
                    **_by_role(_engineer()),
                },
                "services": {
                    "description": "Applications, by the name of their role.",
                    **_by_role(_service()),
                },
                "elevations": {
                    "description": "Tiers lent until a time; each ends by itself.",
                    "type": "array",
                    "items": _elevation(),
                },
            },
            required=("environments", "schemas", "engineers"),
        ),
    }


def text() -> str:
    """The schema as the file beside the roster holds it."""
    return json.dumps(roster_schema(), indent=2) + "\n"


def _engineer() -> Schema:
    return _object(
        {
            "name": {
                "description": "The person's own name, for reviews.",
                "type": "string",
                "pattern": r"\S",
            },
            "tier": {
                "description": "The tier wherever `environments` says nothing else. junior reads; "
                "mid also inserts and updates; senior also deletes, truncates and, after SET ROLE "
                "app_owner, changes tables.",
                "enum": list(Tier),
            },
            "environments": {
                "description": f"Another tier in some environments; {NO_TIER} is no role there.",
                "type": "object",
                "additionalProperties": {"enum": [*Tier, NO_TIER]},
            },
            "rights": {
                "description": "Rights beyond the tier, by schema. "
                + " ".join(f"A {tier} may be given {_in_order(ceiling(tier))}." for tier in Tier),
                **_rights(ENGINEER_RIGHTS),
            },
            "github": {
                "description": "The login on GitHub; without it no review there is this person's.",
                "type": "string",
                "pattern": f"^{LOGIN}$",
            },
        },
        required=("name", "tier"),
    )


def _service() -> Schema:
    return _object(
        {
            "rights": {
                "description": "Rights by schema. INSERT brings USAGE on sequences; USAGE alone is "
                "for a service that draws numbers without inserting.",
                **_rights(SERVICE_RIGHTS),
            },
            "ddl": {
                "description": "Whether it may SET ROLE app_owner, for schema migrations.",
                "type": "boolean",
                "default": False,
            },
        }
    )


def _elevation() -> Schema:
    time = {"type": "string", "format": "date-time", "pattern": f"^{TIME}$"}
    text = {"type": "string", "pattern": r"\S"}
    return _object(
        {
            "who": {"description": "The role of an engineer.", **text},
            "tier": {"description": "The tier lent, above their own.", "enum": list(LENDABLE)},
            "environments": {
                "description": "Where it is lent.",
                **_names({"type": "string", "pattern": f"^{ENVIRONMENT}$"}),
            },
            "from": {
                "description": "When it begins, with its zone; at the next `up` when left out.",
                **time,
            },
            "until": {
                "description": "When it ends, with its zone, such as 2026-11-30T18:00:00+01:00.",
                **time,
            },
            "reason": {
                "description": "What it is for.",
                "type": "string",
                "pattern": rf"\S[\s\S]{{{SHORTEST_REASON - 2},}}\S",
            },
            "ticket": {"description": "Where the work is described.", **text},
            "approver": {
                "description": "The role of who approved: a senior, or one of elevationApprovers.",
                **text,
            },
        },
        required=(key for key in ELEVATION_KEYS if key != "from"),
    )


def _by_role(entry: Schema) -> Schema:
    reserved = "|".join(map(re.escape, sorted({*FIXED_ROLES, *KEYWORDS, "postgres"})))
    prefixes = "|".join(map(re.escape, RESERVED_PREFIXES))
    name = {
        "pattern": f"^{ROLE_NAME}$",
        "maxLength": LONGEST_NAME,
        "not": {"pattern": f"^(({reserved})$|{prefixes})"},
    }
    return {"type": "object", "propertyNames": name, "additionalProperties": entry}


def _schema_name() -> Schema:
    reserved = "|".join(map(re.escape, sorted(RESERVED_SCHEMAS)))
    return {
        "type": "string",
        "pattern": f"^{IDENTIFIER}$",
        "maxLength": LONGEST_NAME,
        "not": {"pattern": f"^(({reserved})$|pg_)"},
    }


def _rights(allowed: frozenset[Privilege]) -> Schema:
    right = {"enum": [privilege for privilege in Privilege if privilege in allowed]}
    rights = {"type": "array", "items": right, "uniqueItems": True}
    return {"type": "object", "additionalProperties": rights}


def _names(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1, "uniqueItems": True}


def _object(properties: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    needed = {"required": list(required)} if required else {}
    return {
        "type": "object",
        "properties": dict(properties),
        **needed,
        "additionalProperties": False,
    }


def _in_order(privileges: frozenset[Privilege]) -> str:
    return ", ".join(privilege for privilege in Privilege if privilege in privileges)


if __name__ == "__main__":
    print(text(), end="")  # noqa: T201
