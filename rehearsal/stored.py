"""Reading resources back: which call of AWS tells what it stored of each type."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from rehearsal.engine import Resource

#: Gives the client of a service in the resource's region.
Client = Callable[[str], Any]
#: Finds out what the API holds of a resource.
Reader = Callable[[Client, Resource], Any]


def _one(service: str, operation: str, key: str, **by: str) -> Reader:
    """The first entry of a list that is asked for by the resource's outputs.

    `by` names for each parameter the output it takes; a parameter that is a list ends with s.
    """

    def read(client: Client, resource: Resource) -> Any:
        wanted = {name: _value(name, resource, output) for name, output in by.items()}
        found = getattr(client(service), operation)(**wanted)
        answered = found[key] if key else found
        return (answered or [None])[0] if isinstance(answered, list) else answered

    return read


def _value(parameter: str, resource: Resource, output: str) -> Any:
    value = resource.id if output == "id" else resource.outputs.get(output)
    listed = parameter.endswith(("Ids", "Names")) and not parameter.startswith("Policy")
    return [value] if listed else value


def _rule(client: Client, resource: Resource) -> Any:
    found = client("ec2").describe_security_group_rules(SecurityGroupRuleIds=[resource.id])
    return found["SecurityGroupRules"][0]


def _association(client: Client, resource: Resource) -> Any:
    tables = client("ec2").describe_route_tables(RouteTableIds=[resource.outputs["routeTableId"]])
    held = tables["RouteTables"][0]["Associations"]
    return next((each for each in held if each["RouteTableAssociationId"] == resource.id), None)


def _parameters(client: Client, resource: Resource) -> Any:
    name, rds = resource.outputs["name"], client("rds")
    group = rds.describe_db_parameter_groups(DBParameterGroupName=name)["DBParameterGroups"][0]
    found = rds.describe_db_parameters(DBParameterGroupName=name)["Parameters"]
    return {
        **group,
        "parameters": [
            {
                "name": each["ParameterName"],
                "value": each["ParameterValue"],
                "applyMethod": each.get("ApplyMethod"),
            }
            for each in found
        ],
    }


def _vpc(client: Client, resource: Resource) -> Any:
    ec2 = client("ec2")
    found = ec2.describe_vpcs(VpcIds=[resource.id])["Vpcs"][0]
    for name in ("enableDnsHostnames", "enableDnsSupport"):
        told = ec2.describe_vpc_attribute(VpcId=resource.id, Attribute=name)
        found[name] = told[f"E{name[1:]}"]["Value"]
    return found


def _subscription(client: Client, resource: Resource) -> Any:
    found = client("rds").describe_event_subscriptions(SubscriptionName=resource.outputs["name"])
    return found["EventSubscriptionsList"][0]


def _key(client: Client, resource: Resource) -> Any:
    kms = client("kms")
    return {
        **kms.describe_key(KeyId=resource.id)["KeyMetadata"],
        "enableKeyRotation": kms.get_key_rotation_status(KeyId=resource.id)["KeyRotationEnabled"],
        "policy": kms.get_key_policy(KeyId=resource.id, PolicyName="default")["Policy"],
    }


def _alias(client: Client, resource: Resource) -> Any:
    pages = client("kms").get_paginator("list_aliases").paginate()
    aliases = (each for page in pages for each in page["Aliases"])
    return next((each for each in aliases if each["AliasName"] == resource.id), None)


def _attachment(client: Client, resource: Resource) -> Any:
    role = resource.outputs["role"]
    held = client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    arn = resource.outputs["policyArn"]
    return next(({**each, "role": role} for each in held if each["PolicyArn"] == arn), None)


def _role_policy(client: Client, resource: Resource) -> Any:
    role, _, name = resource.id.partition(":")
    found = client("iam").get_role_policy(RoleName=role, PolicyName=name)
    return {"role": role, "name": name, "policy": found["PolicyDocument"]}


def _permission(client: Client, resource: Resource) -> Any:
    policy = client("lambda").get_policy(FunctionName=resource.outputs["function"])["Policy"]
    statements = json.loads(policy)["Statement"]
    return next((each for each in statements if each["Sid"] == resource.id), None)


def _function(client: Client, resource: Resource) -> Any:
    found = client("lambda").get_function(FunctionName=resource.id)
    return {**found["Configuration"], **found.get("Concurrency", {})}


def _topic_policy(client: Client, resource: Resource) -> Any:
    found = client("sns").get_topic_attributes(TopicArn=resource.outputs["arn"])["Attributes"]
    return {"arn": found["TopicArn"], "policy": found["Policy"]}


def _queue(client: Client, resource: Resource) -> Any:
    found = client("sqs").get_queue_attributes(QueueUrl=resource.id, AttributeNames=["All"])
    return {**found["Attributes"], "name": found["Attributes"]["QueueArn"].rpartition(":")[2]}


def _log_group(client: Client, resource: Resource) -> Any:
    found = client("logs").describe_log_groups(logGroupNamePrefix=resource.id)["logGroups"]
    return next((each for each in found if each["logGroupName"] == resource.id), None)


def _filter(client: Client, resource: Resource) -> Any:
    name, group = resource.outputs["name"], resource.outputs["logGroupName"]
    found = client("logs").describe_metric_filters(logGroupName=group, filterNamePrefix=name)
    return next((each for each in found["metricFilters"] if each["filterName"] == name), None)


def _target(client: Client, resource: Resource) -> Any:
    told = resource.outputs
    where = {"Rule": told["rule"], "EventBusName": told.get("eventBusName", "default")}
    found = client("events").list_targets_by_rule(**where)["Targets"]
    return next(({**each, **where} for each in found if each["Id"] == told["targetId"]), None)


def _alias_of_function(client: Client, resource: Resource) -> Any:
    name, alias = resource.outputs["functionName"], resource.outputs["name"]
    return client("lambda").get_alias(FunctionName=name.rpartition(":")[2], Name=alias)


def _replicated(client: Client, resource: Resource) -> Any:
    asked = {"DBInstanceAutomatedBackupsArn": resource.id}
    found = client("rds").describe_db_instance_automated_backups(**asked)
    return next(iter(found["DBInstanceAutomatedBackups"]), None)


def _plan(client: Client, resource: Resource) -> Any:
    return client("backup").get_backup_plan(BackupPlanId=resource.id)["BackupPlan"]


#: By the type's name in the SDK. A type that is not here is told as one nobody reads back.
READERS: Mapping[str, Reader] = {
    "backup/Plan": _plan,
    "backup/RestoreTestingPlan": _one(
        "backup", "get_restore_testing_plan", "RestoreTestingPlan", RestoreTestingPlanName="name"
    ),
    "backup/RestoreTestingSelection": _one(
        "backup",
        "get_restore_testing_selection",
        "RestoreTestingSelection",
        RestoreTestingPlanName="restoreTestingPlanName",
        RestoreTestingSelectionName="name",
    ),
    "backup/Selection": _one(
        "backup", "get_backup_selection", "BackupSelection", BackupPlanId="planId", SelectionId="id"
    ),
    "backup/Vault": _one("backup", "describe_backup_vault", "", BackupVaultName="name"),
    "backup/VaultLockConfiguration": _one(
        "backup", "describe_backup_vault", "", BackupVaultName="backupVaultName"
    ),
    "backup/VaultPolicy": _one(
        "backup", "get_backup_vault_access_policy", "", BackupVaultName="backupVaultName"
    ),
    "cloudwatch/EventRule": _one("events", "describe_rule", "", Name="name"),
    "cloudwatch/EventTarget": _target,
    "cloudwatch/LogGroup": _log_group,
    "cloudwatch/LogMetricFilter": _filter,
    "cloudwatch/MetricAlarm": _one(
        "cloudwatch", "describe_alarms", "MetricAlarms", AlarmNames="name"
    ),
    "ec2/DefaultSecurityGroup": _one(
        "ec2", "describe_security_groups", "SecurityGroups", GroupIds="id"
    ),
    "ec2/FlowLog": _one("ec2", "describe_flow_logs", "FlowLogs", FlowLogIds="id"),
    "ec2/RouteTable": _one("ec2", "describe_route_tables", "RouteTables", RouteTableIds="id"),
    "ec2/RouteTableAssociation": _association,
    "ec2/SecurityGroup": _one("ec2", "describe_security_groups", "SecurityGroups", GroupIds="id"),
    "ec2/Subnet": _one("ec2", "describe_subnets", "Subnets", SubnetIds="id"),
    "ec2/Vpc": _vpc,
    "ec2/VpcEndpoint": _one("ec2", "describe_vpc_endpoints", "VpcEndpoints", VpcEndpointIds="id"),
    "iam/Role": _one("iam", "get_role", "Role", RoleName="name"),
    "iam/RolePolicy": _role_policy,
    "iam/RolePolicyAttachment": _attachment,
    "kms/Alias": _alias,
    "kms/Key": _key,
    "lambda/Function": _function,
    "lambda/Alias": _alias_of_function,
    "lambda/EventSourceMapping": _one("lambda", "get_event_source_mapping", "", UUID="uuid"),
    "lambda/Permission": _permission,
    "rds/EventSubscription": _subscription,
    "rds/Instance": _one(
        "rds", "describe_db_instances", "DBInstances", DBInstanceIdentifier="identifier"
    ),
    "rds/InstanceAutomatedBackupsReplication": _replicated,
    "rds/ParameterGroup": _parameters,
    "rds/SubnetGroup": _one(
        "rds", "describe_db_subnet_groups", "DBSubnetGroups", DBSubnetGroupName="name"
    ),
    "secretsmanager/Secret": _one("secretsmanager", "describe_secret", "", SecretId="id"),
    "secretsmanager/SecretPolicy": _one(
        "secretsmanager", "get_resource_policy", "", SecretId="secretArn"
    ),
    "secretsmanager/SecretRotation": _one(
        "secretsmanager", "describe_secret", "", SecretId="secretId"
    ),
    "sns/Topic": _one("sns", "get_topic_attributes", "Attributes", TopicArn="arn"),
    "sns/TopicPolicy": _topic_policy,
    "sns/TopicSubscription": _one(
        "sns", "get_subscription_attributes", "Attributes", SubscriptionArn="arn"
    ),
    "sqs/Queue": _queue,
    "vpc/SecurityGroupEgressRule": _rule,
    "vpc/SecurityGroupIngressRule": _rule,
}
