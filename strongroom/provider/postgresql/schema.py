"""postgresql.Schema: a schema and its owner."""

from collections.abc import Mapping
from typing import Any, ClassVar

from psycopg import sql

from strongroom.errors import StrongroomError
from strongroom.provider.postgresql.membership import lent
from strongroom.provider.postgresql.properties import (
    PostgresqlResource,
    Served,
    carried,
    named,
)
from strongroom.provider.postgresql.queries import query
from strongroom.provider.postgresql.session import NoDatabaseError, Work
from strongroom.provider.resource import Context, Found, Properties, replacing


class SchemaInputs(Served):
    """The inputs of postgresql.Schema that are served here."""

    refused: ClassVar[Mapping[str, str]] = {
        "policies": "they are deprecated and would fight with Grants on the schema; declare a "
        "Grant with objectType schema",
    }
    computed: ClassVar[frozenset[str]] = frozenset({"database", "owner"})

    # Empty: made from the resource's name in the program.
    name: str = ""
    database: str | None = replacing(default=None)
    owner: str | None = None
    if_not_exists: bool = True
    drop_cascade: bool = False


class SchemaOutputs(Properties):
    """What every schema has."""

    name: str
    database: str
    owner: str


class Schema(PostgresqlResource[SchemaInputs]):
    """A schema. One that is there already is taken over, with its owner unless one is named."""

    token = "postgresql:index/schema:Schema"  # noqa: S105 - a type token
    Inputs = SchemaInputs
    Outputs = SchemaOutputs

    def check(self, context: Context, inputs: SchemaInputs, old: Mapping[str, Any]) -> SchemaInputs:
        return inputs.model_copy(update={"name": named(context, inputs.name, old)})

    def plan(self, context: Context, inputs: SchemaInputs) -> dict[str, Any]:
        planned = super().plan(context, inputs)
        if "database" not in planned and self.session.settings is not None:
            planned["database"] = self.session.database
        return planned

    def create(self, context: Context, inputs: SchemaInputs) -> Found:
        name, database = inputs.name, inputs.database or self.session.database

        def made(work: Work) -> Found:
            if work.rows(query("schema"), {"name": name}):
                return self._owned(work, database, inputs, {})
            statement = sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name))
            if inputs.owner:
                statement += sql.SQL(" AUTHORIZATION {}").format(sql.Identifier(inputs.owner))
            with lent(work, [inputs.owner] if inputs.owner else []):
                work.do(statement)
            return self._owned(work, database, inputs, {})

        return self.session.run(f"create schema {name}", made, database)

    def read(self, context: Context, id: str, state: Mapping[str, Any]) -> Found | None:
        database, name = _place(id, state)
        try:
            rows = self.session.rows(
                f"read schema {name}", query("schema"), {"name": name}, database
            )
        except NoDatabaseError:
            return None
        if not rows:
            return None
        outputs = _outputs(database, rows[0]["owner"], {**state, "name": name})
        if state:
            return Found(f"{database}.{name}", outputs)
        return Found(f"{database}.{name}", outputs, dict(outputs))

    def update(
        self, context: Context, id: str, state: Mapping[str, Any], inputs: SchemaInputs
    ) -> Found:
        database, before = _place(id, state)
        name = inputs.name

        def changed(work: Work) -> Found:
            if before != name:
                _rename(work, before, name)
            return self._owned(work, database, inputs, state)

        return self.session.run(f"change schema {name}", changed, database)

    def delete(self, context: Context, id: str, state: Mapping[str, Any]) -> None:
        database, name = _place(id, state)

        def dropped(work: Work) -> None:
            rows = work.rows(query("schema"), {"name": name})
            if not rows:
                return
            end = sql.SQL("CASCADE" if state.get("dropCascade") else "RESTRICT")
            with lent(work, [rows[0]["owner"]]):
                work.do(sql.SQL("DROP SCHEMA {} {}").format(sql.Identifier(name), end))

        try:
            self.session.run(f"drop schema {name}", dropped, database)
        except NoDatabaseError:
            return

    def _owned(
        self, work: Work, database: str, inputs: SchemaInputs, state: Mapping[str, Any]
    ) -> Found:
        """Give an existing schema the owner that is asked for, if one is."""
        name = inputs.name
        rows = work.rows(query("schema"), {"name": name})
        if not rows:
            raise StrongroomError(
                f"Schema {name} was dropped from database {database} after Pulumi last looked, "
                "so it cannot be changed. Run `pulumi up --refresh`, which makes it anew."
            )
        owner = rows[0]["owner"]
        if inputs.owner and owner != inputs.owner:
            with lent(work, [owner, inputs.owner]):
                work.do(
                    sql.SQL("ALTER SCHEMA {} OWNER TO {}").format(
                        sql.Identifier(name), sql.Identifier(inputs.owner)
                    )
                )
            owner = work.rows(query("schema"), {"name": name})[0]["owner"]
        return Found(f"{database}.{name}", _outputs(database, owner, {**state, **inputs.dump()}))


def _rename(work: Work, before: str, name: str) -> None:
    rows = work.rows(query("schema"), {"name": before})
    if not rows:
        # A killed run had renamed it already, or it is gone, which the next step will tell.
        return
    with lent(work, [rows[0]["owner"]]):
        work.do(
            sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(
                sql.Identifier(before), sql.Identifier(name)
            )
        )


def _place(id: str, state: Mapping[str, Any]) -> tuple[str, str]:
    """Database and name, for an import from the id: ``database.schema``."""
    if state:
        return state["database"], state["name"]
    database, dot, name = id.partition(".")
    if not (database and dot and name):
        raise StrongroomError(
            f"{id!r} does not name a schema, so nothing was imported. Write it as "
            "database.schema, for example app.public."
        )
    return database, name


def _outputs(database: str, owner: str, said: Mapping[str, Any]) -> dict[str, Any]:
    return carried(said) | {
        "database": database,
        "owner": owner,
        "ifNotExists": said.get("ifNotExists", True),
        "dropCascade": bool(said.get("dropCascade")),
    }
