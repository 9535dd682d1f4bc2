"""The strongroom resources as a Pulumi program declares them."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi
from pydantic.alias_generators import to_camel


class _Declared(pulumi.CustomResource):
    """A resource of the strongroom plugin: snake_case here, camelCase to the engine."""

    token: ClassVar[str]
    outputs: ClassVar[tuple[str, ...]]

    def __init__(
        self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        properties = {**dict.fromkeys(self.outputs), **inputs}
        super().__init__(
            self.token, name, {to_camel(key): value for key, value in properties.items()}, opts
        )
        # The SDK's own translation of names would also rename the keys of maps, which are
        # PostgreSQL's settings and roles.
        for key in properties:
            setattr(self, key, pulumi.get(self, to_camel(key)))


class Primary(_Declared):
    """strongroom:local:Primary; its properties are described in the plugin's schema."""

    token = "strongroom:local:Primary"  # noqa: S105 - a type token
    outputs = (
        *("host", "port", "server_version", "ca_certificate", "system_user", "drift"),
        *("provisioner", "provisioner_certificate", "provisioner_key"),
    )

    host: pulumi.Output[str]
    port: pulumi.Output[int]
    database: pulumi.Output[str]
    directory: pulumi.Output[str]
    vault: pulumi.Output[str]
    ca_certificate: pulumi.Output[str]
    provisioner: pulumi.Output[str]
    provisioner_certificate: pulumi.Output[str]
    provisioner_key: pulumi.Output[str]


class Replica(_Declared):
    """strongroom:local:Replica."""

    token = "strongroom:local:Replica"  # noqa: S105 - a type token
    outputs = ("host", "port", "server_version", "slot", "system_user", "drift")

    host: pulumi.Output[str]
    port: pulumi.Output[int]
    slot: pulumi.Output[str]


class RootSecret(_Declared):
    """strongroom:local:RootSecret."""

    token = "strongroom:local:RootSecret"  # noqa: S105 - a type token
    outputs = ("rotated_at", "drift")

    rotated_at: pulumi.Output[str]


class SnapshotPolicy(_Declared):
    """strongroom:local:SnapshotPolicy."""

    token = "strongroom:local:SnapshotPolicy"  # noqa: S105 - a type token
    outputs = ("newest", "drift")

    newest: pulumi.Output[str]


class Agent(_Declared):
    """strongroom:local:Agent."""

    token = "strongroom:local:Agent"  # noqa: S105 - a type token
    outputs = ("drift",)


class People(_Declared):
    """strongroom:local:People."""

    token = "strongroom:local:People"  # noqa: S105 - a type token
    outputs = ()


class AwsPeople(_Declared):
    """strongroom:aws:People."""

    token = "strongroom:aws:People"  # noqa: S105 - a type token
    outputs = ()


class Logging(_Declared):
    """strongroom:access:Logging."""

    token = "strongroom:access:Logging"  # noqa: S105 - a type token
    outputs = ("drift",)


class Memberships(_Declared):
    """strongroom:access:Memberships."""

    token = "strongroom:access:Memberships"  # noqa: S105 - a type token
    outputs = ("drift",)


class Matrix(_Declared):
    """strongroom:access:Matrix."""

    token = "strongroom:access:Matrix"  # noqa: S105 - a type token
    outputs = ("drift",)


class Lasting(_Declared):
    """strongroom:aws:Lasting."""

    token = "strongroom:aws:Lasting"  # noqa: S105 - a type token
    outputs = ("suffix",)

    suffix: pulumi.Output[str]
