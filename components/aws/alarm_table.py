"""Alarms on what AWS measures, as values: what is alarming, what silence means, what to do."""

import math

from components.aws.alarms import HOUR, Alarm, Beyond, Measure, Silence
from components.aws.instance_class import is_burstable, memory_gib, most_connections
from components.aws.parameters import kept_for_a_replica
from strongroom.aws_names import Names

_MIB, _GIB = 2**20, 2**30
_SEVEN_DAYS_OF_HOURS = 168

#: How far a replica may be behind what it should be.
_LAG_SECONDS = 600


def instance_alarms(
    where: str, identifier: str, instance_class: str, storage_gb: int
) -> tuple[Alarm, ...]:
    """What any instance can run out of.

    Args:
        where: which one it is: ``primary``, ``replica`` or ``delayed``.
        identifier: the instance's.
        instance_class: such as ``db.m7g.large``.
        storage_gb: storage it begins with, GiB.
    """
    memory = memory_gib(instance_class) * _GIB

    def measure(metric: str, statistic: str) -> Measure:
        return _of_instance(identifier, metric, statistic)

    credits_ = Alarm(
        f"{where}-credits",
        f"The {where} has used up its CPU credits: it is slow, or costs extra from now on. Look "
        "for the statement in Performance Insights, or give it a class that does not burst.",
        measure("CPUCreditBalance", "Minimum"),
        10,
        Beyond.BELOW,
        Silence.UNKNOWN,
        300,
        3,
    )
    return (
        Alarm(
            f"{where}-storage",
            f"Less than a tenth of the {where}'s first storage is free, so storage did not grow as "
            "it should: a full disk stops the database. Look at WAL kept for a replica "
            "(TransactionLogsDiskUsage), then raise storageMaxGb and run `up`.",
            measure("FreeStorageSpace", "Minimum"),
            max(storage_gb / 10, 2) * _GIB,
            Beyond.BELOW,
            Silence.UNKNOWN,
            300,
            2,
        ),
        Alarm(
            f"{where}-memory",
            f"Less than a twentieth of the {where}'s memory is free: PostgreSQL's processes may be "
            "killed. Look for many or large sessions in Performance Insights, or take a larger "
            "class.",
            measure("FreeableMemory", "Minimum"),
            memory / 20,
            Beyond.BELOW,
            Silence.UNKNOWN,
            300,
            3,
        ),
        Alarm(
            f"{where}-swap",
            f"The {where} swaps, so statements are slow: memory does not suffice. Look for large "
            "sessions in Performance Insights, or take a larger class.",
            measure("SwapUsage", "Maximum"),
            max(memory / 16, _GIB / 4),
            Beyond.ABOVE,
            Silence.UNKNOWN,
            300,
            3,
        ),
        Alarm(
            f"{where}-cpu",
            f"The {where}'s CPU is busy for a quarter of an hour. Look for the statement in "
            "Performance Insights.",
            measure("CPUUtilization", "Average"),
            90,
            Beyond.ABOVE,
            Silence.UNKNOWN,
            300,
            3,
        ),
        Alarm(
            f"{where}-connections",
            f"Four fifths of the {where}'s connections are taken: soon nobody signs in, you "
            "included. See who holds them in pg_stat_activity.",
            measure("DatabaseConnections", "Maximum"),
            most_connections(instance_class) * 4 // 5,
            Beyond.ABOVE,
            Silence.UNKNOWN,
            300,
            2,
        ),
        *([credits_] if is_burstable(instance_class) else []),
    )


def primary_alarms(identifier: str, storage_gb: int) -> tuple[Alarm, ...]:
    """What only an instance that is written to, and has replicas, can run out of.

    Args:
        identifier: the instance's.
        storage_gb: storage it begins with, GiB.
    """
    kept = kept_for_a_replica(storage_gb)
    return (
        Alarm(
            "primary-slot",
            f"A replica has yet to fetch half of the {kept} MiB of WAL that the primary keeps for "
            "one (max_slot_wal_keep_size): beyond that its slot is lost, and it can only catch up "
            "from RDS's archive, or not at all. A delay is no reason, it holds back what was "
            "fetched. See which in pg_replication_slots, then that replica's events and log.",
            # Of all slots the farthest behind in WAL received, bytes (RDS user guide, "Amazon
            # CloudWatch metrics for Amazon RDS"); each replica in the region has one.
            _of_instance(identifier, "OldestReplicationSlotLag", "Maximum"),
            kept / 2 * _MIB,
            Beyond.ABOVE,
            Silence.UNKNOWN,
            300,
            2,
        ),
        Alarm(
            "primary-wal",
            "WAL takes more than a fifth of the primary's first storage, most likely kept for a "
            "replica that does not fetch it: the disk fills. See pg_replication_slots, and the "
            "replica's own events; a replica that is past help is deleted, with its slot.",
            _of_instance(identifier, "TransactionLogsDiskUsage", "Maximum"),
            storage_gb / 5 * _GIB,
            Beyond.ABOVE,
            Silence.UNKNOWN,
            300,
            3,
        ),
        Alarm(
            "primary-wraparound",
            "A table was not vacuumed for 1,000,000,000 transactions; at twice that the database "
            "stops taking any. Look for old transactions and prepared ones, and for autovacuum in "
            "pg_stat_progress_vacuum.",
            _of_instance(identifier, "MaximumUsedTransactionIDs", "Maximum"),
            1_000_000_000,
            Beyond.ABOVE,
            Silence.UNKNOWN,
            HOUR,
        ),
    )


def replica_alarms(where: str, identifier: str, delay_seconds: int) -> tuple[Alarm, ...]:
    """A replica that is not as far behind as it should be.

    Args:
        where: ``replica`` or ``delayed``.
        identifier: the instance's.
        delay_seconds: how far it is behind on purpose.
    """
    lag = _of_instance(identifier, "ReplicaLag", "Maximum")
    behind = Alarm(
        f"{where}-lag",
        f"The {where} is {_LAG_SECONDS // 60} minutes further behind than it should be, does not "
        "replicate, or is gone. See its events in RDS; WAL piles up on the primary meanwhile.",
        lag,
        delay_seconds + _LAG_SECONDS,
        Beyond.ABOVE,
        Silence.ALARMING,
        periods=5,
        worst_below=0,
    )
    if not delay_seconds:
        return (behind,)
    hours = math.ceil(delay_seconds / 2 / HOUR) + 1
    near = Alarm(
        f"{where}-not-delayed",
        "The delayed replica is less than half its delay behind, so it would lose what the primary "
        "loses. Its parameter group is not in force before a reboot: see PendingReboot in RDS.",
        lag,
        delay_seconds / 2,
        Beyond.BELOW,
        Silence.UNKNOWN,
        HOUR,
        hours,
    )
    return (behind, near)


def backup_alarms(names: Names, every_hours: int) -> tuple[Alarm, ...]:
    """A backup that is overdue: what failed is told by an event, what never began by this.

    Args:
        names: of the stack.
        every_hours: hours between two backups.
    """
    vault = (("BackupVaultName", names.vault),)
    return (
        Alarm(
            "backup-overdue",
            "No backup was finished in time. See the jobs of the vault in AWS Backup; until there "
            "is one, RDS's own backups and the delayed replica are what you have. It is alarming "
            "as well before the first backup of a new stack.",
            Measure("AWS/Backup", "NumberOfBackupJobsCompleted", "Sum", vault),
            1,
            Beyond.BELOW,
            Silence.ALARMING,
            HOUR,
            min(every_hours + 3, _SEVEN_DAYS_OF_HOURS),
        ),
    )


def topic_alarms(names: Names) -> tuple[Alarm, ...]:
    """The watch's own voice."""
    return (
        Alarm(
            "topic-failing",
            "A message of the watch did not reach somebody it should have reached, so this one may "
            "not either. See who has confirmed their subscription to the topic.",
            Measure("AWS/SNS", "NumberOfNotificationsFailed", "Sum", (("TopicName", names.topic),)),
            0,
            Beyond.ABOVE,
            Silence.FINE,
            300,
        ),
    )


def _of_instance(identifier: str, metric: str, statistic: str) -> Measure:
    return Measure("AWS/RDS", metric, statistic, (("DBInstanceIdentifier", identifier),))
