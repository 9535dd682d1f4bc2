"""Alarms of the watch on AWS: within AWS's limits, by what an instance is, each with a remedy."""

import re

import pytest

from components.aws.alarm_table import (
    backup_alarms,
    instance_alarms,
    primary_alarms,
    replica_alarms,
    topic_alarms,
)
from components.aws.alarms import HOUR, MINUTE, Alarm, Beyond, Silence
from components.aws.instance_class import memory_gib, most_connections
from components.aws.log_alarms import log_alarms, refusal_alarms
from components.aws.log_patterns import ON_A_REPLICA, on_the_primary
from components.aws.parameters import parameters
from strongroom.aws_names import Names
from strongroom.tiers import ROOT

NAMES = Names("production")
GIB = 2**30


def _all() -> list[Alarm]:
    return [
        *instance_alarms("primary", NAMES.primary, "db.t4g.medium", 100),
        *primary_alarms(NAMES.primary, 100),
        *log_alarms(NAMES),
        *topic_alarms(NAMES),
        *backup_alarms(NAMES, 24),
        *instance_alarms("replica", NAMES.replica, "db.m7g.large", 100),
        *replica_alarms("replica", NAMES.replica, 0),
        *refusal_alarms(NAMES, "replica", NAMES.replica),
        *replica_alarms("delayed", NAMES.delayed, 14_400),
    ]


def test_names_are_unique_and_cloudwatch_takes_every_alarm() -> None:
    alarms = _all()
    assert len({each.name for each in alarms}) == len(alarms)
    for alarm in alarms:
        assert len(NAMES.of(alarm.name)) <= 255
        assert alarm.period % MINUTE == 0
        # At most a day, or a week where a value is for an hour or more (PutMetricAlarm).
        assert alarm.period * alarm.periods <= (7 * 24 if alarm.period >= HOUR else 24) * HOUR


def test_every_alarm_says_in_sentences_what_it_means_and_what_to_do() -> None:
    for alarm in _all():
        assert len(alarm.means) <= 1024
        assert len(re.findall(r"[.:;] [A-Za-z`]", alarm.means)) >= 1, alarm.name
        assert alarm.means.endswith(".")


def test_silence_is_alarming_where_something_should_be_heard_all_the_time() -> None:
    silent = {each.name for each in _all() if each.silence is Silence.ALARMING}
    assert silent == {"heartbeat", "backup-overdue", "replica-lag", "delayed-lag"}


def test_what_has_happened_has_no_end() -> None:
    assert {each.name for each in _all() if not each.ends} == {
        *("destroyed", "rights", "root-signed-in", "root-statement", "stopped"),
        *("primary-sign-in", "primary-refused", "replica-sign-in", "replica-refused"),
    }


@pytest.mark.parametrize(
    ("alarms", "patterns"),
    [
        (log_alarms(NAMES), on_the_primary(ROOT)),
        (refusal_alarms(NAMES, "primary", NAMES.primary), ON_A_REPLICA),
    ],
)
def test_whatever_is_counted_in_the_log_is_looked_at(
    alarms: tuple[Alarm, ...], patterns: tuple[object, ...]
) -> None:
    counted = {each.metric for each in patterns}  # type: ignore[attr-defined]
    measures = [part for each in alarms for part in (each.measure, each.less, each.unless) if part]
    assert {each.metric for each in measures} == counted
    assert {each.namespace for each in measures} == {"Strongroom/production"}


def test_thresholds_follow_the_instance() -> None:
    def thresholds(instance_class: str, storage_gb: int) -> dict[str, float]:
        alarms = instance_alarms("primary", "x", instance_class, storage_gb)
        return {each.name.removeprefix("primary-"): each.threshold for each in alarms}

    small, large = thresholds("db.t4g.micro", 20), thresholds("db.r7g.2xlarge", 1000)
    assert small["storage"] == 2 * GIB
    assert large["storage"] == 100 * GIB
    assert small["connections"] == 89
    assert large["connections"] == 4000
    assert large["memory"] == pytest.approx(3.2 * GIB)
    assert "credits" in small
    assert "credits" not in large


@pytest.mark.parametrize("storage_gb", [20, 100, 1000])
def test_a_slot_that_falls_behind_is_told_before_it_is_lost_and_before_the_disk_fills(
    storage_gb: int,
) -> None:
    alarms = {each.name: each for each in primary_alarms(NAMES.primary, storage_gb)}
    slot, wal = alarms["primary-slot"], alarms["primary-wal"]
    assert slot.measure.metric == "OldestReplicationSlotLag"
    assert dict(slot.measure.dimensions) == {"DBInstanceIdentifier": NAMES.primary}
    kept = int(parameters("app", storage_gb, {})["max_slot_wal_keep_size"]) * 2**20
    assert slot.threshold == kept / 2
    assert slot.threshold < wal.threshold < kept
    assert slot.beyond is wal.beyond is Beyond.ABOVE


def test_memory_is_read_from_the_name_of_a_class() -> None:
    known = {
        "db.t4g.micro": 1, "db.t4g.medium": 4, "db.m7g.large": 8, "db.m6i.4xlarge": 64,
        "db.r6g.xlarge": 32, "db.r7i.16xlarge": 512, "db.x2g.large": 32,
    }  # fmt: skip
    assert {name: memory_gib(name) for name in known} == known
    # Of a family nobody knows yet, little: an alarm too early rather than too late.
    assert memory_gib("db.z9.large") == 4
    assert most_connections("db.m7g.large") == 901


def test_a_replica_is_alarming_beyond_its_delay_and_when_it_is_not_delayed() -> None:
    (plain,) = replica_alarms("replica", NAMES.replica, 0)
    assert (plain.threshold, plain.beyond) == (600, Beyond.ABOVE)
    # RDS says -1 of one that does not replicate.
    assert plain.worst_below == 0
    behind, near = replica_alarms("delayed", NAMES.delayed, 14_400)
    assert behind.threshold == 15_000
    assert (near.threshold, near.beyond) == (7_200, Beyond.BELOW)
    # A new one has its delay only after that time.
    assert near.period * near.periods > 7_200
    longest = replica_alarms("delayed", NAMES.delayed, 86_400)[1]
    assert longest.period * longest.periods <= 7 * 24 * HOUR


@pytest.mark.parametrize(("hours", "periods"), [(1, 4), (24, 27), (168, 168)])
def test_a_backup_is_overdue_a_little_after_the_next_one(hours: int, periods: int) -> None:
    (alarm,) = backup_alarms(NAMES, hours)
    assert (alarm.period, alarm.periods) == (HOUR, periods)
