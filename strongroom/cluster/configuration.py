"""What Strongroom writes into a cluster's configuration files, and what it lets others set."""

import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from strongroom.cluster.package import ServerPackage
from strongroom.cluster.system_user import SystemUser
from strongroom.reading import server_settings

LOOPBACK = "127.0.0.1"

#: Settings every cluster of ours runs with, whatever the stack says. Changing one of them would
#: open the server, blind the watch or spoil recovery, so a stack that names one is refused.
FIXED: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_permissions": "0700",
    "ssl": "on",
    "ssl_min_protocol_version": "TLSv1.3",
    "password_encryption": "scram-sha-256",
    # Settings come from the stack, where they are reviewed; ALTER SYSTEM would go round that.
    "allow_alter_system": "off",
    "wal_level": "replica",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    # A stopped replica must not fill the primary's disk with the WAL its slot holds back.
    "max_slot_wal_keep_size": "4GB",
    "summarize_wal": "on",
    "hot_standby": "on",
    "log_destination": "jsonlog",
    "logging_collector": "on",
    "log_filename": "postgresql-%Y-%m-%d.log",
    "log_file_mode": "0600",
    "log_rotation_age": "1d",
    "log_timezone": "UTC",
    "log_connections": "on",
    "log_disconnections": "on",
    "log_statement": "mod",
    # Who did it is in the statement; the values sent with it are the application's data.
    "log_parameter_max_length": "0",
    "event_triggers": "on",
    "fsync": "on",
    "full_page_writes": "on",
}

# Nobody signs in as root over TCP, and nobody without a certificate of the stack's authority
# whose common name is the role's (the method "cert" checks it).
HBA = """\
# Written by Strongroom at every `pulumi up`; what is changed here by hand is put back.
local   all          root          scram-sha-256
local   all          all           reject
host    all          root          0.0.0.0/0     reject
host    all          root          ::/0          reject
host    replication  root          0.0.0.0/0     reject
hostssl replication  replicator    127.0.0.1/32  cert
hostssl all          all           127.0.0.1/32  cert
host    all          all           all           reject
host    replication  all           all           reject
"""


def render(settings: Mapping[str, str]) -> str:
    """The text of a postgresql.conf."""
    lines = [f"{name} = '{_quoted(value)}'" for name, value in sorted(settings.items())]
    head = "# Written by Strongroom at every `pulumi up`; what is changed here by hand is put back."
    return "\n".join([head, *lines, ""])


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


@lru_cache(maxsize=4)
def contexts(package: ServerPackage) -> Mapping[str, str]:
    """For each setting the server knows, what a change of it takes, such as ``postmaster``.

    ``postmaster`` is a restart, ``sighup`` and below a reload (pg_settings.context).
    """
    answer = SystemUser.for_clusters().run(package.tool("postgres"), "--describe-config")
    rows = (line.split("\t") for line in answer.stdout.splitlines())
    # Names are told apart without regard to case, and written in lower case in a stack.
    return {row[0].lower(): row[1] for row in rows if len(row) > 1}


def refused(settings: Mapping[str, str], package: ServerPackage) -> str | None:
    """Why the server would not take `settings`, in its own words; None when it would."""
    for name in sorted(settings):
        if why := server_settings.refused(name):
            return f"{name} {why}"
        if name not in contexts(package) and "." not in name:
            return f"PostgreSQL {package.version} has no setting {name!r}. Correct the name"
    if not settings:
        return None
    user = SystemUser.for_clusters()
    with tempfile.TemporaryDirectory(prefix="strongroom-check-") as folder:
        user.own(Path(folder))
        user.write(Path(folder) / "postgresql.conf", render(settings))
        done = user.run(package.tool("postgres"), "-D", folder, "-C", "port", check=False)
    if done.returncode == 0:
        return None
    said = [line.split("LOG:  ", 1)[1] for line in done.stderr.splitlines() if "LOG:  " in line]
    reasons = [line for line in said if "missing configuration file" not in line]
    said_at_all = "; ".join(reasons) or " ".join(done.stderr.split())
    return f"PostgreSQL {package.version} refuses it ({done.returncode}): {said_at_all}"


def restarts(changed: set[str], package: ServerPackage) -> set[str]:
    """Those of the `changed` settings that take a restart of the server."""
    return {name for name in changed if contexts(package).get(name) == "postmaster"}
