"""What a stack on AWS declares of backups: locked, copied, tested, and never a way to lose them."""

import json
from dataclasses import replace
from typing import Any

import pytest

from components.aws.snapshots import SnapshotPolicy, SnapshotPolicyArgs
from strongroom.aws_names import Names
from strongroom.aws_settings import Lock
from strongroom.settings import Settings
from tests.unit.aws_events import INSTANCE, PIPELINE
from tests.unit.aws_scene import (
    AWS,
    COPY_REGION,
    GROUP,
    SETTINGS,
    SUBNETS,
    TOPIC,
    declared,
    primary,
)
from tests.unit.recording_engine import Recording, Registered

LOCK = "aws:backup/vaultLockConfiguration:VaultLockConfiguration"
VAULT = "aws:backup/vault:Vault"
POLICY = "aws:backup/vaultPolicy:VaultPolicy"
KEY = "aws:kms/key:Key"


def declare(settings: Settings = SETTINGS, names: Names | None = None) -> Recording:
    def program() -> None:
        server = primary(names) if names else primary()
        SnapshotPolicy("snapshots", SnapshotPolicyArgs(server, settings))

    return declared(program)


@pytest.fixture(scope="module")
def stack() -> Recording:
    return declare()


def _one(stack: Recording, kind: str) -> Registered:
    (found,) = stack.of_type(kind)
    return found


def test_everything_is_under_the_component_and_named_after_it(stack: Recording) -> None:
    urns = {stack.named("snapshots").urn}
    for one in stack.registered:
        if one.type.startswith("aws:"):
            assert one.name.startswith("snapshots-"), one.urn
            above = one.request.parent
            while above not in urns:
                (parent,) = [each for each in stack.registered if each.urn == above]
                above = parent.request.parent
    assert stack.outputs[stack.named("snapshots").urn].keys() == {"newest"}


def test_there_is_a_locked_vault_with_a_key_in_both_regions(stack: Recording) -> None:
    for kind in (KEY, VAULT, POLICY, LOCK):
        found = stack.of_type(kind)
        assert {one.inputs.get("region") for one in found} == {None, COPY_REGION}
        assert len(found) == 2
        for one in found:
            assert one.request.protect
            assert one.request.retainOnDelete
    for one in stack.of_type(KEY):
        assert one.inputs["enableKeyRotation"] is True
    for one in stack.of_type(VAULT):
        assert one.inputs["name"] == "strongroom-production"
        assert one.inputs["kmsKeyArn"]
        assert one.inputs["forceDestroy"] is False


@pytest.mark.parametrize(("lock", "days"), [(Lock.GOVERNANCE, None), (Lock.COMPLIANCE, 3)])
def test_a_lock_for_compliance_becomes_final_and_one_for_governance_does_not(
    lock: Lock, days: int | None
) -> None:
    settings = replace(SETTINGS, snapshot_lock_days=14, aws=replace(AWS, vault_lock=lock))
    for one in declare(settings).of_type(LOCK):
        assert one.inputs.get("changeableForDays") == days
        assert one.inputs["minRetentionDays"] == 14
        assert one.inputs["maxRetentionDays"] == 365


def test_whatever_is_kept_fits_the_lock_or_no_backup_would_succeed() -> None:
    for keep, locked, monthly in ((35, 7, 365), (5, 90, 31), (400, 0, 31), (1, 1, 31)):
        settings = replace(
            SETTINGS,
            snapshot_keep_days=keep,
            snapshot_lock_days=locked,
            aws=replace(AWS, monthly_keep_days=monthly),
        )
        found = declare(settings)
        rules = _one(found, "aws:backup/plan:Plan").inputs["rules"]
        days = [rule["lifecycle"]["deleteAfter"] for rule in rules]
        days += [copy["lifecycle"]["deleteAfter"] for rule in rules for copy in rule["copyActions"]]
        for lock in found.of_type(LOCK):
            shortest = lock.inputs.get("minRetentionDays", 0)
            assert shortest == locked
            for each in days:
                assert max(shortest, keep) <= each <= lock.inputs["maxRetentionDays"]


def test_nobody_removes_what_is_kept_and_only_pipelines_change_the_vault(stack: Recording) -> None:
    for one in stack.of_type(POLICY):
        removing, changing = json.loads(one.inputs["policy"])["Statement"]
        for statement in (removing, changing):
            assert statement["Effect"] == "Deny"
            assert statement["Principal"] == {"AWS": "*"}
        assert "backup:DeleteRecoveryPoint" in removing["Action"]
        assert "backup:DeleteBackupVaultLockConfiguration" in changing["Action"]
        (service,) = removing["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
        assert service.endswith(":role/aws-service-role/backup.amazonaws.com/*")
        assert changing["Condition"]["ArnNotLike"]["aws:PrincipalArn"] == [service, PIPELINE]


def test_without_pipelines_nobody_is_shut_out_of_changing_the_vault() -> None:
    found = declare(replace(SETTINGS, aws=replace(AWS, pipeline_roles=())))
    for one in found.of_type(POLICY):
        (removing,) = json.loads(one.inputs["policy"])["Statement"]
        assert removing["Sid"] == "NobodyRemovesWhatIsKept"


def test_the_primary_is_backed_up_daily_and_monthly_and_copied(stack: Recording) -> None:
    rules = _one(stack, "aws:backup/plan:Plan").inputs["rules"]
    assert {rule["ruleName"]: rule["schedule"] for rule in rules} == {
        "regular": "cron(0 4 * * ? *)",
        "monthly": "cron(0 4 1 * ? *)",
    }
    for rule in rules:
        assert rule["targetVaultName"] == "strongroom-production"
        assert len(rule["copyActions"]) == 1
        # RDS knows no cold storage, and a continuous backup would take over its own.
        assert set(rule["lifecycle"]) == {"deleteAfter"}
        assert not rule.get("enableContinuousBackup")
    selection = _one(stack, "aws:backup/selection:Selection").inputs
    assert selection["resources"] == [INSTANCE]
    attached = stack.of_type("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    assert {one.inputs["policyArn"].rpartition("For")[2] for one in attached} == {
        "Backup",
        "Restores",
    }


def test_rds_replicates_its_own_backups_to_the_second_region(stack: Recording) -> None:
    kind = "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication"
    replication = _one(stack, kind)
    assert replication.inputs["region"] == COPY_REGION
    assert replication.inputs["sourceDbInstanceArn"] == INSTANCE
    assert replication.inputs["retentionPeriod"] == 35
    assert replication.request.protect


def test_what_is_done_in_the_second_region_is_told_in_the_first(stack: Recording) -> None:
    named = {
        one.type.rpartition(":")[2]: one.inputs
        for one in stack.registered
        if one.name == "snapshots-copy-events"
    }
    assert set(named) == {"Role", "RolePolicy", "EventRule", "EventTarget"}
    assert named["EventRule"]["region"] == named["EventTarget"]["region"] == COPY_REGION
    bus = named["EventTarget"]["arn"]
    assert bus == "arn:aws:events:eu-central-1:123456789012:event-bus/default"
    (statement,) = json.loads(named["RolePolicy"]["policy"])["Statement"]
    assert statement == {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}
    (trust,) = json.loads(named["Role"]["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": "events.amazonaws.com"}


def test_without_a_second_region_there_is_nothing_of_it() -> None:
    found = declare(replace(SETTINGS, aws=replace(AWS, copy_region="")))
    assert not [one for one in found.registered if one.inputs.get("region")]
    assert len(found.of_type(VAULT)) == 1
    for rule in _one(found, "aws:backup/plan:Plan").inputs["rules"]:
        assert not rule.get("copyActions")


def test_a_restore_is_tested_where_nobody_reaches_it(stack: Recording) -> None:
    plan = _one(stack, "aws:backup/restoreTestingPlan:RestoreTestingPlan").inputs
    assert plan["name"] == "strongroom_production"
    assert plan["scheduleExpression"] == "cron(0 7 ? * SUN *)"
    assert plan["recoveryPointSelection"]["selectionWindowDays"] == 2
    kind = "aws:backup/restoreTestingSelection:RestoreTestingSelection"
    selection = _one(stack, kind).inputs
    assert selection["protectedResourceArns"] == [INSTANCE]
    assert selection["restoreMetadataOverrides"] == {
        "publiclyAccessible": "false",
        "multiAz": "false",
        "dbSubnetGroupName": SUBNETS,
        "vpcSecurityGroupIds": json.dumps([GROUP]),
    }


def test_without_drills_no_restore_is_tested() -> None:
    found = declare(replace(SETTINGS, drill_every_days=0))
    assert not [one for one in found.registered if "estoreTesting" in one.type]


def test_without_protection_a_stack_can_be_taken_down_with_its_backups() -> None:
    found = declare(replace(SETTINGS, deletion_protection=False))
    assert not any(one.request.protect or one.request.retainOnDelete for one in found.registered)
    assert all(one.inputs["forceDestroy"] for one in found.of_type(VAULT))


@pytest.mark.parametrize("environment", ["p", "Production_of-Everything." * 4])
def test_names_keep_to_awss_limits(environment: str) -> None:
    for one in declare(names=Names(environment)).registered:
        name = one.inputs.get("name", "")
        limit = {VAULT: 50, "aws:iam/role:Role": 64, "aws:cloudwatch/eventRule:EventRule": 64}
        assert len(name) <= limit.get(one.type, 50 if "backup" in one.type else 255), one.urn


def test_every_failure_is_told(stack: Recording) -> None:
    targets = stack.of_type("aws:cloudwatch/eventTarget:EventTarget")
    told: list[Any] = [one.inputs["arn"] for one in targets if not one.inputs.get("region")]
    assert set(told) == {TOPIC}
    assert len(told) == 7
    alarm = _one(stack, "aws:cloudwatch/metricAlarm:MetricAlarm").inputs
    assert alarm["alarmActions"] == [TOPIC]
    assert alarm["dimensions"] == {"BackupVaultName": "strongroom-production"}
