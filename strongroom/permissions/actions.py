"""What the aws plugin asks AWS for, by service: to look, to declare, and to end."""

from collections.abc import Mapping

#: By service, in IAM's words.
Actions = Mapping[str, tuple[str, ...]]

#: What a preview and a refresh read.
LOOKING: Actions = {
    "backup": (
        *("DescribeBackupVault", "GetBackupPlan", "GetBackupSelection"),
        *("GetBackupVaultAccessPolicy", "GetRestoreTestingPlan", "GetRestoreTestingSelection"),
        "ListTags",
    ),
    "cloudwatch": ("DescribeAlarms", "ListTagsForResource"),
    "ec2": (
        *("DescribeFlowLogs", "DescribeNetworkAcls", "DescribeNetworkInterfaces"),
        *("DescribePrefixLists", "DescribeRouteTables", "DescribeSecurityGroupRules"),
        *("DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcAttribute"),
        *("DescribeVpcEndpoints", "DescribeVpcs"),
    ),
    "events": ("DescribeRule", "ListTagsForResource", "ListTargetsByRule"),
    "iam": (
        *("GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies"),
        "ListRoleTags",
    ),
    "kms": (
        *("DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus", "ListAliases"),
        "ListResourceTags",
    ),
    "lambda": (
        *("GetAlias", "GetEventSourceMapping", "GetFunction", "GetFunctionCodeSigningConfig"),
        *("GetPolicy", "ListTags", "ListVersionsByFunction"),
    ),
    "logs": ("DescribeLogGroups", "DescribeMetricFilters", "ListTagsForResource"),
    "rds": (
        *("DescribeDBInstanceAutomatedBackups", "DescribeDBInstances"),
        *("DescribeDBParameterGroups", "DescribeDBParameters", "DescribeDBSnapshots"),
        *("DescribeDBSubnetGroups", "DescribeEventSubscriptions", "ListTagsForResource"),
    ),
    "secretsmanager": ("DescribeSecret", "GetResourcePolicy"),
    "sns": ("GetSubscriptionAttributes", "GetTopicAttributes", "ListTagsForResource"),
    "sqs": ("GetQueueAttributes", "GetQueueUrl", "ListQueueTags"),
}

#: What an update makes and changes besides.
DECLARING: Actions = {
    "backup": (
        *("CreateBackupPlan", "CreateBackupSelection", "CreateBackupVault"),
        *("CreateRestoreTestingPlan", "CreateRestoreTestingSelection", "DeleteBackupPlan"),
        *("DeleteBackupSelection", "DeleteRestoreTestingPlan", "DeleteRestoreTestingSelection"),
        *("PutBackupVaultAccessPolicy", "PutBackupVaultLockConfiguration", "TagResource"),
        *("UntagResource", "UpdateBackupPlan", "UpdateRestoreTestingPlan"),
        "UpdateRestoreTestingSelection",
    ),
    "cloudwatch": ("DeleteAlarms", "PutMetricAlarm", "TagResource", "UntagResource"),
    "ec2": (
        *("AssociateRouteTable", "AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress"),
        *("CreateFlowLogs", "CreateRouteTable", "CreateSecurityGroup", "CreateSubnet"),
        *("CreateTags", "CreateVpc", "CreateVpcEndpoint", "DeleteFlowLogs", "DeleteRouteTable"),
        *("DeleteSecurityGroup", "DeleteSubnet", "DeleteTags", "DeleteVpc", "DeleteVpcEndpoints"),
        *("DisassociateRouteTable", "ModifySecurityGroupRules", "ModifySubnetAttribute"),
        *("ModifyVpcAttribute", "ModifyVpcEndpoint", "RevokeSecurityGroupEgress"),
        "RevokeSecurityGroupIngress",
    ),
    "events": (
        *("DeleteRule", "PutRule", "PutTargets", "RemoveTargets", "TagResource"),
        "UntagResource",
    ),
    "iam": (
        *("AttachRolePolicy", "CreateRole", "DeleteRole", "DeleteRolePolicy"),
        *("DetachRolePolicy", "ListInstanceProfilesForRole", "PutRolePolicy", "TagRole"),
        *("UntagRole", "UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription"),
    ),
    "kms": (
        *("CreateAlias", "CreateKey", "DeleteAlias", "EnableKeyRotation", "PutKeyPolicy"),
        *("TagResource", "UntagResource", "UpdateAlias", "UpdateKeyDescription"),
    ),
    "lambda": (
        *("AddPermission", "CreateAlias", "CreateEventSourceMapping", "CreateFunction"),
        *("DeleteAlias", "DeleteEventSourceMapping", "DeleteFunction", "InvokeFunction"),
        *("RemovePermission", "TagResource", "UntagResource", "UpdateAlias"),
        *("UpdateEventSourceMapping", "UpdateFunctionCode", "UpdateFunctionConfiguration"),
    ),
    "logs": (
        *("AssociateKmsKey", "CreateLogGroup", "DeleteMetricFilter", "DeleteRetentionPolicy"),
        *("DisassociateKmsKey", "PutMetricFilter", "PutRetentionPolicy", "TagResource"),
        "UntagResource",
    ),
    "rds": (
        *("AddTagsToResource", "CreateDBInstance", "CreateDBInstanceReadReplica"),
        *("CreateDBParameterGroup", "CreateDBSnapshot", "CreateDBSubnetGroup"),
        *("CreateEventSubscription", "DeleteDBParameterGroup", "DeleteDBSubnetGroup"),
        *("DeleteEventSubscription", "ModifyDBInstance", "ModifyDBParameterGroup"),
        *("ModifyDBSubnetGroup", "ModifyEventSubscription", "RebootDBInstance"),
        *("RemoveTagsFromResource", "ResetDBParameterGroup"),
        *("StartDBInstanceAutomatedBackupsReplication",),
        "StopDBInstanceAutomatedBackupsReplication",
    ),
    "secretsmanager": (
        *("CreateSecret", "PutResourcePolicy", "RotateSecret", "TagResource"),
        *("UntagResource", "UpdateSecret"),
    ),
    "sns": (
        *("CreateTopic", "DeleteTopic", "SetSubscriptionAttributes", "SetTopicAttributes"),
        *("Subscribe", "TagResource", "Unsubscribe", "UntagResource"),
    ),
    "sqs": ("CreateQueue", "DeleteQueue", "SetQueueAttributes", "TagQueue", "UntagQueue"),
}

#: What loses data or the way to it; allowed to nobody while the stack is protected.
ENDING: Actions = {
    "backup": (
        *("DeleteBackupVault", "DeleteBackupVaultAccessPolicy"),
        *("DeleteBackupVaultLockConfiguration", "DeleteRecoveryPoint"),
    ),
    "kms": ("DisableKey", "ScheduleKeyDeletion"),
    "logs": ("DeleteLogGroup",),
    "rds": (
        *("DeleteDBInstance", "DeleteDBInstanceAutomatedBackup", "DeleteDBSnapshot"),
        *("ModifyDBSnapshotAttribute", "PromoteReadReplica"),
    ),
    "secretsmanager": ("CancelRotateSecret", "DeleteResourcePolicy", "DeleteSecret"),
}
