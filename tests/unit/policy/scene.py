"""A production stack on AWS that satisfies every rule, for tests to spoil."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policy.resource import Resource
from policy.rule import Objection, Resources
from policy.rules import RULES
from policy.rules.types import (
    ALARM,
    EVENTS,
    INSTANCE,
    INTERNET_GATEWAY,
    KEY,
    PARAMETERS,
    PLAN,
    RESTORE_TEST,
    RESTORE_TESTED,
    ROUTE_ASSOCIATION,
    ROUTE_TABLE,
    SELECTION,
    SUBNET,
    SUBNETS,
    TOPIC,
    VAULT,
    VAULT_LOCK,
)
from policy.stack import Stack
from strongroom.tiers import Tier

STACK = Stack(
    region="eu-central-1",
    tiers={"ada": Tier.SENIOR, "chiara": Tier.MID, "esra": Tier.JUNIOR},
    services=frozenset({"web", "migrator"}),
    migrations=frozenset({"migrator"}),
)
BY_NAME = {rule.name: rule for rule in RULES}
TAGS = {"environment": "production"}
DELAYED = {"name": "recovery_min_apply_delay", "value": "14400000"}
FORCED = {"name": "rds.force_ssl", "value": "1"}


@dataclass(frozen=True)
class Case:
    """What one rule is asked.

    Attributes:
        resources: one resource, or all of a stack.
        stack: where.
    """

    resources: tuple[Resource, ...]
    stack: Stack = STACK

    def asked(self, rule: str) -> list[Objection]:
        """What the rule says, asked as the engine asks it."""
        return objections(self.resources, self.stack, rule)


def objections(resources: tuple[Resource, ...], stack: Stack, *rules: str) -> list[Objection]:
    """What some rules say, or all."""
    asked = [BY_NAME[name] for name in rules] or list(RULES)
    found = [each for rule in asked for one in resources for each in rule.objections(one, stack)]
    for rule in asked:
        found += rule.objections_to_all(Resources(resources), stack)
    return found


def one(kind: str, name: str = "x", /, *, protect: bool = False, **properties: Any) -> Resource:
    """A resource with these properties."""
    return Resource(kind, name, properties, protect, urn=f"urn:{kind}::{name}")


def linked(resource: Resource, **after: Resource) -> Resource:
    """The same resource, whose properties come from others."""
    links = {key: frozenset({other.urn}) for key, other in after.items()}
    fields = (resource.type, resource.name, resource.properties, resource.protect, resource.urn)
    return Resource(*fields, links)


def changed(resource: Resource, **properties: Any) -> Resource:
    """The same resource with other properties; None takes one away."""
    new: Mapping[str, Any] = {**resource.properties, **properties}
    kept = {key: value for key, value in new.items() if value is not None}
    fields = (resource.type, resource.name, kept, resource.protect, resource.urn)
    return Resource(*fields, resource.after)


def policy(**statement: Any) -> str:
    """A policy document of one statement."""
    return json.dumps({"Statement": [{"Effect": "Allow", "Action": "sns:Publish", **statement}]})


def instance(**properties: Any) -> Resource:
    """The primary, changed."""
    return changed(PRIMARY, **properties)


def replica(**properties: Any) -> Resource:
    """The delayed replica, changed."""
    return changed(REPLICA, **properties)


def without(*gone: Resource) -> Case:
    """The sound stack without some resources."""
    return Case(tuple(each for each in SOUND if all(each is not one for one in gone)))


def instead(of: Resource, *others: Resource) -> Case:
    """The sound stack with others in place of one."""
    return Case((*(each for each in SOUND if each is not of), *others))


PRIMARY = one(
    INSTANCE,
    "primary",
    protect=True,
    arn="arn:aws:rds:eu-central-1:123456789012:db:primary",
    engine="postgres",
    username="root",
    port=6432,
    publiclyAccessible=False,
    storageEncrypted=True,
    multiAz=True,
    monitoringInterval=60,
    deletionProtection=True,
    enabledCloudwatchLogsExports=["postgresql", "upgrade"],
    iamDatabaseAuthenticationEnabled=True,
    backupRetentionPeriod=35,
    copyTagsToSnapshot=True,
    dbSubnetGroupName="private",
    vpcSecurityGroupIds=["sg-1"],
    parameterGroupName="plain",
    finalSnapshotIdentifier="primary-final-7f3a",
    tags=TAGS,
)
REPLICA = one(
    INSTANCE,
    "delayed",
    protect=True,
    replicateSourceDb="primary",
    parameterGroupName="delayed",
    monitoringInterval=60,
    deletionProtection=True,
    enabledCloudwatchLogsExports=["postgresql", "upgrade"],
    iamDatabaseAuthenticationEnabled=True,
    copyTagsToSnapshot=True,
    skipFinalSnapshot=True,
    tags=TAGS,
)
PLAIN_GROUP = one(
    PARAMETERS, "plain", name="plain", family="postgres17", parameters=[FORCED], tags=TAGS
)
DELAYED_GROUP = one(
    PARAMETERS, "delayed", name="delayed", family="postgres17", parameters=[FORCED, DELAYED]
)
KEY_OF_VAULT = one(KEY, "vault", protect=True, enableKeyRotation=True)
VAULT_HERE = one(VAULT, "vault", protect=True, name="vault", kmsKeyArn="arn:aws:kms:x", tags=TAGS)
LOCK = one(VAULT_LOCK, "lock", backupVaultName="vault", minRetentionDays=7)
RULE = {
    "ruleName": "daily",
    "schedule": "cron(0 3 * * ? *)",
    "lifecycle": {"deleteAfter": 35},
    "copyActions": [{"destinationVaultArn": "arn:aws:backup:eu-west-1:1:backup-vault:copy"}],
}
PLANNED = one(PLAN, "plan", rules=[RULE], tags=TAGS)
SELECTED = one(SELECTION, "selection", resources=[PRIMARY.get("arn")])
TESTED = one(RESTORE_TEST, "test")
TESTED_WHAT = one(RESTORE_TESTED, "tested", protectedResourceType="RDS")
ALARMS = one(TOPIC, "alarms", kmsMasterKeyId="alias/alarms")
HEART = one(
    ALARM,
    "delayed-heartbeat",
    metricName="Heartbeat",
    treatMissingData="breaching",
    alarmActions=["arn:aws:sns:eu-central-1:1:alarms"],
)
OF_INSTANCES = one(
    EVENTS,
    "instances",
    sourceType="db-instance",
    eventCategories=["maintenance", "configuration change", "failure", "deletion"],
)
OF_GROUPS = one(
    EVENTS, "groups", sourceType="db-parameter-group", eventCategories=["configuration change"]
)
OF_SECURITY = one(
    EVENTS,
    "security",
    sourceType="db-security-group",
    eventCategories=["configuration change", "failure"],
)
PLACE = one(SUBNET, "a", id="subnet-a", mapPublicIpOnLaunch=False)
PLACES = one(SUBNETS, "private", subnetIds=["subnet-a"], tags=TAGS)
TABLE = one(ROUTE_TABLE, "isolated", id="rtb-a", routes=[])
LINK = one(ROUTE_ASSOCIATION, "a", subnetId="subnet-a", routeTableId="rtb-a")
GATEWAY = one(INTERNET_GATEWAY, "elsewhere", id="igw-1")

#: A whole stack without anything to object to.
SOUND = (
    *(PRIMARY, REPLICA, PLAIN_GROUP, DELAYED_GROUP, KEY_OF_VAULT, VAULT_HERE, LOCK, PLANNED),
    *(SELECTED, TESTED, TESTED_WHAT, ALARMS, HEART, OF_INSTANCES, OF_GROUPS, OF_SECURITY),
    *(PLACE, PLACES, TABLE, LINK, GATEWAY),
)
