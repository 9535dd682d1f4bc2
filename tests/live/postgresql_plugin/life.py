"""What the tests of the postgresql plugin have in common."""

from typing import Any

import psycopg

from strongroom.provider.postgresql.settings import Settings
from strongroom.provider.resource import Context, Found, Resource
from tests.live.postgresql_server import Server

Root = psycopg.Connection[Any]


def value(root: Root, query: str, *parameters: object) -> Any:
    """The first value a query returns."""
    row = root.execute(query, parameters).fetchone()
    return row[0] if row else None


def values(root: Root, query: str, *parameters: object) -> list[Any]:
    """The first column a query returns."""
    return [row[0] for row in root.execute(query, parameters)]


def settings(server: Server, name: str = "provisioner", **others: Any) -> Settings:
    """The provider's settings for `name`, as the engine hands them over."""
    certificate, key = server.certificate(name)
    given = {
        "host": "127.0.0.1",
        "port": str(server.port),
        "database": "app",
        "username": name,
        "sslmode": "verify-full",
        "sslrootcert": str(server.ca),
        "clientcert": f'{{"cert": "{certificate}", "key": "{key}"}}',
        "connectTimeout": "10",
        "superuser": "false",
        "version": "3.18.2",
    }
    return Settings.parse({**given, **others})


def memberships(root: Root, member: str) -> list[str]:
    """What a role is in, by whose grant and with which options."""
    return values(
        root,
        "SELECT concat_ws(' ', roleid::regrole, 'by', grantor::regrole, "
        "CASE WHEN admin_option THEN 'ADMIN' END, CASE WHEN inherit_option THEN 'INHERIT' END, "
        "CASE WHEN set_option THEN 'SET' END) FROM pg_auth_members "
        "WHERE member = %s::regrole ORDER BY 1",
        member,
    )


def acl(root: Root, kind: str, role: str) -> list[str]:
    """What a role holds in the schema shop: ``object PRIVILEGES``, a star for the option."""
    sources = {
        "relation": "SELECT relname AS name, relacl AS acl FROM pg_class "
        "WHERE relnamespace = 'shop'::regnamespace",
        "column": "SELECT attname, attacl FROM pg_attribute WHERE attrelid IN "
        "(SELECT oid FROM pg_class WHERE relnamespace = 'shop'::regnamespace)",
        "routine": "SELECT oid::regprocedure::text, coalesce(proacl, acldefault('f', proowner)) "
        "FROM pg_proc WHERE pronamespace = 'shop'::regnamespace",
        "schema": "SELECT nspname, nspacl FROM pg_namespace WHERE nspname = 'shop'",
        "database": "SELECT datname, datacl FROM pg_database WHERE datname = 'app'",
    }
    return values(
        root,
        f"SELECT name || ' ' || string_agg(privilege_type || CASE WHEN is_grantable THEN '*' "
        f"ELSE '' END, ',' ORDER BY privilege_type) FROM ({sources[kind]}) AS o (name, acl), "
        "aclexplode(acl) WHERE grantee = CASE %s WHEN 'public' THEN 0 ELSE "
        "to_regrole(%s)::oid END GROUP BY name ORDER BY name",
        role,
        role,
    )


class Life:
    """One resource, led through its life as the engine does it."""

    def __init__(self, resource: Resource[Any], **inputs: Any) -> None:
        """Create the resource.

        Args:
            resource: the type's handler.
            inputs: as a program gives them, by the engine's names.
        """
        self._resource = resource
        self._context = Context(urn=f"urn:pulumi:s::p::{resource.token}::named", seed=b"seed")
        self.said: list[str] = []
        self.inputs: Any = None
        self._take(inputs, {})
        self._know(resource.create(self._context, self.inputs))

    @property
    def gone(self) -> bool:
        """Whether a refresh finds it no more."""
        return self._read() is None

    def drift(self) -> set[str]:
        """The properties that a refresh finds other than declared."""
        found = self._read()
        assert found, "it is gone"
        self._know(found)
        diff = self._resource.diff(self._context, self.state, self.inputs)
        return {*diff.updates, *diff.replaces}

    def up(self, **inputs: Any) -> None:
        """Bring it to the inputs: those given, or those it has."""
        if inputs:
            self._take(inputs, self.inputs.dump())
        diff = self._resource.diff(self._context, self.state, self.inputs)
        if diff.replaces:
            self.destroy()
            self._know(self._resource.create(self._context, self.inputs))
        elif diff.updates:
            updated = self._resource.update(self._context, self.id, self.state, self.inputs)
            self._know(updated)

    def destroy(self) -> None:
        """Delete it."""
        self._resource.delete(self._context, self.id, self.state)

    def _read(self) -> Found | None:
        def say(message: str, keep: bool = False) -> None:
            self.said.append(message)

        inputs = {**self.inputs.dump(), "__defaults": []}
        context = Context(urn=self._context.urn, seed=b"", say=say, inputs=inputs)
        return self._resource.read(context, self.id, self.state)

    def _take(self, inputs: dict[str, Any], old: dict[str, Any]) -> None:
        model = self._resource.Inputs
        checked = self._resource.check(self._context, model.model_validate(inputs), old)
        self.inputs = model.model_validate(checked.dump())

    def _know(self, found: Found) -> None:
        self.id, self.state = found.id, dict(found.outputs)
