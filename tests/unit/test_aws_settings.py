"""What a stack on AWS has besides is read like every setting, or refused with every reason."""

import dataclasses
import json

import pytest

from strongroom.aws_settings import AwsSettings, Lock
from strongroom.errors import SettingsError
from strongroom.reading.aws_form import READERS, windows_overlap
from strongroom.settings import Settings

REGION = {"aws:region": "eu-central-1", "strongroom:platform": "aws"}


def problems_of(**aws: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.parse("production", {**REGION, "aws": aws}, "stack production")
    return caught.value.problems


def test_every_field_but_the_region_is_read() -> None:
    assert {each.name for each in dataclasses.fields(AwsSettings)} == {"region", *READERS}


def test_the_engine_hands_them_over_as_text() -> None:
    given = {"vpc": "vpc-0123456789", "subnets": ["subnet-0123456789", "subnet-1123456789"]}
    text = json.dumps({**given, "vaultLock": "compliance", "logDays": 731})
    found = Settings.parse("production", {**REGION, "strongroom:aws": text}, "s").aws
    assert found.region == "eu-central-1"
    assert found.subnets == ("subnet-0123456789", "subnet-1123456789")
    assert found.vault_lock is Lock.COMPLIANCE
    assert found.backup_days == 35
    assert found.log_days == 731


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("copyRegion", "eu-central-1", "take both"),
        ("vpc", "vpc-0123456789", "without the other"),
        ("subnets", ["10.0.0.0/24"], "no id of a subnet"),
        ("cidr", "8.8.0.0/16", "not a private network"),
        ("cidr", "10.0.0.0/28", "not a private network"),
        ("clients", ["0.0.0.0/0"], "no id of a security group"),
        ("engineVersion", "16.4", "no version of PostgreSQL from 17"),
        ("instanceClass", "m7g.large", "no instance class"),
        ("storageMaxGb", 50, "full disk would stop"),
        ("backupDays", 0, "no replica"),
        ("storageMaxGb", 10, "could not grow to it"),
        ("maintenanceWindow", "sunday 4am", "window of a week"),
        ("vaultLock", "none", "not one of governance or compliance"),
        ("logDays", 100, "nearest one is 90"),
        ("contacts", ["ops"], "no e-mail address"),
        ("breakGlassRoles", ["arn:aws:iam::1:user/ada"], "no ARN of a role"),
        ("multiAZ", True, "unknown key"),
        ("zones", ["eu-central-1a", "a", "b"], "no letter of a zone"),
        ("zones", ["a"], "two to four"),
        ("backupWindow", "04:30-05:00", "refuse both"),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason(key: str, value: object, reason: str) -> None:
    (problem,) = problems_of(**{key: value})
    assert reason in problem


def test_a_stack_on_aws_needs_its_region() -> None:
    with pytest.raises(SettingsError, match="aws:region"):
        Settings.parse("production", {"platform": "aws"}, "s")


@pytest.mark.parametrize(
    ("backup", "maintenance", "meet"),
    [
        ("02:00-03:00", "sun:04:00-sun:05:00", False),
        ("02:00-04:00", "sun:04:00-sun:05:00", False),
        ("02:00-04:01", "sun:04:00-sun:05:00", True),
        ("04:15-04:45", "sun:04:00-sun:05:00", True),
        ("23:30-00:30", "mon:00:00-mon:00:30", True),
        ("23:30-00:30", "sun:23:45-mon:00:15", True),
        ("23:00-23:30", "sun:23:30-mon:00:30", False),
        ("01:00-02:00", "sat:23:00-sun:01:30", True),
    ],
)
def test_windows_meet_on_any_day_across_midnight_and_week(
    backup: str, maintenance: str, meet: bool
) -> None:
    assert windows_overlap(backup, maintenance) is meet


def test_postgresqls_settings_are_numbers_without_a_unit_on_rds() -> None:
    values = {**REGION, "server": {"work_mem": "8MB", "max_connections": "200"}}
    with pytest.raises(SettingsError) as caught:
        Settings.parse("production", values, "stack production")
    (problem,) = caught.value.problems
    assert "work_mem" in problem
    assert "pg_settings.unit" in problem
    local = Settings.parse("local", {"server": {"work_mem": "8MB"}}, "stack local")
    assert local.server == {"work_mem": "8MB"}
