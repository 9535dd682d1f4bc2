"""The rules of the watch on AWS, matched with events as CloudTrail, RDS and AWS Backup write them.

The matcher is moto's, which does what EventBridge's documentation says.
"""

import json
from typing import Any

import pytest
from moto.events.models import EventPattern

from components.aws.backup_rules import ELSEWHERE, backup_rules
from components.aws.event_table import data_rules, watch_rules
from components.aws.events import EventRule
from tests.unit.aws_events import (
    ADMIN,
    BACKUP_ROLE,
    INSTANCE,
    NAMES,
    PIPELINE,
    PLAN,
    by_service,
    by_user,
    call,
    job,
    modified,
    said,
)
from tests.unit.aws_stack import ACCOUNT, REGION


def _rules(*roles: str) -> dict[str, EventRule]:
    table = (
        *data_rules(NAMES, roles, "sg-0123456789abcdef0"),
        *watch_rules(NAMES, roles),
        *backup_rules(NAMES, roles, INSTANCE, PLAN, BACKUP_ROLE),
    )
    assert len({each.name for each in table}) == len(table)
    return {each.name: each for each in table}


def _told(event: dict[str, Any], *roles: str) -> set[str]:
    return {name for name, rule in _rules(*roles).items() if _matches(rule.pattern, event)}


def _matches(pattern: Any, event: Any) -> bool:
    return EventPattern.load(json.dumps(pattern)).matches_event(event)


@pytest.mark.parametrize(
    ("event", "names"),
    [
        (modified(deletionProtection=False), {"unprotected", "instance-changed"}),
        (modified(PIPELINE, deletionProtection=False), {"unprotected"}),
        (modified(deletionProtection=True), {"instance-changed"}),
        (modified(publiclyAccessible=True), {"instance-changed"}),
        (modified(identifier=NAMES.delayed.upper()), {"instance-changed"}),
        (modified(identifier="something-else", deletionProtection=False), set()),
        (modified(PIPELINE, backupRetentionPeriod=14), set()),
        (
            call("rds", "DeleteDBInstance", PIPELINE, dBInstanceIdentifier=NAMES.replica),
            {"instance-deleted"},
        ),
        (
            call("rds", "PromoteReadReplica", dBInstanceIdentifier=NAMES.delayed),
            {"instance-deleted"},
        ),
        (
            call(
                "rds", "ModifyDBParameterGroup",
                dBParameterGroupName="strongroom-production-primary-1a2b3c4",
                parameters=[{"parameterName": "log_statement", "parameterValue": "none"}],
            ),
            {"parameters-changed"},
        ),
        (
            call(
                "rds", "ModifyDBSnapshotAttribute", PIPELINE, attributeName="restore",
                dBSnapshotIdentifier="rds:x-2026-11-24", valuesToAdd=["all"],
            ),
            {"snapshot-shared"},
        ),
        (call("rds", "DeleteDBSnapshot", dBSnapshotIdentifier="final"), {"data-copied"}),
        (
            call("rds", "RestoreDBInstanceToPointInTime", targetDBInstanceIdentifier="mine"),
            {"data-copied"},
        ),
        (call("kms", "ScheduleKeyDeletion", PIPELINE, keyId="1234"), {"key-disabled"}),
        (
            call("ec2", "AuthorizeSecurityGroupIngress", groupId="sg-0123456789abcdef0"),
            {"way-in"},
        ),
        (call("ec2", "AuthorizeSecurityGroupIngress", groupId="sg-0fedcba9876543210"), set()),
        (
            call(
                "ec2", "ModifySecurityGroupRules",
                ModifySecurityGroupRulesRequest={"GroupId": "sg-0123456789abcdef0"},
            ),
            {"way-in"},
        ),
        (
            call("backup", "DeleteRecoveryPoint", PIPELINE, backupVaultName=NAMES.vault,
                 recoveryPointArn="arn:aws:rds:…"),
            {"vault-emptied"},
        ),
        (
            call("backup", "DeleteBackupVaultLockConfiguration", backupVaultName=NAMES.vault),
            {"vault-changed"},
        ),
        (call("backup", "DeleteBackupPlan", backupPlanId=PLAN), {"plan-changed"}),
        (
            call(
                "backup", "DeleteRestoreTestingPlan",
                restoreTestingPlanName="strongroom_production",
            ),
            {"tests-changed"},
        ),
        (call("events", "DisableRule", name=NAMES.of("unprotected")), {"watch-rules"}),
        (call("events", "RemoveTargets", rule=NAMES.of("unprotected")), {"watch-rules"}),
        (call("events", "DisableRule", name="another"), set()),
        (
            call("monitoring", "DeleteAlarms", alarmNames=["other", NAMES.of("heartbeat")]),
            {"watch-alarms"},
        ),
        (call("monitoring", "SetAlarmState", alarmName=NAMES.of("rights")), {"watch-alarms"}),
        (
            call("logs", "DeleteLogGroup", logGroupName=NAMES.log_group(NAMES.primary)),
            {"watch-logs"},
        ),
        (
            call("sns", "DeleteTopic", topicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:{NAMES.topic}"),
            {"watch-topic"},
        ),
        (
            call(
                "sns", "Unsubscribe",
                subscriptionArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:{NAMES.topic}:8a21d249",
            ),
            {"watch-topic"},
        ),
        (
            call("rds", "DeleteEventSubscription", subscriptionName=NAMES.of("instance")),
            {"watch-subscription"},
        ),
        (call("cloudtrail", "StopLogging", name="everything"), {"watch-trail"}),
    ],
)  # fmt: skip
def test_a_call_is_told_by_what_it_does(event: dict[str, Any], names: set[str]) -> None:
    assert _told(event, PIPELINE) == names


def test_what_only_pipelines_may_do_is_told_of_everybody_else() -> None:
    for name, rule in _rules(PIPELINE).items():
        identity = rule.pattern["detail"].get("userIdentity", {})
        if "sessionContext" not in identity:
            continue
        event = {
            "instance-changed": modified(),
            "parameters-changed": call("rds", "ResetDBParameterGroup",
                                       dBParameterGroupName=NAMES.of("x")),
            "data-copied": call("rds", "CopyDBSnapshot", sourceDBSnapshotIdentifier="x"),
            "way-in": call("ec2", "AuthorizeSecurityGroupIngress",
                           groupId="sg-0123456789abcdef0"),
            "vault-changed": call("backup", "PutBackupVaultAccessPolicy",
                                  backupVaultName=NAMES.vault),
            "plan-changed": call("backup", "UpdateBackupPlan", backupPlanId=PLAN),
            "tests-changed": call("backup", "UpdateRestoreTestingPlan",
                                  restoreTestingPlanName="strongroom_production"),
            "watch-rules": call("events", "PutRule", name=NAMES.of("x")),
            "watch-alarms": call("monitoring", "PutMetricAlarm", alarmName=NAMES.of("x")),
            "watch-logs": call("logs", "PutMetricFilter",
                               logGroupName=NAMES.log_group(NAMES.primary)),
            "watch-topic": call("sns", "SetTopicAttributes",
                                topicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:{NAMES.topic}"),
            "watch-subscription": call("rds", "ModifyEventSubscription",
                                       subscriptionName=NAMES.of("x")),
            "watch-trail": call("cloudtrail", "UpdateTrail", name="everything"),
        }[name]  # fmt: skip
        own = json.loads(json.dumps(event).replace("role/admin", "role/deploy"))
        assert _told(own, PIPELINE) == set()
        assert _told(event, PIPELINE) == {name}
        assert _told(by_user(event), PIPELINE) == {name}
        # Without pipelines nobody is one.
        assert _told(own) == {name}


def test_what_aws_backup_does_with_snapshots_is_its_daily_work() -> None:
    deleted = call("rds", "DeleteDBSnapshot", BACKUP_ROLE, dBSnapshotIdentifier="awsbackup:job-1")
    assert _told(by_service(deleted, "backup"), PIPELINE) == set()
    assert _told(by_service(deleted, "cloudformation"), PIPELINE) == {"data-copied"}
    assert _told(deleted, PIPELINE) == {"data-copied"}


@pytest.mark.parametrize("state", ["FAILED", "ABORTED", "EXPIRED", "PARTIAL"])
def test_a_job_of_aws_backup_that_fails_is_told(state: str) -> None:
    failed = {"state": state, "resourceArn": INSTANCE, "statusMessage": "…"}
    assert _told(job("Backup", backupVaultName=NAMES.vault, **failed)) == {"backup-failed"}
    assert _told(job("Copy", copyJobId="1", **failed)) == {"copy-failed"}
    assert _told(job("Restore", restoreJobId="1", status=state)) == {"restore-test-failed"}
    assert _told(job("Restore", restoreJobId="1", state=state)) == {"restore-test-failed"}


def test_a_job_that_goes_well_or_is_of_something_else_is_not_told() -> None:
    other = INSTANCE.replace("production", "staging")
    assert _told(job("Backup", state="COMPLETED", resourceArn=INSTANCE)) == set()
    assert _told(job("Backup", state="FAILED", resourceArn=other)) == set()
    assert _told(job("Restore", status="COMPLETED")) == set()
    assert _told({**job("Restore", status="FAILED", iamRoleArn=ADMIN)}) == set()


def test_what_rds_says_of_a_replica_is_told() -> None:
    assert _told(said(NAMES.replica, "read replica")) == {"replica-event"}
    assert _told(said(NAMES.delayed, "failure")) == {"replica-event"}
    assert _told(said(NAMES.delayed, "backup")) == set()
    assert _told(said(NAMES.primary, "failure")) == set()


def test_a_second_region_hands_over_what_the_own_regions_rules_look_for() -> None:
    events = (
        call("backup", "DeleteRecoveryPoint", backupVaultName=NAMES.vault),
        call("backup", "PutBackupVaultLockConfiguration", backupVaultName=NAMES.vault),
        call("kms", "DisableKey", keyId="1234"),
        call("rds", "StopDBInstanceAutomatedBackupsReplication", sourceDBInstanceArn=INSTANCE),
    )
    for event in events:
        assert _matches(dict(ELSEWHERE), event)
        assert _told(event, PIPELINE)
    assert not _matches(dict(ELSEWHERE), call("backup", "StartBackupJob"))


def test_every_rule_keeps_to_eventbridges_limits_and_says_what_to_do() -> None:
    for rule in _rules(PIPELINE).values():
        assert len(NAMES.of(rule.name)) <= 64
        assert len(rule.name) <= 20
        assert 40 < len(rule.means) <= 512
        assert len(json.dumps(rule.pattern)) <= 2048
        assert set(rule.paths) == set(_placeholders(rule.tells))


def _placeholders(text: str) -> list[str]:
    return [part.partition(">")[0] for part in text.split("<")[1:]]
