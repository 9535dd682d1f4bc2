"""strongroom:local:Primary."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from strongroom.bootstrap.local import LocalRoot
from strongroom.bootstrap.steps import Foundation, audit, bootstrap, digest
from strongroom.cluster.certificates import MACHINE_LIFETIME
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.configuration import LOOPBACK
from strongroom.cluster.control import system_identifier
from strongroom.cluster.stack import StackFolder
from strongroom.cluster.system_user import SystemUser
from strongroom.cluster.vault import Vault
from strongroom.errors import StrongroomError
from strongroom.provider.local.common import (
    ServerInputs,
    check_server,
    cluster_of,
    drift_of,
    explain_restart,
    renew_server_certificate,
    server_drift,
    settle,
)
from strongroom.provider.resource import Context, Diff, Found, Properties, Resource, replacing
from strongroom.tiers import PROVISIONER, ROOT


class PrimaryInputs(ServerInputs):
    """What a primary is declared with."""

    database: str = replacing(description="The application's database, owned by root.")
    guarded_schemas: list[str] = Field(
        default=[], description="Schemas whose tables are dropped only by a session naming them."
    )
    environment: str = Field(
        default="local", description="The stack's name, which the database's marker tells."
    )
    guarded: bool = Field(
        default=True, description="Whether `strongroom guard` stops commands that would reach it."
    )
    mass_change_rows: int = Field(
        default=0,
        ge=0,
        description="The most rows one UPDATE or DELETE may touch on guarded tables without "
        "naming them; 0 for no limit.",
    )
    deletion_protection: bool = Field(
        default=True, description="Refuse to delete or replace this cluster."
    )
    vault: str = Field(
        default="", description="The vault's folder; WAL is archived there. Empty for none."
    )
    archive_timeout_seconds: int = Field(
        default=300, ge=1, le=3600, description="The longest a commit waits to be archived (s)."
    )
    bootstrap: str = Field(
        default="", description="A digest of what root does there, filled in: new SQL is an update."
    )

    def foundation(self) -> Foundation:
        """What root lays in it."""
        return Foundation(
            database=self.database,
            guarded=tuple(self.guarded_schemas),
            environment=self.environment,
            kept_from_laptops=self.guarded,
            mass_change_rows=self.mass_change_rows,
        )

    def all_settings(self, cluster: Cluster) -> dict[str, str]:
        """What postgresql.conf of a cluster that exists holds beside Strongroom's own settings."""
        if not self.vault:
            return self.settings
        vault = Vault(Path(self.vault), cluster.user)
        archiving = vault.archiving(system_identifier(cluster), self.archive_timeout_seconds)
        return {**self.settings, **archiving}


class PrimaryOutputs(Properties):
    """What others need to reach it. None of it is a secret: keys are given as paths."""

    host: str = Field(description="The address to connect to.")
    ca_certificate: str = Field(description="Path of the certificate all others are signed by.")
    provisioner: str = Field(description="The role Pulumi signs in as.")
    provisioner_certificate: str = Field(description="Path of the provisioner's certificate.")
    provisioner_key: str = Field(description="Path of the provisioner's private key.")
    system_user: str = Field(description="The system user the server runs as.")
    drift: list[str] = Field(description="What is not as declared; empty when all is well.")


class Primary(Resource[PrimaryInputs]):
    """A PostgreSQL server on this machine that holds the application's database.

    It has checksums, TLS from the stack's own authority, JSON logs and no way in for root over
    the network. The database belongs to root, so no role a person or Pulumi signs in as can
    drop it.
    """

    token = "strongroom:local:Primary"  # noqa: S105 - a type token
    Inputs = PrimaryInputs
    Outputs = PrimaryOutputs
    reads_first = True

    def check(
        self, context: Context, inputs: PrimaryInputs, old: Mapping[str, Any]
    ) -> PrimaryInputs:
        checked = check_server(inputs, old)
        return checked.model_copy(update={"bootstrap": digest()})

    def plan(self, context: Context, inputs: PrimaryInputs) -> dict[str, Any]:
        return _outputs(inputs, drift=[])

    def diff(self, context: Context, state: Mapping[str, Any], inputs: PrimaryInputs) -> Diff:
        diff = super().diff(context, state, inputs)
        if diff.replaces and state.get("deletionProtection", True):
            changes = "; ".join(
                f"{name} from {state.get(name)!r} to {inputs.dump().get(name)!r}"
                for name in diff.replaces
            )
            raise StrongroomError(
                f"{context.name} would have to be replaced ({changes}), and deletion protection "
                "is on, so this preview stops here and nothing is changed: a replacement starts "
                "with an empty database. Undo the change; or set deletionProtection to false, "
                "run `pulumi up`, and then replace it: a final snapshot is kept either way."
            )
        explain_restart(context, "the primary", state, inputs)
        return drift_of(diff, state)

    def create(self, context: Context, inputs: PrimaryInputs) -> Found:
        cluster = cluster_of(inputs)
        with cluster.locked():
            self._converge(context, cluster, inputs, may_make=True)
        return Found(inputs.directory, _outputs(inputs, drift=[]))

    def update(
        self, context: Context, id: str, state: Mapping[str, Any], inputs: PrimaryInputs
    ) -> Found:
        cluster = cluster_of(inputs)
        with cluster.locked():
            self._converge(context, cluster, inputs, may_make=False)
        return Found(id, _outputs(inputs, drift=[]))

    def read(self, context: Context, id: str, state: Mapping[str, Any]) -> Found | None:
        inputs = PrimaryInputs.within(state)
        cluster = cluster_of(inputs)
        return Found(id, _outputs(inputs, drift=_drift(cluster, inputs)))

    def delete(self, context: Context, id: str, state: Mapping[str, Any]) -> None:
        if state.get("deletionProtection", True):
            raise StrongroomError(
                f"{context.name} is not deleted: deletion protection is on, and it holds the "
                f"database {state.get('database')}. If it must go, set deletionProtection to "
                "false, run `pulumi up`, and destroy again: a final snapshot is kept."
            )
        directory = Path(id)
        if not directory.exists():
            return
        cluster = cluster_of(PrimaryInputs.within(state))
        with cluster.locked():
            cluster.stop()
            kept = StackFolder.of(directory).set_aside(cluster)
        context.say(f"final snapshot kept in {kept}", keep=True)

    def _converge(
        self, context: Context, cluster: Cluster, inputs: PrimaryInputs, may_make: bool
    ) -> None:
        cluster.prepare_folders()
        root = LocalRoot(cluster)
        _certificates(cluster)
        if not cluster.exists():
            if not may_make or cluster.facts.exists() or cluster.data.exists():
                raise _vanished(context, cluster)
            context.say("making the cluster (initdb with checksums)")
            _initialise(root)
        _first_password(root).unlink(missing_ok=True)  # if a run was killed in initdb
        cluster.remember()
        # Data put back from a replica's copy would wait for a primary for ever.
        (cluster.data / "standby.signal").unlink(missing_ok=True)
        if inputs.vault:
            vault = Vault(Path(inputs.vault), cluster.user)
            vault.prepare()
            vault.user.folder(vault.wal(system_identifier(cluster)))
        context.say("starting the server")
        settle(context, cluster, inputs.all_settings(cluster), root)
        if root.locked_out():
            context.say("root's password was lost: sealing a new one", keep=True)
            root.repair()
        context.say("ownership, provisioner, PUBLIC and guards")
        bootstrap(root, inputs.foundation())
        left = audit(root, inputs.foundation())
        if left:
            raise StrongroomError(
                f"{context.name} runs, but after the bootstrap: {'; '.join(left)}. "
                "Somebody with root's rights works against it; find out who (the server's log "
                f"is in {cluster.log}) and run `pulumi up` again."
            )


def _outputs(inputs: PrimaryInputs, drift: list[str]) -> dict[str, Any]:
    stack = StackFolder.of(Path(inputs.directory))
    outputs = PrimaryOutputs(
        host=LOOPBACK,
        ca_certificate=str(stack.authority.certificate),
        provisioner=PROVISIONER,
        provisioner_certificate=str(stack.provisioner.certificate),
        provisioner_key=str(stack.provisioner.key),
        system_user=SystemUser.for_clusters().name,
        drift=drift,
    )
    return {**inputs.dump(), **outputs.dump()}


def _initialise(root: LocalRoot) -> None:
    """initdb, with the first password coming from a file that never leaves the sealed folder."""
    password = root.sealed.begin()
    root.sealed.user.write(_first_password(root), password.value)
    try:
        root.cluster.initialise(ROOT, _first_password(root))
    finally:
        _first_password(root).unlink(missing_ok=True)
    root.sealed.finish()


def _first_password(root: LocalRoot) -> Path:
    return root.sealed.folder / "initdb"


def _certificates(cluster: Cluster) -> None:
    stack = StackFolder.of(cluster.directory)
    me = SystemUser.current()
    stack.authority.create(me, stack.path.name)
    renew_server_certificate(cluster, stack.authority)
    if stack.authority.must_renew(stack.provisioner):
        me.folder(stack.provisioner.key.parent)
        stack.authority.issue_client(stack.provisioner, me, PROVISIONER, MACHINE_LIFETIME)


def _drift(cluster: Cluster, inputs: PrimaryInputs) -> list[str]:
    if not cluster.exists():
        return server_drift(cluster, {})
    drift = server_drift(cluster, inputs.all_settings(cluster))
    stack = StackFolder.of(cluster.directory)
    if stack.authority.must_renew(stack.provisioner):
        drift.append("the provisioner's certificate has to be renewed")
    if not cluster.running():
        return drift
    root = LocalRoot(cluster)
    if root.locked_out():
        return [*drift, "root's sealed password does not work"]
    return drift + audit(root, inputs.foundation())


def _vanished(context: Context, cluster: Cluster) -> StrongroomError:
    snapshots = StackFolder.of(cluster.directory).final_snapshots
    kept = sorted(snapshots.glob(f"{cluster.directory.name}-*"))
    newest = f" The newest final snapshot is {kept[-1]}." if kept else ""
    return StrongroomError(
        f"The data directory of {context.name}, {cluster.data}, is gone or incomplete, and making "
        "an empty one in its place would hide the loss, so nothing was done. Put it back from a "
        f"copy (the replica has one) and run `pulumi up` again.{newest} To start anew with an "
        "empty database instead, first run `pulumi state delete --target-dependents --force "
        f"'{context.urn}'` and move {cluster.directory} away."
    )
