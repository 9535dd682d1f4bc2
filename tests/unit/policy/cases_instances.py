"""For each rule about instances, networks and backups what it objects to, and what it does not."""

from dataclasses import replace

from policy.resource import Secret
from policy.rules.types import (
    EGRESS,
    INGRESS,
    ROUTE,
    SECURITY_GROUP,
    SECURITY_GROUP_RULE,
    SNAPSHOT,
    SNAPSHOT_COPY,
    VAULT,
)
from strongroom.provider.values import UNKNOWN
from tests.unit.policy.scene import (
    DELAYED,
    DELAYED_GROUP,
    FORCED,
    GATEWAY,
    HEART,
    LOCK,
    OF_GROUPS,
    OF_INSTANCES,
    OF_SECURITY,
    PLACE,
    PLACES,
    PLAIN_GROUP,
    PLANNED,
    PRIMARY,
    REPLICA,
    RULE,
    SELECTED,
    SOUND,
    TABLE,
    TAGS,
    TESTED,
    TESTED_WHAT,
    VAULT_HERE,
    Case,
    changed,
    instance,
    instead,
    linked,
    one,
    replica,
    without,
)


def _of(*resources: object) -> list[Case]:
    return [Case((each,)) for each in resources]  # type: ignore[arg-type]


def _plan(**properties: object) -> Case:
    return Case((changed(PLANNED, rules=[{**RULE, **properties}]),))


_OPEN = [{"cidrBlocks": ["10.0.0.0/8", "0.0.0.0/0"]}]
_OPEN_6 = [{"ipv6CidrBlocks": ["::/0"]}]
_CLOSED = [{"cidrBlocks": ["10.0.0.0/8", UNKNOWN], "securityGroups": ["sg-2"]}]
_NAMELESS = one(SNAPSHOT_COPY, kmsKeyId="arn:aws:kms:y", tags=TAGS)
_FREE_TABLE = changed(TABLE, routes=[{"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-9"}])
_UNKNOWN_TABLE = changed(TABLE, routes=[{"cidrBlock": "0.0.0.0/0", "gatewayId": UNKNOWN}])
_ROUTE = one(ROUTE, routeTableId="rtb-a", gatewayId="igw-1")
_NEW_VAULT = changed(VAULT_HERE, name=UNKNOWN)
_NEW_LOCK = changed(LOCK, backupVaultName=UNKNOWN)

#: By the rule's name: cases it objects to, and cases it does not.
INSTANCES: dict[str, tuple[list[Case], list[Case]]] = {
    "rds-private": (
        _of(instance(publiclyAccessible=True), replica(publiclyAccessible=Secret(True))),
        _of(PRIMARY, REPLICA, instance(publiclyAccessible=None)),
    ),
    "rds-encrypted": (
        _of(instance(storageEncrypted=False), instance(storageEncrypted=None)),
        _of(PRIMARY, REPLICA),
    ),
    "rds-multi-az": (_of(instance(multiAz=False), instance(multiAz=None)), _of(PRIMARY, REPLICA)),
    "rds-enhanced-monitoring": (
        _of(instance(monitoringInterval=0), replica(monitoringInterval=None)),
        _of(PRIMARY, REPLICA),
    ),
    "rds-deletion-protection": (
        _of(instance(deletionProtection=False), replica(deletionProtection=None)),
        _of(PRIMARY, REPLICA),
    ),
    "rds-logs-exported": (
        _of(
            instance(enabledCloudwatchLogsExports=["postgresql"]),
            instance(enabledCloudwatchLogsExports=None),
        ),
        _of(PRIMARY, instance(enabledCloudwatchLogsExports=["upgrade", UNKNOWN])),
    ),
    "rds-iam-authentication": (
        _of(instance(iamDatabaseAuthenticationEnabled=False)),
        _of(PRIMARY, REPLICA),
    ),
    "rds-backups": (
        _of(instance(backupRetentionPeriod=6), instance(backupRetentionPeriod=None)),
        _of(PRIMARY, REPLICA, instance(backupRetentionPeriod=7)),
    ),
    "rds-minor-upgrades": (
        _of(instance(autoMinorVersionUpgrade=False)),
        _of(PRIMARY, instance(autoMinorVersionUpgrade=True)),
    ),
    "rds-snapshots-tagged": (_of(instance(copyTagsToSnapshot=False)), _of(PRIMARY)),
    "rds-in-vpc": (
        _of(instance(dbSubnetGroupName=None), instance(vpcSecurityGroupIds=[])),
        _of(PRIMARY, REPLICA),
    ),
    "rds-port": (
        _of(instance(port=5432), instance(port=None), replica(port=5432)),
        _of(PRIMARY, REPLICA),
    ),
    "rds-master-name": (
        _of(instance(username="postgres"), instance(username=Secret("Admin"))),
        _of(PRIMARY, REPLICA),
    ),
    "rds-tls": (
        _of(
            changed(PLAIN_GROUP, parameters=[]),
            changed(PLAIN_GROUP, parameters=[{**FORCED, "value": "0"}]),
            instance(parameterGroupName=None),
        ),
        _of(
            PLAIN_GROUP,
            PRIMARY,
            changed(PLAIN_GROUP, family="mysql8.4", parameters=[]),
            changed(PLAIN_GROUP, parameters=[UNKNOWN]),
            changed(PLAIN_GROUP, parameters=[{**FORCED, "value": UNKNOWN}]),
        ),
    ),
    "rds-tagged": (
        _of(instance(tags=None), changed(PLACES, tags={}), one(SNAPSHOT)),
        _of(
            PRIMARY,
            PLACES,
            instance(tags=None, tagsAll=TAGS),
            replace(one(SNAPSHOT), provider={"defaultTags": '{"tags": {"stack": "x"}}'}),
        ),
    ),
    "rds-snapshot-private": (
        _of(one(SNAPSHOT, sharedAccounts=["all"])),
        _of(one(SNAPSHOT), one(SNAPSHOT, sharedAccounts=["123456789012", UNKNOWN])),
    ),
    "rds-snapshot-encrypted": (_of(changed(_NAMELESS, kmsKeyId=None)), _of(_NAMELESS)),
    "rds-instance-events": (
        [
            without(OF_INSTANCES),
            instead(OF_INSTANCES, changed(OF_INSTANCES, enabled=False)),
            instead(OF_INSTANCES, changed(OF_INSTANCES, eventCategories=["failure"])),
        ],
        [
            Case(SOUND),
            instead(OF_INSTANCES, changed(OF_INSTANCES, eventCategories=None)),
            instead(OF_INSTANCES, changed(OF_INSTANCES, sourceType=None)),
            instead(OF_INSTANCES, changed(OF_INSTANCES, sourceType=UNKNOWN)),
        ],
    ),
    "rds-parameter-events": ([without(OF_GROUPS)], [Case(SOUND)]),
    "rds-security-group-events": ([without(OF_SECURITY)], [Case(SOUND)]),
    "rds-private-subnets": (
        [
            instead(PLACE, changed(PLACE, mapPublicIpOnLaunch=True)),
            instead(TABLE, _FREE_TABLE),
            instead(TABLE, linked(_UNKNOWN_TABLE, routes=GATEWAY)),
            Case((*SOUND, _ROUTE)),
            Case((*SOUND, linked(changed(_ROUTE, gatewayId=UNKNOWN), gatewayId=GATEWAY))),
        ],
        [
            Case(SOUND),
            instead(TABLE, _UNKNOWN_TABLE),
            Case((*SOUND, changed(_ROUTE, routeTableId="rtb-b"))),
        ],
    ),
    "floor-retention": (_of(instance(backupRetentionPeriod=34)), _of(PRIMARY, REPLICA)),
    "floor-final-snapshot": (
        _of(instance(skipFinalSnapshot=True), instance(finalSnapshotIdentifier=None)),
        _of(PRIMARY, REPLICA, instance(finalSnapshotIdentifier=UNKNOWN)),
    ),
    "floor-delayed-replica": (
        [
            without(REPLICA),
            without(DELAYED_GROUP),
            instead(DELAYED_GROUP, changed(DELAYED_GROUP, parameters=[{**DELAYED, "value": "0"}])),
            instead(REPLICA, replica(parameterGroupName="plain")),
        ],
        [
            Case(SOUND),
            instead(
                REPLICA,
                linked(replica(parameterGroupName=UNKNOWN), parameterGroupName=DELAYED_GROUP),
            ),
        ],
    ),
    "floor-heartbeat": (
        [without(HEART), instead(HEART, changed(HEART, treatMissingData="notBreaching"))],
        [Case(SOUND), without(HEART, REPLICA)],
    ),
    "backup-encrypted": (
        _of(changed(VAULT_HERE, kmsKeyArn=None)),
        _of(VAULT_HERE, changed(VAULT_HERE, kmsKeyArn=UNKNOWN)),
    ),
    "backup-tagged": (
        _of(changed(VAULT_HERE, tags=None), changed(PLANNED, tags={})),
        _of(VAULT_HERE, PLANNED),
    ),
    "backup-planned": (
        [without(SELECTED), instead(SELECTED, changed(SELECTED, resources=["arn:aws:s3:::x"]))],
        [
            Case(SOUND),
            instead(SELECTED, changed(SELECTED, resources=["*"])),
            instead(SELECTED, changed(SELECTED, resources=["arn:aws:rds:*:*:db:*"])),
            instead(SELECTED, linked(changed(SELECTED, resources=[UNKNOWN]), resources=PRIMARY)),
            instead(
                SELECTED,
                changed(
                    SELECTED,
                    resources=[],
                    selectionTags=[{"key": "environment", "value": "production"}],
                ),
            ),
        ],
    ),
    "backup-daily": (
        [
            _plan(lifecycle={"deleteAfter": 34}),
            _plan(schedule="cron(0 3 ? * 1 *)"),
            _plan(schedule=None),
        ],
        [
            *_of(PLANNED, changed(PLANNED, rules=UNKNOWN)),
            _plan(lifecycle=None),
            _plan(schedule="rate(12 hours)"),
            _plan(schedule=UNKNOWN),
        ],
    ),
    "backup-in-second-region": (
        [
            _plan(copyActions=[]),
            _plan(copyActions=[{"destinationVaultArn": "arn:aws:backup:eu-central-1:1:v"}]),
        ],
        [*_of(PLANNED), _plan(copyActions=[{"destinationVaultArn": UNKNOWN}])],
    ),
    "backup-locked": (
        [
            without(LOCK),
            instead(LOCK, changed(LOCK, minRetentionDays=6)),
            instead(LOCK, changed(LOCK, minRetentionDays=None)),
            Case((*SOUND, changed(VAULT_HERE, name="copy"))),
            Case((changed(VAULT_HERE, region="eu-west-1"), changed(LOCK, region="eu-central-1"))),
            Case(
                (
                    VAULT_HERE,
                    one(VAULT, "copy", name="vault"),
                    linked(LOCK, backupVaultName=VAULT_HERE),
                )
            ),
        ],
        [
            Case(SOUND),
            instead(LOCK, changed(LOCK, minRetentionDays=UNKNOWN)),
            Case((_NEW_VAULT, linked(_NEW_LOCK, backupVaultName=VAULT_HERE))),
        ],
    ),
    "backup-restore-tested": ([without(TESTED), without(TESTED_WHAT)], [Case(SOUND)]),
    "network-no-open-way-in": (
        _of(
            one(INGRESS, cidrIpv4="0.0.0.0/0"),
            one(INGRESS, cidrIpv6="::/0"),
            one(SECURITY_GROUP, ingress=_OPEN),
            one(SECURITY_GROUP, ingress=_OPEN_6),
            one(SECURITY_GROUP_RULE, type="ingress", cidrBlocks=["0.0.0.0/0"]),
        ),
        _of(
            one(INGRESS, referencedSecurityGroupId="sg-2"),
            one(INGRESS, cidrIpv4=UNKNOWN),
            one(SECURITY_GROUP, ingress=_CLOSED, egress=_OPEN),
            one(SECURITY_GROUP_RULE, type="egress", cidrBlocks=["0.0.0.0/0"]),
        ),
    ),
    "network-no-open-way-out": (
        _of(
            one(EGRESS, cidrIpv4="0.0.0.0/0"),
            one(EGRESS, cidrIpv4="0.0.0.0/0", fromPort=0, toPort=443),
            one(SECURITY_GROUP, egress=_OPEN_6),
            one(SECURITY_GROUP_RULE, type="egress", ipv6CidrBlocks=["::/0"]),
        ),
        _of(
            one(EGRESS, prefixListId="pl-1"),
            one(EGRESS, cidrIpv4="0.0.0.0/0", ipProtocol="tcp", fromPort=443, toPort=443),
            one(SECURITY_GROUP, egress=[UNKNOWN], ingress=_OPEN),
            one(SECURITY_GROUP_RULE, type="egress", sourceSecurityGroupId="sg-2"),
        ),
    ),
}
