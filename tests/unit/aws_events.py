"""Events as CloudTrail, RDS and AWS Backup write them, handed over by EventBridge."""

from typing import Any

from strongroom.aws_names import Names
from tests.unit.aws_stack import ACCOUNT, REGION

NAMES = Names("production")
PIPELINE = f"arn:aws:iam::{ACCOUNT}:role/deploy"
ADMIN = f"arn:aws:iam::{ACCOUNT}:role/admin"
INSTANCE = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:{NAMES.primary}"
BACKUP_ROLE = f"arn:aws:iam::{ACCOUNT}:role/strongroom-production-backup"
PLAN = "0d2c1b3a-5e8f-4f6e-9a57-0c6f2f3a9d11"


def call(service: str, name: str, role: str = ADMIN, /, **parameters: Any) -> dict[str, Any]:
    """A call by a session of a role, as CloudTrail hands it to EventBridge."""
    session = role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/ada"
    return {
        "version": "0",
        "id": "6f87d04b-9f74-4f04-a780-7acf4b0a9b38",
        "detail-type": "AWS API Call via CloudTrail",
        "source": f"aws.{service}",
        "account": ACCOUNT,
        "time": "2026-11-24T09:00:00Z",
        "region": REGION,
        "resources": [],
        "detail": {
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "AssumedRole",
                "principalId": "AROAEXAMPLE:ada",
                "arn": session,
                "accountId": ACCOUNT,
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role",
                        "principalId": "AROAEXAMPLE",
                        "arn": role,
                        "accountId": ACCOUNT,
                        "userName": role.rpartition("/")[2],
                    },
                    "attributes": {"mfaAuthenticated": "false"},
                },
            },
            "eventTime": "2026-11-24T09:00:00Z",
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "awsRegion": REGION,
            "sourceIPAddress": "203.0.113.7",
            "userAgent": "aws-cli/2.31",
            "requestParameters": parameters or None,
            "responseElements": None,
            "eventID": "5cf1a4b2-0a3e-4b7e-8d2a-2b1f1a8c9d10",
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "readOnly": False,
        },
    }


def by_user(event: dict[str, Any]) -> dict[str, Any]:
    """The same by a user of IAM, who has no session of a role."""
    identity = {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/bob", "userName": "bob"}
    return {**event, "detail": {**event["detail"], "userIdentity": identity}}


def by_service(event: dict[str, Any], service: str) -> dict[str, Any]:
    """The same by a service of AWS with the session of a role."""
    identity = {**event["detail"]["userIdentity"], "invokedBy": f"{service}.amazonaws.com"}
    return {**event, "detail": {**event["detail"], "userIdentity": identity}}


def modified(role: str = ADMIN, identifier: str = NAMES.primary, **changes: Any) -> dict[str, Any]:
    return call(
        "rds", "ModifyDBInstance", role, dBInstanceIdentifier=identifier,
        applyImmediately=True, allowMajorVersionUpgrade=False, **changes,
    )  # fmt: skip


def job(kind: str, **detail: Any) -> dict[str, Any]:
    """What AWS Backup says of a job: Backup, Copy or Restore."""
    return {
        "version": "0",
        "id": "710b0398-d48e-f3c3-afca-cfeb2fdaa656",
        "detail-type": f"{kind} Job State Change",
        "source": "aws.backup",
        "account": ACCOUNT,
        "time": "2026-11-24T04:21:44Z",
        "region": REGION,
        "resources": [],
        "detail": {"resourceType": "RDS", "iamRoleArn": BACKUP_ROLE, **detail},
    }


def said(identifier: str, category: str) -> dict[str, Any]:
    """What RDS says of an instance."""
    arn = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:{identifier}"
    return {
        "version": "0",
        "id": "68f6e973-1a0c-d37b-f2f2-94a7f62ffd4e",
        "detail-type": "RDS DB Instance Event",
        "source": "aws.rds",
        "account": ACCOUNT,
        "time": "2026-11-24T22:36:43Z",
        "region": REGION,
        "resources": [arn],
        "detail": {
            "EventCategories": [category],
            "SourceType": "DB_INSTANCE",
            "SourceArn": arn,
            "Date": "2026-11-24T22:36:43.292Z",
            "Message": "Read replica: …",
            "SourceIdentifier": f"rds:{identifier}",
            "EventID": "RDS-EVENT-0045",
        },
    }
