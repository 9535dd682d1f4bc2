"""Encryption keys of a stack, and who may use them."""

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from strongroom.aws_policies import document

#: Days in which the deletion of a key can be taken back, the most AWS gives.
WAITING_DAYS = 30


def account_of(arn: pulumi.Input[str]) -> pulumi.Output[str]:
    """The account an ARN is in: known from what a stack makes, without asking AWS who it is."""
    return pulumi.Output.from_input(arn).apply(lambda known: known.split(":")[4])


def allow(
    services: Sequence[str], actions: Sequence[str], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A statement that lets services of AWS use what it stands at.

    Args:
        services: their principals, such as ``logs.eu-central-1.amazonaws.com``.
        actions: what they may do.
        condition: when; always if there is none.
    """
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": list(services)},
        "Action": list(actions),
        "Resource": "*",
    }
    return {**statement, "Condition": condition} if condition else statement


def policy_of(
    partition: str, account: pulumi.Input[str], *statements: dict[str, Any]
) -> pulumi.Output[str]:
    """A key's policy: IAM of the account decides, and services may do what `statements` say.

    Without the first statement nobody could ever change the policy again.
    """
    root = pulumi.Output.format("arn:{0}:iam::{1}:root", partition, account)
    administration = {
        "Sid": "Account",
        "Effect": "Allow",
        "Principal": {"AWS": root},
        "Action": "kms:*",
        "Resource": "*",
    }
    return pulumi.Output.json_dumps(document(administration, *statements))


def declare_key(
    name: str,
    alias: str,
    description: str,
    policy: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    region: str | None = None,
) -> aws.kms.Key:
    """Declare a key that is rotated every year, and the name people find it by.

    Args:
        name: the resource's name.
        alias: the name people find it by, without ``alias/``.
        description: what it encrypts.
        policy: who may use it.
        opts: whose child it is, and whether it outlives the stack.
        region: where it is; the stack's region by default.
    """
    key = aws.kms.Key(
        name,
        description=description,
        enable_key_rotation=True,
        deletion_window_in_days=WAITING_DAYS,
        policy=policy,
        region=region,
        opts=opts,
    )
    aws.kms.Alias(
        f"{name}-alias",
        name=f"alias/{alias}",
        target_key_id=key.key_id,
        region=region,
        # Its name is fixed, so two of it cannot be there at the same time.
        # A key that outlives its stack is found by the ARN in its snapshots; a name that did would
        # be in the next stack's way. A child has its parent's options unless it says otherwise.
        opts=pulumi.ResourceOptions(
            parent=key, delete_before_replace=True, protect=False, retain_on_delete=False
        ),
    )
    return key
