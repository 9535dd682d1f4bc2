"""strongroom:local:Replica."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from pydantic import Field
from tenacity import retry, retry_if_exception_message, stop_after_delay, wait_fixed

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.certificates import MACHINE_LIFETIME, KeyPair
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.configuration import LOOPBACK
from strongroom.cluster.control import control
from strongroom.cluster.stack import StackFolder, sign_in
from strongroom.cluster.system_user import SystemUser
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
from strongroom.provider.local.slots import (
    PATIENCE_SECONDS,
    drop_slot,
    make_slot,
    slot_active,
    slot_lost,
    streams,
)
from strongroom.provider.resource import Context, Diff, Found, Properties, Resource, replacing
from strongroom.tiers import REPLICATOR


class ReplicaInputs(ServerInputs):
    """What a replica is declared with."""

    primary: str = replacing(description="The folder of the primary it follows.")
    delay_seconds: int = Field(
        default=0,
        ge=0,
        le=86400,
        description="Seconds a commit is held back before it is applied (0 to 86400).",
    )


class ReplicaOutputs(Properties):
    """What others need to reach it."""

    host: str = Field(description="The address to connect to.")
    slot: str = Field(description="The replication slot that keeps WAL for it on the primary.")
    system_user: str = Field(description="The system user the server runs as.")
    drift: list[str] = Field(description="What is not as declared; empty when all is well.")


class Replica(Resource[ReplicaInputs]):
    """A streaming standby of a primary on this machine, with a slot and TLS of its own.

    With a delay it holds back commits only: it keeps what was dropped by mistake for that long
    while the primary goes on committing.
    """

    token = "strongroom:local:Replica"  # noqa: S105 - a type token
    Inputs = ReplicaInputs
    Outputs = ReplicaOutputs
    reads_first = True

    def check(
        self, context: Context, inputs: ReplicaInputs, old: Mapping[str, Any]
    ) -> ReplicaInputs:
        return check_server(inputs, old)

    def plan(self, context: Context, inputs: ReplicaInputs) -> dict[str, Any]:
        return _outputs(inputs, drift=[])

    def diff(self, context: Context, state: Mapping[str, Any], inputs: ReplicaInputs) -> Diff:
        explain_restart(context, "the replica", state, inputs)
        return drift_of(super().diff(context, state, inputs), state)

    def create(self, context: Context, inputs: ReplicaInputs) -> Found:
        self._converge(context, inputs)
        return Found(inputs.directory, _outputs(inputs, drift=[]))

    def update(
        self, context: Context, id: str, state: Mapping[str, Any], inputs: ReplicaInputs
    ) -> Found:
        self._converge(context, inputs)
        return Found(id, _outputs(inputs, drift=[]))

    def read(self, context: Context, id: str, state: Mapping[str, Any]) -> Found | None:
        inputs = ReplicaInputs.within(state)
        return Found(id, _outputs(inputs, drift=_drift(inputs)))

    def delete(self, context: Context, id: str, state: Mapping[str, Any]) -> None:
        cluster = cluster_of(ReplicaInputs.within(state))
        with cluster.locked():
            cluster.stop()
            if not cluster.directory.exists():
                pass  # a run that was killed, or could not drop the slot, got as far as this
            elif state.get("delaySeconds"):
                # It holds what no other copy does any more.
                kept = StackFolder.of(cluster.directory).set_aside(cluster)
                context.say(f"final snapshot kept in {kept}", keep=True)
            else:
                shutil.rmtree(cluster.directory)
            drop_slot(Path(state["primary"]), str(state["slot"]))

    def _converge(self, context: Context, inputs: ReplicaInputs) -> None:
        cluster = cluster_of(inputs)
        primary = Cluster.at(Path(inputs.primary))
        with cluster.locked():
            cluster.prepare_folders()
            _certificates(cluster)
            with primary.locked():
                make_slot(primary, _slot(cluster))
            if cluster.exists() and not _same_system(cluster, primary):
                _retire(context, cluster, "it is a copy of another primary, or was promoted")
            if cluster.exists() and self._follows(context, cluster, primary, inputs):
                return
            if cluster.exists():
                _retire(context, cluster, "it cannot follow the primary any more")
            context.say("copying the primary (pg_basebackup)")
            _copy(cluster, primary)
            if not self._follows(context, cluster, primary, inputs):
                raise StrongroomError(
                    f"{context.name} was copied from the primary and started, but does not stream "
                    f"from it after {PATIENCE_SECONDS} s. The reason is in its log, "
                    f"{cluster.log}; mend it and run `pulumi up` again."
                )

    def _follows(
        self, context: Context, cluster: Cluster, primary: Cluster, inputs: ReplicaInputs
    ) -> bool:
        cluster.remember()
        context.say("starting the replica")
        cluster.user.write(cluster.data / "standby.signal", "")
        settings = _settings(cluster, primary, inputs)
        settle(context, cluster, settings, LocalRoot(cluster, primary))
        return streams(primary, _slot(cluster)) or _works_off(cluster, primary, inputs)


def _outputs(inputs: ReplicaInputs, drift: list[str]) -> dict[str, Any]:
    outputs = ReplicaOutputs(
        host=LOOPBACK,
        slot=_slot_name(Path(inputs.directory)),
        system_user=SystemUser.for_clusters().name,
        drift=drift,
    )
    return {**inputs.dump(), **outputs.dump()}


def _slot_name(directory: Path) -> str:
    return directory.name.replace("-", "_").lower()


def _slot(cluster: Cluster) -> str:
    return _slot_name(cluster.directory)


def _replicator_pair(cluster: Cluster) -> KeyPair:
    tls = cluster.directory / "tls"
    return KeyPair(tls / "replicator.crt", tls / "replicator.key")


def _certificates(cluster: Cluster) -> None:
    authority = StackFolder.of(cluster.directory).authority
    renew_server_certificate(cluster, authority)
    pair = _replicator_pair(cluster)
    if authority.must_renew(pair):
        authority.issue_client(pair, cluster.user, REPLICATOR, MACHINE_LIFETIME)


def _conninfo(cluster: Cluster, primary: Cluster) -> str:
    trusted = cluster.directory / "tls" / "ca.crt"
    parameters = sign_in(primary, REPLICATOR, _replicator_pair(cluster), trusted)
    return make_conninfo(**parameters, application_name=cluster.directory.name)


def _settings(cluster: Cluster, primary: Cluster, inputs: ReplicaInputs) -> dict[str, str]:
    following = {
        "primary_conninfo": _conninfo(cluster, primary),
        "primary_slot_name": _slot(cluster),
        "recovery_min_apply_delay": f"{inputs.delay_seconds}s",
    }
    return {**inputs.settings, **following}


def _same_system(cluster: Cluster, primary: Cluster) -> bool:
    mine, its = control(cluster), control(primary)
    same = mine["Database system identifier"] == its["Database system identifier"]
    promoted = mine["Database cluster state"] in ("in production", "shut down")
    return same and not promoted


def _retire(context: Context, cluster: Cluster, why: str) -> None:
    """Take data out of service that may be the last copy of something, and keep it."""
    cluster.stop()
    kept = StackFolder.of(cluster.directory).set_aside(cluster)
    cluster.prepare_folders()
    _certificates(cluster)
    context.say(f"the replica is made anew, because {why}; the old one is in {kept}", keep=True)


# The primary needs a moment to notice that the pg_basebackup of a killed run is gone.
@retry(
    retry=retry_if_exception_message(match=r".*is active for PID"),
    stop=stop_after_delay(PATIENCE_SECONDS),
    wait=wait_fixed(0.5),
    reraise=True,
)
def _copy(cluster: Cluster, primary: Cluster) -> None:
    new = cluster.fresh("data")
    cluster.user.run(
        *(cluster.package.tool("pg_basebackup"), "--pgdata", new, "--wal-method=stream"),
        *("--checkpoint=fast", "--no-password", "--slot", _slot(cluster)),
        *("--dbname", _conninfo(cluster, primary)),
        timeout=6 * 3600,
    )
    cluster.user.write(new / "standby.signal", "")
    new.rename(cluster.data)


def _works_off(cluster: Cluster, primary: Cluster, inputs: ReplicaInputs) -> bool:
    """Whether a delayed replica is still busy with WAL it has at hand.

    It streams only after that, which can take as long as its delay. It may be the one that holds
    what was dropped, so nothing is wrong as long as the primary keeps the rest for it.
    """
    busy = control(cluster)["Database cluster state"] == "in archive recovery"
    return inputs.delay_seconds > 0 and busy and not slot_lost(primary, _slot(cluster))


def _drift(inputs: ReplicaInputs) -> list[str]:
    cluster = cluster_of(inputs)
    if not (Path(inputs.primary) / "cluster.json").exists():
        return ["its primary is gone"]
    primary = Cluster.at(Path(inputs.primary))
    drift = server_drift(cluster, _settings(cluster, primary, inputs))
    if StackFolder.of(cluster.directory).authority.must_renew(_replicator_pair(cluster)):
        drift.append("the replicator's certificate has to be renewed")
    if not cluster.running() or not primary.running():
        return drift
    if control(cluster)["Database cluster state"] != "in archive recovery":
        return [*drift, "it was promoted and follows nobody"]
    try:
        active = slot_active(primary, _slot(cluster))
    except (StrongroomError, psycopg.Error) as error:
        return [*drift, f"the primary cannot be asked: {' '.join(str(error).split())}"]
    if active is None:
        drift.append("its replication slot is missing on the primary")
    elif not active and not _works_off(cluster, primary, inputs):
        drift.append("it does not stream from the primary")
    return drift
