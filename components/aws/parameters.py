"""PostgreSQL's settings as RDS takes them: what the watch, sign-in and recovery rely on."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

#: What is loaded: who did what, which statements cost, and the heartbeat's clock.
_LIBRARIES = "pg_stat_statements,pgaudit,pg_cron"

#: PostgreSQL's settings that take a restart (context postmaster in pg_settings of 17 and 18) and
#: may be set on RDS, with those of extensions; RDS refuses to change one of them at once.
STATIC = frozenset(
    {
        *("autovacuum_freeze_max_age", "autovacuum_max_workers"),
        *("autovacuum_multixact_freeze_max_age", "huge_pages", "max_connections"),
        *("max_files_per_process", "max_locks_per_transaction", "max_logical_replication_workers"),
        *("max_pred_locks_per_transaction", "max_prepared_transactions", "max_worker_processes"),
        *("multixact_member_buffers", "multixact_offset_buffers", "notify_buffers"),
        *("serializable_buffers", "shared_buffers", "subtransaction_buffers"),
        *("superuser_reserved_connections", "track_activity_query_size", "track_commit_timestamp"),
        *("transaction_buffers", "wal_buffers", "wal_decode_buffer_size"),
        *("shared_preload_libraries", "cron.database_name", "cron.log_run", "cron.log_statement"),
        *("cron.max_running_jobs", "pg_stat_statements.max"),
    }
)

#: Of what `strongroom.cluster.configuration.FIXED` says for servers of our own, what RDS lets an
#: account set. It keeps the rest itself (fsync, full_page_writes, event_triggers, hot_standby),
#: lets nobody use ALTER SYSTEM, and sends the log to CloudWatch in its own form.
FIXED: Mapping[str, str] = {
    "rds.force_ssl": "1",
    "ssl_min_protocol_version": "TLSv1.3",
    "password_encryption": "scram-sha-256",
    "rds.accepted_password_auth_method": "scram",
    "shared_preload_libraries": _LIBRARIES,
    "log_connections": "1",
    "log_disconnections": "1",
    "log_statement": "mod",
    # Who did it is in the statement; the values sent with it are the application's data.
    "log_parameter_max_length": "0",
    # What log_statement does not see: statements inside functions and DO.
    "pgaudit.log": "ddl,role",
    # A heartbeat every second is no news, and nobody would clear a table of them.
    "cron.log_run": "0",
    "cron.log_statement": "0",
}


def parameters(database: str, storage_gb: int, server: Mapping[str, str]) -> dict[str, str]:
    """The settings of every instance of a stack.

    Args:
        database: where the heartbeat is.
        storage_gb: storage it begins with, GiB.
        server: the stack's own settings, which cannot be ours.

    Returns:
        Values as RDS takes them, by name.
    """
    # A replica that does not come back must not fill the disk with the WAL kept for it; one that
    # is delayed needs some. The alarms on kept WAL come before.
    kept = {"max_slot_wal_keep_size": str(kept_for_a_replica(storage_gb))}
    return {**server, **FIXED, **kept, "cron.database_name": database}


def kept_for_a_replica(storage_gb: int) -> int:
    """How much WAL the primary keeps for a replica that does not fetch it, MiB.

    Args:
        storage_gb: storage it begins with, GiB.
    """
    return storage_gb * 1024 // 4


def declare_parameters(
    name: str,
    family: str,
    values: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> aws.rds.ParameterGroup:
    """Declare a group of parameters.

    Its name is the engine's, so that for a new major version the new one is there before the old
    one goes.

    Args:
        name: the resource's name.
        family: such as ``postgres17``.
        values: by name.
        opts: whose child it is.
    """
    return aws.rds.ParameterGroup(
        name,
        family=family,
        description="What the watch, sign-in and recovery rely on",
        parameters=[
            aws.rds.ParameterGroupParameterArgs(
                name=each,
                value=value,
                apply_method="pending-reboot" if each in STATIC else "immediate",
            )
            for each, value in sorted(values.items())
        ],
        opts=opts,
    )


def family_of(version: str) -> str:
    """The family of parameters of a version of PostgreSQL."""
    return f"postgres{version.split('.', maxsplit=1)[0]}"
