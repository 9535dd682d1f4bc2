"""The package as a whole: which types it serves, and how it takes its settings."""

import json
from typing import Any

from strongroom.provider.postgresql.default_privileges import DefaultPrivileges
from strongroom.provider.postgresql.grant import Grant
from strongroom.provider.postgresql.grant_role import GrantRole
from strongroom.provider.postgresql.role import Role
from strongroom.provider.postgresql.schema import Schema
from strongroom.provider.postgresql.session import Session
from strongroom.provider.postgresql.settings import Settings, problems
from strongroom.provider.server import Plugin
from strongroom.provider.values import has_unknown

#: The official release whose programs this plugin takes; the engine asks for it by this version.
VERSION = "3.18.2"


class PostgresqlPlugin(Plugin):
    """The postgresql package for closed networks."""

    config = Settings

    def __init__(self) -> None:
        self.session = Session()
        types = (Role, Grant, GrantRole, DefaultPrivileges, Schema)
        super().__init__(
            name="postgresql",
            version=VERSION,
            description="Roles, rights and schemas of PostgreSQL, where no plugin can be "
            "downloaded.",
            resources=lambda: [each(self.session) for each in types],
        )

    def schema(self) -> str:
        described = json.loads(super().schema())
        # The official package's tokens: "index/role" is the module index.
        described["meta"]["moduleFormat"] = "(.*)(?:/[^/]*)"
        return json.dumps(described, indent=2, sort_keys=True)

    def check_config(self, values: dict[str, Any]) -> list[tuple[str, str]]:
        return problems(values)

    def configure(self, values: dict[str, Any]) -> None:
        self.session.settings = None if has_unknown(values) else Settings.parse(values)
