"""What production's database is declared as: nothing on AWS is left to a default that is weaker."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.aws.parameters import FIXED, parameters
from components.aws.primary import Primary, PrimaryArgs
from strongroom.cluster import configuration
from strongroom.reading import server_settings
from strongroom.settings import Settings
from tests.unit.aws_stack import ENVIRONMENTS, AwsAnswers, NothingThere, servers
from tests.unit.recording_engine import Recording, Registered, run

INSTANCE = "aws:rds/instance:Instance"
LOG = "aws:cloudwatch/logGroup:LogGroup"
KEY = "aws:kms/key:Key"
PARAMETERS = "aws:rds/parameterGroup:ParameterGroup"
SUBSCRIPTION = "aws:rds/eventSubscription:EventSubscription"
INTO = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
LONG = "Production." + "x" * 89


def group(one: Registered) -> dict[str, dict[str, str]]:
    return {each["name"]: each for each in one.inputs["parameters"]}


def before(stack: Recording, one: Registered) -> set[str]:
    urns = {each.urn: each.name for each in stack.registered}
    return {urns[each] for each in one.request.dependencies}


def test_the_primary_is_what_the_issue_asks_for() -> None:
    told = servers().named("primary-instance").inputs
    assert told["identifier"] == "strongroom-production-primary"
    assert told["engine"] == "postgres"
    assert told["username"] == "root"
    assert told["multiAz"] is True
    assert told["iamDatabaseAuthenticationEnabled"] is True
    assert told["storageEncrypted"] is True
    assert told["kmsKeyId"] == told["performanceInsightsKmsKeyId"]
    assert told["kmsKeyId"].endswith("key/primary-key")
    assert told["deletionProtection"] is True
    assert told["deleteAutomatedBackups"] is False
    assert told["skipFinalSnapshot"] is False
    assert told["finalSnapshotIdentifier"] == "strongroom-production-primary-final-0a1b2c3d"
    assert told["copyTagsToSnapshot"] is True
    assert told["backupRetentionPeriod"] == 35
    assert told["maxAllocatedStorage"] > told["allocatedStorage"]
    assert told["publiclyAccessible"] is False
    assert told["caCertIdentifier"] == "rds-ca-rsa2048-g1"
    assert told["enabledCloudwatchLogsExports"] == ["postgresql", "upgrade"]
    assert told["monitoringInterval"] == 60
    assert told["autoMinorVersionUpgrade"] is True
    assert told["allowMajorVersionUpgrade"] is False
    assert told["applyImmediately"] is False
    assert told["port"] == 6432


@pytest.mark.parametrize(
    ("changes", "name", "value"),
    [
        ({"port": "6543"}, "port", 6543),
        ({"aws": {"multiAz": False}}, "multiAz", False),
        ({"aws": {"majorUpgrade": True}}, "allowMajorVersionUpgrade", True),
        ({"aws": {"applyImmediately": True}}, "applyImmediately", True),
        ({"aws": {"engineVersion": "18.1"}}, "engineVersion", "18.1"),
    ],
)
def test_a_setting_of_the_stack_arrives(changes: dict[str, Any], name: str, value: object) -> None:
    assert servers("production", **changes).named("primary-instance").inputs[name] == value


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_protection_is_one_setting_for_engine_and_aws(environment: str) -> None:
    stack = servers(environment)
    protected = environment != "development"
    for one in [*stack.of_type(INSTANCE), *stack.of_type(KEY), *stack.of_type(LOG)]:
        if one.name != "primary-network-flow":
            assert one.request.protect is protected, one.name
    for one in stack.of_type(INSTANCE):
        assert one.inputs["deletionProtection"] is protected


def test_the_key_of_snapshots_outlives_the_stack_and_every_key_rotates() -> None:
    stack = servers()
    kept = {each.name for each in stack.of_type(KEY) if each.request.retainOnDelete}
    assert kept == {"primary-key"}
    assert all(each.inputs["enableKeyRotation"] for each in stack.of_type(KEY))
    # A name that stayed would be in the way of the next stack of this environment.
    assert not any(each.request.retainOnDelete for each in stack.of_type("aws:kms/alias:Alias"))
    # The final snapshot is what is left of an instance; kept itself, it would go on costing.
    assert not any(each.request.retainOnDelete for each in stack.of_type(INSTANCE))


def test_roots_first_password_is_secret_another_each_time_and_then_left_alone() -> None:
    first, second = (servers().named("primary-instance") for _ in range(2))
    assert first.request.ignoreChanges == ["password"]
    values = [each.inputs["password"] for each in (first, second)]
    assert all(pulumi.runtime.rpc.is_rpc_secret(each) for each in values)
    passwords = [each["value"] for each in values]
    assert passwords[0] != passwords[1]
    assert all(len(each) >= 32 and not set(each) & set("/'\"@ ") for each in passwords)
    assert passwords[0] not in json.dumps([str(each.inputs) for each in servers().registered])


def test_a_reviewed_plan_holds_no_password_and_no_name_of_a_snapshot() -> None:
    stack = servers(answers=NothingThere(), preview=True)
    told = stack.named("primary-instance").request.object
    assert pulumi.runtime.rpc.UNKNOWN in str(told["password"])
    assert told["finalSnapshotIdentifier"] == pulumi.runtime.rpc.UNKNOWN


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_first_preview_of_an_empty_account_shows_everything(environment: str) -> None:
    shown = servers(environment, answers=NothingThere(), preview=True)
    made = servers(environment)
    assert {each.urn for each in shown.registered} == {each.urn for each in made.registered}


@pytest.mark.parametrize("environment", [*ENVIRONMENTS, LONG])
def test_logs_are_there_before_who_writes_them_encrypted_and_for_a_time(environment: str) -> None:
    stack = servers(environment)
    instances = stack.of_type(INSTANCE)
    assert instances
    for instance in instances:
        known = before(stack, instance)
        logs = [each for each in stack.of_type(LOG) if each.name in known]
        identifier = instance.inputs["identifier"]
        assert {each.inputs["name"] for each in logs} == {
            f"/aws/rds/instance/{identifier}/{export}"
            for export in instance.inputs["enabledCloudwatchLogsExports"]
        }
        assert all(each.inputs["kmsKeyId"].endswith("watch-key") for each in logs)
        assert all(each.inputs["retentionInDays"] >= 30 for each in logs)


@pytest.mark.parametrize("environment", [*ENVIRONMENTS, LONG])
def test_every_resource_is_below_a_component_and_fits_the_limits(environment: str) -> None:
    stack = servers(environment)
    for one in stack.registered:
        if one.type != "pulumi:pulumi:Stack":
            assert one.request.parent, one.name
        # Eight characters more are the engine's where it makes the physical name.
        assert len(one.name) <= 55 or one.type == "pulumi:pulumi:Stack"
    for one in stack.of_type(INSTANCE):
        assert len(one.inputs["identifier"]) <= 63
    for one in stack.of_type(SUBSCRIPTION):
        assert len(one.inputs["name"]) <= 255
    for one in stack.of_type("aws:ec2/securityGroup:SecurityGroup"):
        assert "name" not in one.inputs
        assert not one.name.startswith("sg-")
        assert len(one.inputs["tags"]["Name"]) <= 255


def test_the_delayed_replica_has_the_primarys_parameters_and_its_delay() -> None:
    stack = servers(replicaDelaySeconds="7200")
    delay = {"recovery_min_apply_delay"}
    own, primarys = (group(stack.named(f"{each}-parameters")) for each in ("delayed", "primary"))
    assert own.keys() - primarys.keys() == delay
    assert own["recovery_min_apply_delay"]["value"] == "7200000"
    assert own["recovery_min_apply_delay"]["applyMethod"] == "immediate"
    assert all(own[name] == value for name, value in primarys.items())
    delayed, replica, primary = (
        stack.named(f"{each}-instance").inputs["parameterGroupName"]
        for each in ("delayed", "replica", "primary")
    )
    assert delayed == "delayed-parameters"
    assert replica == primary == "primary-parameters"


def test_without_a_delay_there_is_one_replica() -> None:
    stack = servers("development")
    names = [each.name for each in stack.of_type(INSTANCE)]
    assert names == ["primary-instance", "replica-instance"]
    assert len(stack.of_type(PARAMETERS)) == 1


def test_a_replica_is_guarded_like_its_primary_and_shares_its_sign_in() -> None:
    stack = servers()
    primary = stack.named("primary-instance").inputs
    alike = (
        *("iamDatabaseAuthenticationEnabled", "enabledCloudwatchLogsExports", "storageEncrypted"),
        *("kmsKeyId", "caCertIdentifier", "publiclyAccessible", "port", "monitoringRoleArn"),
        *("vpcSecurityGroupIds", "copyTagsToSnapshot", "deletionProtection"),
    )
    for name in ("replica", "delayed"):
        told = stack.named(f"{name}-instance").inputs
        assert told["replicateSourceDb"] == "strongroom-production-primary"
        assert {key: told[key] for key in alike} == {key: primary[key] for key in alike}
        assert "password" not in told
        assert "dbName" not in told


def test_a_standby_needs_no_change_after_it_was_made_and_a_delayed_one_needs_one() -> None:
    """The provider makes a replica of what RDS takes at once, and changes what then differs."""
    stack = servers(replicaDelaySeconds="7200")
    primary, replica, delayed = (
        stack.named(f"{each}-instance").inputs for each in ("primary", "replica", "delayed")
    )
    # What RDS lets a replica inherit, and takes at its creation from nobody.
    inherited = ("caCertIdentifier", "maintenanceWindow", "maxAllocatedStorage")
    for told in (replica, delayed):
        assert [told[name] for name in inherited] == [primary[name] for name in inherited]
        # Each of these is a change by itself; of backups, a replica has its primary's.
        always = {"replicaMode", "password", "manageMasterUserPassword", "backupRetentionPeriod"}
        assert not told.keys() & {*always, "backupWindow", "allocatedStorage"}
    differing = {name for name in replica if replica[name] != delayed.get(name)}
    assert differing == {"identifier", "parameterGroupName"}


def test_rds_tells_of_the_primary_and_of_its_surroundings_once_it_is_there() -> None:
    stack = servers()
    found = {each.name: each for each in stack.of_type(SUBSCRIPTION)}
    (topic,) = stack.of_type("aws:sns/topic:Topic")
    for each in found.values():
        assert each.inputs["snsTopic"].endswith(f":{topic.inputs['name']}")
        assert each.request.parent == stack.named("primary").urn
        assert "primary-instance" in before(stack, each)
        assert each.request.deleteBeforeReplace
    told = found["primary-told-instance"].inputs
    assert told["sourceIds"] == ["strongroom-production-primary"]
    # Security Hub's RDS.20, RDS.21 and RDS.22 ask for these.
    categories = {
        each.inputs["sourceType"]: set(each.inputs["eventCategories"]) for each in found.values()
    }
    assert categories["db-instance"] >= {"maintenance", "configuration change", "failure"}
    assert categories["db-instance"] >= {"deletion", "failover", "low storage", "recovery"}
    assert categories["db-parameter-group"] == {"configuration change"}
    assert categories["db-security-group"] == {"configuration change", "failure"}


def test_a_parameter_that_takes_a_restart_waits_for_one() -> None:
    told = group(servers(server={"max_connections": "200"}).named("primary-parameters"))
    waiting = {name for name, each in told.items() if each["applyMethod"] == "pending-reboot"}
    cron = {f"cron.{each}" for each in ("database_name", "log_run", "log_statement")}
    assert waiting == {"max_connections", "shared_preload_libraries", *cron}


def test_what_is_fixed_here_is_fixed_on_servers_of_our_own_or_is_rdss() -> None:
    ours = configuration.FIXED
    same = {name for name in FIXED if name in ours}
    on = {"on": "1", "off": "0"}
    assert {name: FIXED[name] for name in same} == {
        name: on.get(ours[name], ours[name]) for name in same
    }
    assert {"log_statement", "log_connections", "log_parameter_max_length"} <= same
    for name in FIXED:
        assert server_settings.refused(name), f"a stack could set {name}"


def test_a_stack_adds_settings_and_cannot_change_ours() -> None:
    told = parameters("app", 100, {"work_mem": "8192", "rds.force_ssl": "0"})
    assert told["work_mem"] == "8192"
    assert told["rds.force_ssl"] == "1"
    assert told["cron.database_name"] == "app"
    assert told["max_slot_wal_keep_size"] == str(25 * 1024)


def test_only_named_groups_come_in() -> None:
    stack = servers(aws={"clients": ["sg-0123456789abcdef0"]})
    rules = [each.inputs for each in stack.of_type(INTO)]
    assert rules
    assert not any(key.startswith("cidr") for each in rules for key in each)
    into = {
        each["referencedSecurityGroupId"]: each["fromPort"]
        for each in rules
        if each["securityGroupId"] == "primary-network-database-id"
    }
    assert into == {
        "primary-network-function-id": 6432,
        "primary-network-clients-id": 6432,
        "sg-0123456789abcdef0": 6432,
    }


def test_a_network_of_ours_has_no_way_out_and_a_door_for_each_service() -> None:
    stack = servers()
    kinds = {each.type for each in stack.registered}
    assert not {kind for kind in kinds if "Gateway" in kind or kind.endswith(":Route")}
    (routes,) = stack.of_type("aws:ec2/routeTable:RouteTable")
    assert "routes" not in routes.inputs
    (closed,) = stack.of_type("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert closed.inputs["ingress"] == closed.inputs["egress"] == []
    subnets = [each.inputs for each in stack.of_type("aws:ec2/subnet:Subnet")]
    assert sorted(each["availabilityZone"][-1] for each in subnets) == ["a", "b", "c"]
    assert {each["cidrBlock"] for each in subnets} == {
        f"10.60.{third}.0/18" for third in (0, 64, 128)
    }
    doors = [each.inputs for each in stack.of_type("aws:ec2/vpcEndpoint:VpcEndpoint")]
    assert {each["serviceName"].rsplit(".", 1)[1] for each in doors} == {"secretsmanager", "rds"}
    assert all("*" not in json.loads(each["policy"])["Statement"][0]["Action"] for each in doors)
    assert len(stack.of_type("aws:ec2/flowLog:FlowLog")) == 1


def test_an_existing_network_is_used_as_it_is() -> None:
    ids = ["subnet-0123456789", "subnet-1123456789"]
    stack = servers(aws={"vpc": "vpc-0123456789", "subnets": ids})
    kinds = {each.type for each in stack.registered}
    made = ("ec2/vpc:", "ec2/subnet:", "vpcEndpoint", "flowLog", "routeTable")
    assert not {kind for kind in kinds if any(each in kind for each in made)}
    (subnets,) = stack.of_type("aws:rds/subnetGroup:SubnetGroup")
    assert subnets.inputs["subnetIds"] == ids
    groups = stack.of_type("aws:ec2/securityGroup:SecurityGroup")
    assert {each.inputs["vpcId"] for each in groups} == {"vpc-0123456789"}


def test_alarms_go_encrypted_to_every_contact_whose_address_is_in_no_name() -> None:
    stack = servers(aws={"contacts": ["ada@example.com", "ops@example.com"]})
    (topic,) = stack.of_type("aws:sns/topic:Topic")
    assert topic.inputs["kmsMasterKeyId"].endswith("watch-key")
    told = stack.of_type("aws:sns/topicSubscription:TopicSubscription")
    assert {each.inputs["endpoint"] for each in told} == {"ada@example.com", "ops@example.com"}
    assert not any("example" in each.urn for each in told)
    key = json.loads(stack.named("primary-watch-key").inputs["policy"])
    services = [each["Principal"].get("Service", []) for each in key["Statement"]]
    assert {"cloudwatch.amazonaws.com", "events.amazonaws.com"} <= {
        one for each in services for one in each
    }


def test_the_provisioner_signs_in_by_token_checking_whom_it_talks_to() -> None:
    seen: dict[str, Any] = {}
    aws = Settings.parse("x", {"aws:region": "eu-west-3", "platform": "aws"}, "test").aws

    def program() -> None:
        primary = Primary("primary", PrimaryArgs("x", "app", aws, Path("/ca.pem")))
        seen.update(primary.sign_in())
        seen["provider"] = primary.provisioner_settings()

    run(program, "x", AwsAnswers())
    assert seen["user"] == "provisioner"
    assert seen["sslmode"] == "verify-full"
    assert seen["aws_region"] == "eu-west-3"
    assert "password" not in {*seen, *seen["provider"]}
    assert seen["provider"]["aws_rds_iam_auth"] is True
