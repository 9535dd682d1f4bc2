"""Every rule on what is done to a stack's own resources on AWS, as values.

CloudTrail tells of calls that were refused as well, and EventBridge gets them only where a trail
logs management events. What the pipelines' roles do is not told, save for what destroys.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.aws.events import EventRule, call_rule, instance_rule
from strongroom.aws_names import Names

#: A field that is not there, such as a role of who signed in without one.
_ABSENT: Mapping[str, Any] = {"exists": False}

#: What RDS says of a replica; the primary has a subscription.
_TOLD_OF_REPLICAS = (
    *("availability", "configuration change", "deletion", "failover", "failure", "low storage"),
    *("maintenance", "notification", "read replica", "recovery", "restoration"),
)

_BY_BACKUP = "backup.amazonaws.com"


def outside(roles: Sequence[str], *, backup: bool = False) -> dict[str, Any]:
    """Who is neither a pipeline nor, when asked so, AWS Backup, as part of an event's detail.

    Args:
        roles: ARNs of the pipelines' roles; without any, everybody is outside.
        backup: whether AWS Backup is inside.
    """
    identity: dict[str, Any] = {}
    if roles:
        issuer = {"arn": [_ABSENT, {"anything-but": list(roles)}]}
        identity["sessionContext"] = {"sessionIssuer": issuer}
    if backup:
        identity["invokedBy"] = [_ABSENT, {"anything-but": [_BY_BACKUP]}]
    return {"userIdentity": identity} if identity else {}


def asked(**parameters: Sequence[Any]) -> dict[str, Any]:
    """What a call was asked for, as part of an event's detail."""
    return {"requestParameters": parameters}


def data_rules(
    names: Names, roles: Sequence[str], group: pulumi.Input[str]
) -> tuple[EventRule, ...]:
    """Rules on whatever holds the data, or opens a way to it.

    Args:
        names: of the stack.
        roles: ARNs of the pipelines' roles.
        group: the id of the database's security group.
    """
    identifiers = (names.primary, names.replica, names.delayed)
    # RDS takes an identifier in any case.
    ours = [{"equals-ignore-case": each} for each in identifiers]
    instance = asked(dBInstanceIdentifier=ours)
    return (
        call_rule(
            "unprotected",
            "Deletion protection of an instance was turned off, by a pipeline or by hand. Unless "
            "it is being taken down on purpose, turn it on: `up` does.",
            "rds",
            ["ModifyDBInstance"],
            asked(dBInstanceIdentifier=ours, deletionProtection=[False]),
        ),
        call_rule(
            "instance-deleted",
            "An instance is being deleted, stopped, or promoted. If nobody meant it: its backups, "
            "its final snapshot, the vault and the delayed replica still have the data.",
            "rds",
            ["DeleteDBInstance", "StopDBInstance", "PromoteReadReplica"],
            instance,
        ),
        call_rule(
            "instance-changed",
            "An instance was changed outside the pipelines. `strongroom drift` shows what; `up "
            "--refresh` puts it right. Root's function does this once, when it sets the first "
            "password.",
            "rds",
            ["ModifyDBInstance", "RebootDBInstance", "StartDBInstance"],
            instance | outside(roles),
        ),
        call_rule(
            "parameters-changed",
            "A parameter group of this account was changed outside the pipelines, perhaps so that "
            "less is logged. `strongroom drift` shows what; `up --refresh` puts it right.",
            "rds",
            ["ModifyDBParameterGroup", "ResetDBParameterGroup", "DeleteDBParameterGroup"],
            # Of the whole account: their names are the engine's.
            outside(roles),
        ),
        call_rule(
            "snapshot-shared",
            "A snapshot was made readable for another account or for everybody. Take it back with "
            "modify-db-snapshot-attribute, and treat its data as known to others.",
            "rds",
            ["ModifyDBSnapshotAttribute"],
            asked(attributeName=["restore"], valuesToAdd=[{"exists": True}]),
        ),
        call_rule(
            "data-copied",
            "Data was copied, exported, restored beside the stack, or a copy of it was deleted, "
            "outside the pipelines and AWS Backup. Ask who did; nothing guards such a copy.",
            "rds",
            [
                *("CopyDBSnapshot", "StartExportTask", "RestoreDBInstanceFromDBSnapshot"),
                *("RestoreDBInstanceToPointInTime", "CreateDBInstanceReadReplica"),
                *("DeleteDBSnapshot", "DeleteDBInstanceAutomatedBackup"),
                "StopDBInstanceAutomatedBackupsReplication",
            ],
            outside(roles, backup=True),
        ),
        call_rule(
            "key-disabled",
            "A key of this account is disabled or will be deleted: what it encrypts is lost with "
            "it. `aws kms cancel-key-deletion`, then `enable-key`; within its waiting time only.",
            "kms",
            ["DisableKey", "ScheduleKeyDeletion", "DisableKeyRotation"],
            {},
        ),
        call_rule(
            "way-in",
            "A way into the database's security group was opened outside the pipelines. Close it: "
            "`up --refresh` does.",
            "ec2",
            ["AuthorizeSecurityGroupIngress", "ModifySecurityGroupRules"],
            {
                "$or": [
                    asked(groupId=[group]),
                    {
                        "requestParameters": {
                            "ModifySecurityGroupRulesRequest": {"GroupId": [group]}
                        }
                    },
                ]
            }
            | outside(roles),
        ),
        instance_rule(
            "replica-event",
            "RDS says this of a replica. A failure or a deletion: without it there is no copy that "
            "still has what was dropped; make it again with `up`.",
            {
                "EventCategories": list(_TOLD_OF_REPLICAS),
                "SourceArn": [{"suffix": f":db:{each}"} for each in (names.replica, names.delayed)],
            },
        ),
    )


def watch_rules(names: Names, roles: Sequence[str]) -> tuple[EventRule, ...]:
    """Rules on the watch itself, outside the pipelines.

    Whoever deletes all rules, these first, is not told: `strongroom drift` finds that.

    Args:
        names: of the stack.
        roles: ARNs of the pipelines' roles.
    """
    begins = [{"prefix": f"{names.stem}-"}]
    group = [{"prefix": f"/aws/rds/instance/{names.stem}-"}]

    def rule(
        name: str, what: str, service: str, calls: Sequence[str], detail: dict[str, Any]
    ) -> EventRule:
        means = f"{what} was changed outside the pipelines, so that less is told. `up --refresh` "
        return call_rule(name, f"{means}puts it right.", service, calls, detail | outside(roles))

    return (
        rule(
            "watch-rules",
            "A rule of the watch",
            "events",
            ["DeleteRule", "DisableRule", "PutRule", "PutTargets", "RemoveTargets"],
            {"$or": [asked(name=begins), asked(rule=begins)]},
        ),
        rule(
            "watch-alarms",
            "An alarm of the watch",
            "monitoring",
            ["DeleteAlarms", "DisableAlarmActions", "PutMetricAlarm", "SetAlarmState"],
            {"$or": [asked(alarmNames=begins), asked(alarmName=begins)]},
        ),
        rule(
            "watch-logs",
            "The database's log or what is looked for in it",
            "logs",
            [
                *("DeleteLogGroup", "DeleteLogStream", "DeleteMetricFilter", "PutMetricFilter"),
                *("PutRetentionPolicy", "DisassociateKmsKey"),
            ],
            asked(logGroupName=group),
        ),
        rule(
            "watch-topic",
            "The topic of the alarms or who gets them",
            "sns",
            [
                *("DeleteTopic", "SetTopicAttributes", "AddPermission", "RemovePermission"),
                *("Unsubscribe", "SetSubscriptionAttributes"),
            ],
            {
                "$or": [
                    asked(topicArn=[{"suffix": f":{names.topic}"}]),
                    asked(subscriptionArn=[{"wildcard": f"*:{names.topic}:*"}]),
                ]
            },
        ),
        rule(
            "watch-subscription",
            "A subscription of RDS's events",
            "rds",
            [
                *("DeleteEventSubscription", "ModifyEventSubscription"),
                "RemoveSourceIdentifierFromSubscription",
            ],
            asked(subscriptionName=begins),
        ),
        rule(
            "watch-trail",
            "A trail of this account",
            "cloudtrail",
            ["DeleteTrail", "StopLogging", "UpdateTrail", "PutEventSelectors"],
            {},
        ),
    )
