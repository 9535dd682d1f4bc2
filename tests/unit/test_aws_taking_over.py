"""An instance that was there before is taken over as it is, or refused with every reason."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws
from typer.testing import CliRunner

from policy.stack import Stack
from strongroom.aws_names import Names
from strongroom.aws_settings import Existing
from strongroom.cli import app
from strongroom.errors import SettingsError
from strongroom.permissions.documents import Stack as Permitted
from strongroom.provider.aws import existing
from strongroom.provider.aws.lasting import Lasting, LastingInputs
from strongroom.provider.resource import Context, Refusal
from strongroom.settings import Settings
from tests.unit.aws_stack import CHECKOUT, AwsAnswers, configuration, declare, servers
from tests.unit.policy.scene import Case, instance, replica
from tests.unit.recording_engine import Recording

NETWORK = {"vpc": "vpc-0123456789", "subnets": ["subnet-0123456789", "subnet-1123456789"]}
SHOP = {"identifier": "shop-live", "master": "postgres"}
TAKEN = {**NETWORK, "existing": SHOP}
AWS = {"aws:region": "eu-central-1", "strongroom:platform": "aws"}
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
SUBSCRIPTION = "aws:rds/eventSubscription:EventSubscription"
FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
OWN_KEY = "arn:aws:kms:eu-central-1:123456789012:key/of-the-shop"


def settings(**existing: object) -> Settings:
    return Settings.parse("production", {**AWS, "aws": {**NETWORK, "existing": existing}}, "s")


def test_both_names_are_read_and_the_master_is_root() -> None:
    found = settings(**SHOP)
    assert found.aws.existing == Existing("shop-live", "postgres")
    assert found.root == "postgres"
    assert settings(identifier="shop").root == "root"
    assert Settings.parse("local", {}, "s").root == "root"


@pytest.mark.parametrize("name", ["postgres", "root", "dbAdmin", "shop_owner", "a" * 63])
def test_a_master_may_be_called_so(name: str) -> None:
    assert settings(identifier="shop", master=name).root == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("9lives", "after a first letter"),
        ("post-gres", "no master's on RDS"),
        ("a" * 64, "cuts names off after 63"),
        ("rdsadmin", "RDS makes roles whose names begin with rds"),
        ("pg_owner", "PostgreSQL keeps every name"),
        ("provisioner", "one role for two things"),
        ("tier_full", "one role for two things"),
        ("ddl_gate", "one role for two things"),
        ("App_Owner", "one role for two things"),
        ("public", "keyword"),
    ],
)
def test_another_name_is_refused_with_its_reason(name: str, reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(identifier="shop", master=name)
    (problem,) = caught.value.problems
    assert reason in problem
    assert "existing.master" in problem


@pytest.mark.parametrize(
    ("aws", "reason"),
    [
        ({**NETWORK, "existing": {"master": "postgres"}}, "names no identifier"),
        ({**NETWORK, "existing": {"identifier": "Shop"}}, "no instance has it"),
        ({**NETWORK, "existing": {"identifier": "shop--1"}}, "no instance has it"),
        ({**NETWORK, "existing": {"identifier": "s" * 64}}, "no instance has it"),
        ({**NETWORK, "existing": {"identifer": "shop", "identifier": "shop"}}, "unknown key"),
        ({**NETWORK, "existing": "shop"}, "should be a mapping"),
        ({"existing": SHOP}, "names no network"),
    ],
)
def test_what_cannot_be_taken_over_is_refused(aws: dict[str, object], reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.parse("production", {**AWS, "aws": aws}, "s")
    (problem,) = caught.value.problems
    assert reason in problem


def whole(environment: str = "production", **changes: Any) -> Recording:
    return declare(environment, configuration(environment, **{**TAKEN, **changes}), Answers())


class Answers(AwsAnswers):
    """As AWS would answer of the instance: what was declared of it, and what it has."""

    def new_resource(self, args: Any) -> tuple[str, dict[str, Any]]:
        made, outputs = super().new_resource(args)
        if args.name == "primary-instance":
            outputs = {"kmsKeyId": OWN_KEY, "dbSubnetGroupName": "shop", **outputs}
        return made, outputs


@pytest.fixture(scope="module")
def taken() -> Recording:
    return whole()


def test_the_instance_keeps_what_rds_cannot_change(taken: Recording) -> None:
    one = taken.named("primary-instance")
    assert one.inputs["identifier"] == "shop-live"
    assert one.inputs["username"] == "postgres"
    assert not {"dbName", "kmsKeyId", "dbSubnetGroupName"} & one.inputs.keys()
    assert one.inputs["storageEncrypted"] is True
    assert set(one.request.ignoreChanges) == {
        *("password", "dbName", "dbSubnetGroupName", "kmsKeyId", "performanceInsightsKmsKeyId"),
        *("storageType", "iops", "storageThroughput", "tags", "engineVersion"),
    }
    names = {each.name for each in taken.registered}
    assert not {"primary-key", "primary-network-subnets", "primary-network-vpc"} & names


@pytest.mark.parametrize("changes", [{"engineVersion": "17.6"}, {"majorUpgrade": True}])
def test_a_version_that_is_meant_arrives_all_the_same(changes: dict[str, Any]) -> None:
    one = servers("production", Answers(), aws={**TAKEN, **changes}).named("primary-instance")
    assert "engineVersion" not in one.request.ignoreChanges


def test_replicas_and_restore_tests_stand_where_the_instance_stands(taken: Recording) -> None:
    for name in ("replica-instance", "delayed-instance"):
        assert taken.named(name).inputs["kmsKeyId"] == OWN_KEY
        assert taken.named(name).inputs["replicateSourceDb"] == "shop-live"
    tested = taken.named("snapshots-tests-primary").inputs["restoreMetadataOverrides"]
    assert tested["dbSubnetGroupName"] == "shop"


def test_the_function_is_told_who_it_signs_in_as_and_that_the_database_has_to_be_there(
    taken: Recording,
) -> None:
    told = taken.named("root-function-code").inputs["environment"]["variables"]
    assert told["STRONGROOM_MASTER"] == "postgres"
    assert told["STRONGROOM_INSTANCE"] == "shop-live"
    assert json.loads(told["STRONGROOM_FOUNDATION"])["taken_over"] is True


def test_watch_and_alarms_look_at_the_instance_and_its_master(taken: Recording) -> None:
    dimensions = [each.inputs.get("dimensions", {}) for each in taken.of_type(ALARM)]
    watched = {
        each["DBInstanceIdentifier"] for each in dimensions if "DBInstanceIdentifier" in each
    }
    of_ours = {"strongroom-production-replica", "strongroom-production-delayed"}
    assert watched == {"shop-live"} | of_ours
    (told,) = [each for each in taken.of_type(SUBSCRIPTION) if "sourceIds" in each.inputs]
    assert told.inputs["sourceIds"] == ["shop-live"]
    assert taken.named("primary-log-postgresql").inputs["name"] == (
        "/aws/rds/instance/shop-live/postgresql"
    )
    patterns = [each.inputs["pattern"] for each in taken.of_type(FILTER)]
    assert any(":postgres@" in each for each in patterns)
    assert not any(":root@" in each or "user=root " in each for each in patterns)


def test_access_and_matrix_leave_the_master_alone(taken: Recording) -> None:
    for name in ("access-memberships", "access-logging", "review-matrix"):
        assert taken.named(name).inputs["root"] == "postgres"


def test_nobody_in_the_roster_can_be_the_master() -> None:
    values = configuration("production", **NETWORK, existing={**SHOP, "master": "ada"})
    with pytest.raises(BaseException, match="ada is the master of the instance that production"):
        declare("production", values)


def test_the_policies_of_pipelines_reach_its_logs() -> None:
    stack = Permitted(Names("production", "shop-live"), "123456789012", "eu-central-1")
    logs = [each for each in stack.up()["Statement"] if each["Sid"] == "DeclareLogs"]
    assert any(each.endswith("log-group:*/shop-live/*") for each in logs[0]["Resource"])


def test_the_policy_pack_asks_for_no_name_and_no_port_that_would_take_another_instance() -> None:
    kept = Stack(root="postgres", taken_over=True)
    usual = (instance(username="postgres", port=5432), replica(port=5432))
    assert not Case(usual, kept).asked("rds-master-name")
    assert not Case(usual, kept).asked("rds-port")
    assert Case((instance(username="admin"),), kept).asked("rds-master-name")
    assert Case(usual, Stack()).asked("rds-master-name")
    assert len(Case(usual, Stack()).asked("rds-port")) == 2


def test_the_command_names_what_is_there_as_the_program_does(
    shop: dict[str, Any], taken: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rds = boto3.client("rds", region_name="eu-central-1")
    logs = {"EnableLogTypes": ["postgresql"]}
    rds.modify_db_instance(DBInstanceIdentifier="shop-live", CloudwatchLogsExportConfiguration=logs)
    for name in ("Pulumi.yaml", "strongroom"):
        (tmp_path / name).symlink_to(CHECKOUT / name)
    shutil.copytree(CHECKOUT / "stacks", tmp_path / "stacks")
    file = tmp_path / "stacks" / "Pulumi.production.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"]["strongroom:aws"].update(TAKEN)
    monkeypatch.chdir(tmp_path)
    command = ["existing", "--stack", "production"]
    refused = CliRunner().invoke(app, command)
    assert isinstance(refused.exception, SettingsError)
    file.write_text(yaml.safe_dump(content))
    printed = json.loads(CliRunner().invoke(app, command).output)["resources"]
    primary, *there = printed
    assert primary["component"]
    assert taken.named("primary").type == primary["type"]
    assert {each["name"]: each["id"] for each in there} == {
        "primary-instance": "shop-live",
        "primary-log-postgresql": "/aws/rds/instance/shop-live/postgresql",
    }
    for each in there:
        one = taken.named(each["name"])
        assert one.type == each["type"]
        assert one.request.parent == taken.named(each["parent"]).urn
        assert one.request.version == each["version"]


DECLARED: dict[str, Any] = {
    "database": "shop",
    "network": "vpc-to-come",
    "engine_version": "17",
    "storage_gb": 100,
    "protected": True,
    "existing": {
        **SHOP,
        "region": "eu-central-1",
        "port": "5432",
        "instanceClass": "db.m6g.large",
    },
}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """An instance as somebody made it; what is declared of it fits."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "simulated")
    with mock_aws():
        ec2, rds = (boto3.client(each, region_name="eu-central-1") for each in ("ec2", "rds"))
        vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.0.0/24")["Subnet"]["SubnetId"]
        rds.create_db_subnet_group(
            DBSubnetGroupName="shop", DBSubnetGroupDescription="x", SubnetIds=[subnet]
        )
        made = {
            "DBInstanceIdentifier": "shop-live",
            "Engine": "postgres",
            "EngineVersion": "17.4",
            "DBInstanceClass": "db.m6g.large",
            "AllocatedStorage": 100,
            "StorageType": "gp2",
            "MasterUsername": "postgres",
            "MasterUserPassword": "hunter2hunter2",
            "DBSubnetGroupName": "shop",
            "StorageEncrypted": True,
        }
        rds.create_db_instance(**made)
        yield {**DECLARED, "network": vpc}


def check(inputs: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    """What is said of it."""
    said: list[str] = []
    context = Context(say=lambda message, **_: said.append(message))
    before = LastingInputs(**old).dump() if old else {}
    Lasting().check(context, LastingInputs(**inputs), before)
    return said


def test_what_taking_over_changes_in_place_is_said(shop: dict[str, Any]) -> None:
    said = " ".join(check(shop))
    assert "the parameter group default.postgres17 gives way" in said
    assert "come off it" in said


def test_everything_that_does_not_fit_is_told_at_once_with_what_to_write(
    shop: dict[str, Any],
) -> None:
    wrong = {**shop["existing"], "master": "root", "port": "6432", "instanceClass": "db.m7g.large"}
    declared = {**shop, "existing": wrong, "network": "vpc-0", "storage_gb": 50}
    with pytest.raises(Refusal) as caught:
        check({**declared, "engine_version": "17.6"})
    told = "\n".join(reason for _, reason in caught.value.failures)
    for remedy in (
        "Set existing.master in strongroom:aws to postgres",
        "Set strongroom:port to 5432",
        "Set instanceClass in strongroom:aws to db.m6g.large",
        "Set engineVersion in strongroom:aws to '17'",
        f"it stands in {shop['network']}",
        "Set storageGb in strongroom:aws to 100",
    ):
        assert remedy in told
    assert len(caught.value.failures) == 6


def test_an_instance_that_is_not_there_is_told(shop: dict[str, Any]) -> None:
    other = {**shop["existing"], "identifier": "shop-dead"}
    with pytest.raises(Refusal, match="no instance 'shop-dead' in eu-central-1"):
        check({**shop, "existing": other})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"StorageEncrypted": False}, "Copy a snapshot with a key"),
        ({"MasterUserSecret": {"SecretArn": "x"}}, "--no-manage-master-user-password"),
        ({"ReadReplicaSourceDBInstanceIdentifier": "first"}, "it follows first"),
        ({"DBClusterIdentifier": "many"}, "it is of a cluster"),
        ({"Engine": "aurora-postgresql"}, "Move the data by logical replication"),
        ({"EngineVersion": "15.8"}, "upgrade it first"),
    ],
)
def test_what_no_setting_mends_is_refused_with_the_way_there_is(
    shop: dict[str, Any], changes: dict[str, Any], reason: str
) -> None:
    wanted = existing.Existing.model_validate(shop["existing"])
    found = {**existing.look(wanted.identifier, wanted.region), **changes}
    told = [*existing.misfits(found, wanted, shop["network"], "17", 100)]
    ((_, why),) = told
    assert reason in why


def test_it_is_looked_at_once_and_is_then_what_was_declared(shop: dict[str, Any]) -> None:
    assert not check({**shop, "storage_gb": 200, "engine_version": "17.6"}, shop)


@pytest.mark.parametrize(
    "other",
    [{}, {**DECLARED["existing"], "identifier": "b"}, {**DECLARED["existing"], "master": "b"}],
)
def test_another_instance_in_its_place_is_refused(other: dict[str, str]) -> None:
    with pytest.raises(Refusal, match="the one there is would go"):
        check({**DECLARED, "existing": other}, DECLARED)
