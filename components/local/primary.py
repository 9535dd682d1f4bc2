"""The production database's stand-in on this machine."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pulumi

from strongroom.declaration import Declaration
from strongroom.provider import sdk


@dataclass(frozen=True)
class PrimaryArgs:
    """What the primary is made from.

    Attributes:
        folder: holds the clusters of this stack, outside the project.
        database: the application's database.
        schemas: guarded schemas, whose tables are dropped only by a session that names them.
        port: TCP port on the loopback address; 0 chooses a free one and remembers it.
        settings: settings for postgresql.conf beside Strongroom's own.
        server_binaries: PostgreSQL's bin folder; empty for the packaged server.
        deletion_protection: refuse to delete or replace it.
        environment: the stack's name, which the database's marker tells.
        guarded: whether `strongroom guard` stops commands that would reach it.
        vault: where WAL is archived and snapshots go; by default beside the clusters.
        archive_timeout_seconds: the longest a commit waits to be archived (1 to 3600 s).
        mass_change_rows: the most rows one UPDATE or DELETE may touch on guarded tables without
            naming them; 0 for no limit.
    """

    folder: Path
    database: str
    schemas: tuple[str, ...]
    port: int = 0
    settings: dict[str, str] = field(default_factory=dict)
    server_binaries: str = ""
    deletion_protection: bool = True
    environment: str = "local"
    guarded: bool = True
    mass_change_rows: int = 0
    vault: Path | None = None
    archive_timeout_seconds: int = 300

    @classmethod
    def of(cls, stack: Declaration) -> Self:
        """As a stack declares it."""
        return cls(
            folder=stack.folder,
            database=stack.settings.database,
            schemas=stack.roster.schemas,
            port=stack.settings.port,
            settings=dict(stack.settings.server),
            server_binaries=stack.settings.server_binaries,
            deletion_protection=stack.settings.deletion_protection,
            environment=stack.environment,
            guarded=stack.settings.guarded,
            mass_change_rows=stack.settings.mass_change_rows,
            vault=stack.vault,
            archive_timeout_seconds=stack.settings.archive_timeout_seconds,
        )


class Primary(pulumi.ComponentResource):
    """Declares the server that holds the application's database, sealed against its own users.

    It refuses to be deleted or replaced while `deletion_protection` is on. Roles, schemas and
    rights are not made here but by `Access`.

    Outputs: host, port, database, ca_certificate, provisioner, certificate, key, and `resource`,
    the server itself, for whatever ends with it.
    """

    host: pulumi.Output[str]
    port: pulumi.Output[int]
    database: pulumi.Output[str]
    ca_certificate: pulumi.Output[str]
    provisioner: pulumi.Output[str]
    certificate: pulumi.Output[str]
    key: pulumi.Output[str]

    def __init__(
        self, name: str, args: PrimaryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:Primary", name, {}, opts)
        self.resource = sdk.Primary(
            f"{name}-server",
            {
                "directory": str(args.folder / "primary"),
                "database": args.database,
                "guarded_schemas": sorted(args.schemas),
                "port": args.port,
                "settings": args.settings,
                "server_binaries": args.server_binaries,
                "deletion_protection": args.deletion_protection,
                "environment": args.environment,
                "guarded": args.guarded,
                "mass_change_rows": args.mass_change_rows,
                "vault": str(args.vault or args.folder / "vault"),
                "archive_timeout_seconds": args.archive_timeout_seconds,
            },
            # Its folder has a fixed name, so two of it cannot be there at the same time.
            pulumi.ResourceOptions(
                parent=self, protect=args.deletion_protection, delete_before_replace=True
            ),
        )
        self.directory = self.resource.directory
        self.vault = self.resource.vault
        self.host = self.resource.host
        self.port = self.resource.port
        self.database = self.resource.database
        self.ca_certificate = self.resource.ca_certificate
        self.provisioner = self.resource.provisioner
        self.certificate = self.resource.provisioner_certificate
        self.key = self.resource.provisioner_key
        outputs = {"host": self.host, "port": self.port, "database": self.database}
        self.register_outputs(outputs)

    def sign_in(self) -> dict[str, pulumi.Output[str]]:
        """How the provisioner connects, as libpq parameters; it has no password."""
        return {
            "host": self.host,
            "port": self.port.apply(str),
            "dbname": self.database,
            "user": self.provisioner,
            "sslmode": pulumi.Output.from_input("verify-full"),
            "sslrootcert": self.ca_certificate,
            "sslcert": self.certificate,
            "sslkey": self.key,
        }

    def provisioner_settings(self) -> dict[str, Any]:
        """The same for the provider of pulumi_postgresql's resources."""
        return {
            "host": self.host,
            "port": self.port,
            "database": self.database,
            "username": self.provisioner,
            "sslmode": "verify-full",
            "sslrootcert": self.ca_certificate,
            "clientcert": {"cert": self.certificate, "key": self.key},
            "superuser": False,
            "connect_timeout": 15,
            # Several resources at once, without queueing the application behind them; with one
            # connection the official plugin can wait for itself.
            "max_connections": 4,
        }
