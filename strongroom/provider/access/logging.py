"""strongroom:access:Logging."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql
from pydantic import Field

from strongroom.errors import StrongroomError
from strongroom.provider.access.held import Held, HeldInputs
from strongroom.provider.access.session import connect
from strongroom.provider.resource import Context, Properties

#: What is logged of a role that is logged less: CREATE, ALTER, DROP, GRANT and their like.
_LESS = "ddl"

_KEPT = """
SELECT rolname, datname, split_part(entry, '=', 2)
FROM pg_catalog.pg_db_role_setting CROSS JOIN unnest(setconfig) AS entry
JOIN pg_catalog.pg_roles AS r ON r.oid = setrole
LEFT JOIN pg_catalog.pg_database AS d ON d.oid = setdatabase
WHERE split_part(entry, '=', 1) = 'log_statement' AND rolname <> %s AND rolname !~ '^rds'
ORDER BY 1, 2
"""
_MAY = "SELECT has_parameter_privilege('log_statement', 'SET')"


class LoggingInputs(HeldInputs):
    """Whose statements are logged less."""

    less: list[str] = Field(
        description="Services of which the server's log has no INSERT, UPDATE, DELETE, TRUNCATE "
        "and COPY. Of everybody else it has them."
    )
    roles: str = Field(default="", description="A digest of the roles as declared.")


class LoggingOutputs(Properties):
    """What is not as declared."""

    drift: list[str] = Field(description="What is not as declared; empty when all is well.")


class Logging(Held[LoggingInputs]):
    """Which services the server's log says less of, completely; of people it says everything.

    Without it there is more in the log, not less. Where the provisioner may not set it, such as on
    RDS, the platform decides what is logged and nothing is done.
    """

    token = "strongroom:access:Logging"  # noqa: S105 - a type token
    Inputs = LoggingInputs
    Outputs = LoggingOutputs

    def drift(self, inputs: LoggingInputs) -> tuple[LoggingInputs, list[str]]:
        with connect(inputs.sign_in) as connection:
            return inputs, [words for words, _ in _wrong(connection, inputs)]

    def converge(self, context: Context, inputs: LoggingInputs, state: Mapping[str, Any]) -> None:
        with connect(inputs.sign_in) as connection, connection.transaction():
            if not _may(connection):
                context.say("what is logged is left to the platform", keep=True)
            for words, statement in _wrong(connection, inputs):
                try:
                    connection.execute(statement)
                except psycopg.Error as error:
                    raise _not_as_declared(words, error) from error


def _not_as_declared(words: str, error: psycopg.Error) -> StrongroomError:
    return StrongroomError(
        f"What the server logs is not as declared ({words}), and it cannot be changed from here: "
        f"{' '.join(str(error).split())}. Nothing was changed. Root has to put it right: "
        "`pulumi up --refresh` lets it."
    )


def _may(connection: psycopg.Connection[Any]) -> bool:
    return connection.execute(_MAY).fetchone() == (True,)


def _wrong(
    connection: psycopg.Connection[Any], inputs: LoggingInputs
) -> list[tuple[str, sql.Composed]]:
    """What is not as declared, in words, each with the statement that puts it right."""
    if not _may(connection):
        return []
    wrong = []
    right = set()
    for role, database, value in connection.execute(_KEPT, [inputs.root]):
        if role in inputs.less and database is None and value == _LESS:
            right.add(role)
            continue
        place = (
            sql.SQL(" IN DATABASE {}").format(sql.Identifier(database)) if database else sql.SQL("")
        )
        reset = sql.SQL("ALTER ROLE {}{} RESET log_statement").format(sql.Identifier(role), place)
        wrong.append((f"of {role} is logged {value!r}, undeclared", reset))
    for role in inputs.less:
        if role not in right:
            statement = sql.SQL("ALTER ROLE {} SET log_statement = {}")
            named = statement.format(sql.Identifier(role), sql.Literal(_LESS))
            wrong.append((f"of {role} every change of data is logged", named))
    return wrong
