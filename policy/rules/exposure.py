"""What somebody outside of the account could read or use."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from policy.resource import Resource
from policy.rule import rule
from policy.rules.types import (
    BUCKET,
    BUCKET_ACL,
    BUCKET_ACL_BEFORE,
    BUCKET_BEFORE,
    BUCKET_BLOCK,
    BUCKET_POLICY,
    FUNCTION_URL,
    KEY,
    KEY_POLICY,
    PERMISSION,
    QUEUE,
    QUEUE_POLICY,
    ROLE_ON_AWS,
    SECRET,
    SECRET_POLICY,
    SNAPSHOT,
    SNAPSHOT_COPY,
    TOPIC,
    TOPIC_POLICY,
    VAULT_POLICY,
)
from policy.stack import Stack
from strongroom.provider.values import UNKNOWN

#: Conditions that leave one account, organization, network or source of everybody.
_NARROWING = frozenset(
    {
        *("aws:sourceaccount", "aws:sourcearn", "aws:sourceowner", "aws:sourceorgid"),
        *("aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:userid"),
        *("aws:sourcevpc", "aws:sourcevpce", "kms:calleraccount"),
    }
)
_PUBLIC_ACLS = frozenset({"public-read", "public-read-write", "authenticated-read"})
_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


@rule(
    "rds-snapshot-private",
    "Snapshots are shared with nobody by default",
    remedy='Remove "all" from shared_accounts',
    controls=("RDS.1",),
    on=(SNAPSHOT, SNAPSHOT_COPY),
)
def snapshot_private(snapshot: Resource, _: Stack) -> Iterator[str]:
    """Not shared with every account there is."""
    if "all" in snapshot.texts("sharedAccounts"):
        yield "it is shared with all: everybody with an account can restore it"


@rule(
    "rds-snapshot-encrypted",
    "Copies of snapshots are encrypted by a key that was named",
    remedy="Set kms_key_id to a key of the region the copy is made in",
    controls=("RDS.4",),
    on=(SNAPSHOT_COPY,),
)
def snapshot_encrypted(copy: Resource, _: Stack) -> Iterator[str]:
    """A snapshot is encrypted as its instance is (rds-encrypted); a copy names its key."""
    if copy.lacks("kmsKeyId"):
        yield "kms_key_id is not set: a copy of an unencrypted snapshot stays in the clear"


@rule(
    "nothing-open-to-everybody",
    "No policy of a resource allows everybody",
    remedy="Name principals, or add a condition such as aws:SourceAccount or aws:PrincipalOrgID",
    controls=("SNS.4", "SQS.3", "S3.2", "S3.3"),
    on=(
        *(TOPIC, TOPIC_POLICY, QUEUE, QUEUE_POLICY, BUCKET, BUCKET_POLICY, SECRET, SECRET_POLICY),
        *(KEY, KEY_POLICY, VAULT_POLICY, ROLE_ON_AWS),
    ),
)
def nothing_open(resource: Resource, _: Stack) -> Iterator[str]:
    """No statement that allows * without a condition that narrows it down."""
    for key, said in (("policy", "policy"), ("assumeRolePolicy", "assume_role_policy")):
        for statement in _statements(resource.get(key)):
            if _is_open(statement):
                actions = statement.get("Action", statement.get("NotAction", "something"))
                yield f"{said} allows everybody {json.dumps(actions, default=str)}"


@rule(
    "buckets-private",
    "Buckets cannot be made public",
    remedy="Leave acl out, and give the bucket an aws.s3.BucketPublicAccessBlock with all four on",
    controls=("S3.2", "S3.3", "S3.8"),
    on=(BUCKET, BUCKET_BEFORE, BUCKET_ACL, BUCKET_ACL_BEFORE, BUCKET_BLOCK),
)
def buckets_private(resource: Resource, _: Stack) -> Iterator[str]:
    """No public ACL, no block switched off."""
    acl = resource.text("acl")
    if acl in _PUBLIC_ACLS:
        yield f"acl is {acl}"
    if resource.type == BUCKET_BLOCK and (off := [key for key in _BLOCKS if resource.is_off(key)]):
        yield f"{', '.join(off)} is off"


@rule(
    "functions-private",
    "Functions are called by who was named",
    remedy="Name the service as principal with source_arn or source_account; make no function URL",
    controls=("Lambda.1",),
    on=(PERMISSION, FUNCTION_URL),
)
def functions_private(resource: Resource, _: Stack) -> Iterator[str]:
    """No permission for everybody, no URL without a signature."""
    if resource.type == FUNCTION_URL:
        if resource.get("authorizationType") == "NONE":
            yield "authorization_type is NONE: everybody can call the function"
        return
    narrowed = ("sourceArn", "sourceAccount", "principalOrgId")
    if resource.get("principal") == "*" and all(resource.lacks(key) for key in narrowed):
        yield "principal is *: everybody can call the function"


def _statements(policy: Any) -> Iterator[Mapping[str, Any]]:
    """The statements of a policy document, text or not; nothing of one that is not known."""
    if isinstance(policy, str):
        try:
            policy = json.loads(policy)
        except ValueError:
            return
    if isinstance(policy, Mapping):
        statements = policy.get("Statement", [])
        for each in statements if isinstance(statements, list) else [statements]:
            if isinstance(each, Mapping):
                yield each


def _is_open(statement: Mapping[str, Any]) -> bool:
    if statement.get("Effect") != "Allow":
        return False
    principal = statement.get("Principal")
    named = principal.values() if isinstance(principal, Mapping) else [principal]
    everybody = any(
        "*" in each if isinstance(each, list) else each == "*" for each in named if each
    )
    return (everybody or "NotPrincipal" in statement) and not _is_narrowed(statement)


def _is_narrowed(statement: Mapping[str, Any]) -> bool:
    conditions = statement.get("Condition")
    if conditions is UNKNOWN:
        return True
    if not isinstance(conditions, Mapping):
        return False
    return any(
        key.lower() in _NARROWING and "*" not in (value if isinstance(value, list) else [value])
        for operator, tests in conditions.items()
        if "Not" not in operator and isinstance(tests, Mapping)
        for key, value in tests.items()
    )
