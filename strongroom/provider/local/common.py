"""What primary and replica share: the server they run on and how it is put right."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from pydantic import Field

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster import package
from strongroom.cluster.certificates import Authority
from strongroom.cluster.cluster import Cluster, refuse_long_socket
from strongroom.cluster.configuration import LOOPBACK, refused, restarts
from strongroom.cluster.package import ServerPackage
from strongroom.cluster.port import free_port
from strongroom.cluster.stack import StackFolder
from strongroom.cluster.system_user import SystemUser
from strongroom.errors import StrongroomError
from strongroom.home import default_root
from strongroom.provider.resource import Context, Diff, Properties, Refusal, replacing


class ServerInputs(Properties):
    """What every cluster on this machine is declared with."""

    directory: str = replacing(description="Absolute path of the cluster's own folder.")
    port: int = Field(
        default=0,
        description="TCP port on the loopback address; 0 chooses a free one and remembers it.",
    )
    settings: dict[str, str] = Field(
        default={}, description="Settings for postgresql.conf beside Strongroom's own."
    )
    server_binaries: str = Field(
        default="", description="PostgreSQL's bin folder; empty for the packaged server."
    )
    server_version: str = Field(
        default="", description="The server's version, filled in: a minor upgrade is an update."
    )


S = TypeVar("S", bound=ServerInputs)


def kept_servers() -> Path:
    """Where copies of the packaged server lie, shared by all stacks of this user."""
    return default_root() / "server"


def server_package(inputs: ServerInputs) -> ServerPackage:
    """The PostgreSQL that a cluster with these inputs runs on."""
    return package.at_hand(kept_servers(), inputs.server_binaries)


def cluster_of(inputs: ServerInputs) -> Cluster:
    """The cluster these inputs speak of, whether it exists or not."""
    server = server_package(inputs)
    return Cluster(Path(inputs.directory), inputs.port, server, SystemUser.for_clusters())


def check_server(inputs: S, old: Mapping[str, Any]) -> S:
    """Judge the server's properties together and choose a port where none is named."""
    failures: list[tuple[str, str]] = []
    directory = Path(inputs.directory)
    too_long = refuse_long_socket(directory)
    if not directory.is_absolute():
        reason = f"{inputs.directory!r} is not an absolute path, so it would depend on who runs it"
        failures.append(("directory", f"{reason}. Give the whole path"))
    elif too_long:
        failures.append(("directory", too_long))
    else:
        try:
            SystemUser.for_clusters().refuse_unreachable(directory.parent)
        except StrongroomError as error:
            failures.append(("directory", str(error)))
    if inputs.port != 0 and not 1024 <= inputs.port <= 65535:
        reason = f"{inputs.port} is not a port an ordinary user may listen on (1024 to 65535)"
        failures.append(("port", f"{reason}, so the server would not start. Choose one, or 0"))
    try:
        server = server_package(inputs)
    except StrongroomError as error:
        raise Refusal(*failures, ("serverBinaries", str(error))) from error
    unwanted = refused(inputs.settings, server)
    if unwanted:
        failures.append(("settings", unwanted))
    before = str(old.get("serverVersion", server.version))
    if before.split(".", maxsplit=1)[0] != str(server.major):
        message = (
            f"the cluster was made by PostgreSQL {before} and {server.version} cannot read its "
            "data, so nothing is started. Keep the old server (serverBinaries) or move the data "
            "with pg_upgrade first"
        )
        failures.append(("serverBinaries", message))
    if failures:
        raise Refusal(*failures)
    port = inputs.port or int(old.get("port", 0)) or free_port(inputs.directory.encode())
    return inputs.model_copy(update={"port": port, "server_version": server.version})


def explain_restart(
    context: Context, what: str, state: Mapping[str, Any], inputs: ServerInputs
) -> None:
    """Say in the preview when a change takes a restart: sessions end for a moment."""
    before, after = state.get("settings", {}), inputs.settings
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    causes = sorted(restarts(changed, server_package(inputs)))
    others = ("port", "serverBinaries", "serverVersion")
    causes += [name for name in others if state.get(name) != inputs.dump()[name]]
    if causes:
        context.say(f"{', '.join(causes)}: restarts {what}, open sessions end", keep=True)


def drift_of(diff: Diff, state: Mapping[str, Any]) -> Diff:
    """Add what `read` found not to be as declared: it is put right like any other change."""
    drifted = ("drift",) if state.get("drift") else ()
    return Diff((*diff.updates, *drifted), diff.replaces)


def settle(
    context: Context, cluster: Cluster, settings: Mapping[str, str], root: LocalRoot
) -> None:
    """Make the server run with exactly the declared configuration, restarting only if it must.

    Args:
        context: where to say what is done.
        cluster: the cluster; its data exists.
        settings: what postgresql.conf holds beside Strongroom's own settings.
        root: its root, who can see whether a reload was enough.
    """
    process = cluster.process()
    moves = process is not None and not _on_port(cluster)
    if moves:
        cluster.refuse_taken_port()  # before anything is stopped for it
    cluster.configure(settings)
    if process is not None:
        stays = not moves and Path(process.exe()).parent == cluster.package.bin.resolve()
        if stays:
            # Even if no file changed: a certificate may have, or a killed run got no further.
            cluster.reload()
        if not stays or _pending_restart(root):
            context.say("restarting the server: the change takes effect only then")
            cluster.stop()
    cluster.start()


def _pending_restart(root: LocalRoot) -> bool:
    """Whether the running server has read settings that only a restart makes effective."""
    try:
        with root.connect() as connection:
            query = "SELECT count(*) FROM pg_settings WHERE pending_restart"
            row = connection.execute(query).fetchone()
    except (StrongroomError, psycopg.Error):
        return True
    return bool(row and row[0])


def _on_port(cluster: Cluster) -> bool:
    """Whether the running server listens on the declared port."""
    lines = (cluster.data / "postmaster.pid").read_text().splitlines()
    return len(lines) > 3 and lines[3].strip() == str(cluster.port)


def renew_server_certificate(cluster: Cluster, authority: Authority) -> None:
    """Give a cluster what it trusts and what it proves itself with."""
    trusted = authority.certificate.read_bytes()
    cluster.user.write(cluster.directory / "tls" / "ca.crt", trusted, 0o644)
    if authority.must_renew(cluster.server_pair):
        authority.issue_server(cluster.server_pair, cluster.user, [LOOPBACK, "localhost"])


def server_drift(cluster: Cluster, settings: Mapping[str, str]) -> list[str]:
    """What is not as declared about the files and the process of a cluster."""
    if not cluster.exists():
        return [f"the data directory {cluster.data} is gone"]
    drift = [f"{name} is not as declared" for name in cluster.misconfigured(settings)]
    if not cluster.remembered():
        drift.append("cluster.json is missing or not as declared")
    if StackFolder.of(cluster.directory).authority.must_renew(cluster.server_pair):
        drift.append("the server's certificate has to be renewed")
    if not cluster.running():
        drift.append("the server is stopped")
    return drift
