"""AWS Backup as the provider uses it, which moto has in part only."""

import json
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.conftest import OTHER, Client

ROLE = "arn:aws:iam::123456789012:role/backup"
RULE = {
    "RuleName": "daily",
    "TargetBackupVaultName": "kept",
    "ScheduleExpression": "cron(0 3 * * ? *)",
    "Lifecycle": {"DeleteAfterDays": 35},
}


@pytest.fixture(scope="module")
def vault() -> str:
    return "kept"


@pytest.fixture
def backup(aws: Client, vault: str) -> Any:
    client = aws("backup")
    with suppress(client.exceptions.AlreadyExistsException):
        client.create_backup_vault(BackupVaultName=vault, BackupVaultTags={"a": "b"})
    return client


def test_a_vault_is_locked_and_keeps_its_policy_and_its_tags(backup: Any, vault: str) -> None:
    client = backup
    client.put_backup_vault_lock_configuration(
        BackupVaultName=vault, MinRetentionDays=7, MaxRetentionDays=3650, ChangeableForDays=3
    )
    policy = {"Version": "2012-10-17", "Statement": []}
    client.put_backup_vault_access_policy(BackupVaultName=vault, Policy=json.dumps(policy))
    told = client.describe_backup_vault(BackupVaultName=vault)
    assert (told["Locked"], told["MinRetentionDays"], told["MaxRetentionDays"]) == (True, 7, 3650)
    assert told["LockDate"] > told["CreationDate"]
    kept = client.get_backup_vault_access_policy(BackupVaultName=vault)["Policy"]
    assert json.loads(kept) == policy
    arn = told["BackupVaultArn"]
    client.tag_resource(ResourceArn=arn, Tags={"c": "d"})
    client.untag_resource(ResourceArn=arn, TagKeyList=["a"])
    assert client.list_tags(ResourceArn=arn)["Tags"] == {"c": "d"}


def test_each_region_has_vaults_of_its_own(backup: Any, vault: str, aws: Client) -> None:
    other = aws("backup", OTHER)
    with pytest.raises(other.exceptions.ResourceNotFoundException):
        other.describe_backup_vault(BackupVaultName=vault)


def test_a_plan_is_changed_in_place_and_not_deleted_before_its_selections(backup: Any) -> None:
    client = backup
    made = client.create_backup_plan(BackupPlan={"BackupPlanName": "plan", "Rules": [RULE]})
    named = {"BackupPlanId": made["BackupPlanId"]}
    longer = {**RULE, "Lifecycle": {"DeleteAfterDays": 90}}
    client.update_backup_plan(**named, BackupPlan={"BackupPlanName": "plan", "Rules": [longer]})
    (rule,) = client.get_backup_plan(**named)["BackupPlan"]["Rules"]
    assert rule["Lifecycle"]["DeleteAfterDays"] == 90
    assert rule["StartWindowMinutes"] == 480
    chosen = {
        "SelectionName": "database",
        "IamRoleArn": ROLE,
        "Resources": ["*"],
    }
    selection = client.create_backup_selection(**named, BackupSelection=chosen)["SelectionId"]
    told = client.get_backup_selection(**named, SelectionId=selection)["BackupSelection"]
    assert (told["SelectionName"], told["Resources"]) == ("database", ["*"])
    with pytest.raises(ClientError, match="selections"):
        client.delete_backup_plan(**named)
    client.delete_backup_selection(**named, SelectionId=selection)
    client.delete_backup_plan(**named)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_backup_plan(**named)


def test_restores_are_tested_by_a_plan_with_selections(backup: Any) -> None:
    client = backup
    client.create_restore_testing_plan(
        RestoreTestingPlan={
            "RestoreTestingPlanName": "weekly",
            "ScheduleExpression": "cron(0 6 ? * SUN *)",
            "RecoveryPointSelection": {
                "Algorithm": "LATEST_WITHIN_WINDOW",
                "IncludeVaults": ["*"],
                "RecoveryPointTypes": ["SNAPSHOT"],
            },
        }
    )
    named = {"RestoreTestingPlanName": "weekly"}
    client.create_restore_testing_selection(
        **named,
        RestoreTestingSelection={
            "RestoreTestingSelectionName": "database",
            "ProtectedResourceType": "RDS",
            "ProtectedResourceArns": ["*"],
            "IamRoleArn": ROLE,
        },
    )
    told = client.get_restore_testing_plan(**named)["RestoreTestingPlan"]
    assert told["RecoveryPointSelection"]["SelectionWindowDays"] == 30
    one = {**named, "RestoreTestingSelectionName": "database"}
    client.update_restore_testing_selection(
        **one, RestoreTestingSelection={"ValidationWindowHours": 4}
    )
    found = client.get_restore_testing_selection(**one)["RestoreTestingSelection"]
    assert (found["ProtectedResourceType"], found["ValidationWindowHours"]) == ("RDS", 4)
    client.delete_restore_testing_selection(**one)
    client.delete_restore_testing_plan(**named)
