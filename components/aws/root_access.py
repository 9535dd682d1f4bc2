"""Who may do what with root's password on AWS, as policies."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.aws_policies import document

#: What Secrets Manager names the call by which it tries a key for whoever declares a secret; no
#: value is ever encrypted with it (Secrets Manager documentation, "Secret encryption").
_TRYING = "RequestToValidateKeyAccess"

_ADMINISTRATION = (
    *("kms:CancelKeyDeletion", "kms:DescribeKey", "kms:DisableKey", "kms:EnableKey"),
    *("kms:EnableKeyRotation", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus"),
    *("kms:ListResourceTags", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:TagResource"),
    *("kms:UntagResource", "kms:UpdateKeyDescription", "kms:CreateAlias", "kms:DeleteAlias"),
)


@dataclass(frozen=True)
class RootAccess:
    """Whom root's password is for.

    Attributes:
        role: the ARN of the function's role, which makes every value and opens it.
        region: where the secret is.
        break_glass: ARNs of roles that may open it when all else fails.
        pipelines: ARNs of roles that declare it; empty when the settings name none.
    """

    role: str
    region: str
    break_glass: Sequence[str] = ()
    pipelines: Sequence[str] = ()

    @property
    def account(self) -> str:
        """The ARN that stands for the account, and is its first user's too."""
        partition, account = _home(self.role)
        return f"arn:{partition}:iam::{account}:root"

    def key_policy(self) -> str:
        """Of the key: everybody but the two manages it at most, and decrypts nothing.

        People are told by a condition, not as principals: a role that is made anew under its old
        name stays the one that is meant, and one that is not there yet is no mistake.
        """
        through = {"kms:ViaService": f"secretsmanager.{self.region}.amazonaws.com"}
        trying = {**through, "kms:EncryptionContext:SecretVersionId": _TRYING}
        use = ["kms:Decrypt", "kms:GenerateDataKey"]
        return _document(
            self._allow("Manage", _ADMINISTRATION, {}),
            self._allow("TryForDeclaring", use, {"StringEquals": trying}),
            self._allow("Rotate", use, {"StringEquals": through, **_is(self.role)}),
            *(
                [
                    self._allow(
                        "BreakGlass",
                        ["kms:Decrypt"],
                        {"StringEquals": through, **_is(*self.break_glass)},
                    )
                ]
                if self.break_glass
                else []
            ),
        )

    def secret_policy(self) -> str:
        """Of the secret: denies, whatever a role's own policies allow."""
        denied = [
            _deny("OpenedByNobodyElse", ["GetSecretValue"], [self.role, *self.break_glass]),
            _deny(
                "ValuesAreTheFunctions", ["PutSecretValue", "UpdateSecretVersionStage"], [self.role]
            ),
        ]
        if self.pipelines:
            # The account's first user too, or nobody could ever undo a mistake in here.
            declared = (
                *("CancelRotateSecret", "DeleteResourcePolicy", "DeleteSecret"),
                *("PutResourcePolicy", "ReplicateSecretToRegions", "UpdateSecret"),
            )
            denied.append(_deny("ChangedByDeclaration", declared, [*self.pipelines, self.account]))
        return _document(*denied)

    def _allow(self, name: str, actions: Sequence[str], condition: dict[str, Any]) -> Any:
        return {
            "Sid": name,
            "Effect": "Allow",
            "Principal": {"AWS": self.account},
            "Action": list(actions),
            "Resource": "*",
            **({"Condition": condition} if condition else {}),
        }


@dataclass(frozen=True)
class FunctionAccess:
    """What the function's role may do, and nothing else.

    Attributes:
        role: the ARN of the role itself, which is in the account the function is in.
        region: where the function is.
        function: its name.
        secret: the secret's ARN.
        key: the ARN of the secret's key.
        instance: the ARN of the primary.
        logs: the ARN of the function's log group.
        queue: the ARN of the queue that tells of openings; empty when there is none.
    """

    role: str
    region: str
    function: str
    secret: str
    key: str
    instance: str
    logs: str
    queue: str = ""

    def policy(self) -> str:
        """The role's own policy."""
        network = [
            *("ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface"),
            *("ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces"),
            *("ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"),
        ]
        secret = [
            *("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"),
            *("secretsmanager:PutSecretValue", "secretsmanager:RotateSecret"),
            "secretsmanager:UpdateSecretVersionStage",
        ]
        queue = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        return _document(
            _may("Secret", secret, self.secret),
            # Whoever asks for a rotation has to be allowed to call what rotates.
            _may("Rotation", ["lambda:InvokeFunction"], self._arn),
            _may("Key", ["kms:Decrypt", "kms:GenerateDataKey"], self.key),
            # Root's first password, and one that is lost: there is no other way back in.
            _may("Instance", ["rds:DescribeDBInstances", "rds:ModifyDBInstance"], self.instance),
            _may("Logs", ["logs:CreateLogStream", "logs:PutLogEvents"], f"{self.logs}:*"),
            # Lambda puts a function into a network by its role; the code itself has no use for it.
            _may("Network", network, "*"),
            {
                "Sid": "NetworkIsLambdas",
                "Effect": "Deny",
                "Action": network,
                "Resource": "*",
                "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": self._arn}},
            },
            *([_may("Openings", queue, self.queue)] if self.queue else []),
        )

    @property
    def _arn(self) -> str:
        """The function's: Lambda wants the role to be ready before there is a function."""
        partition, account = _home(self.role)
        return f"arn:{partition}:lambda:{self.region}:{account}:function:{self.function}"


def sent_by_rule(rule: str) -> str:
    """The policy of a queue into which one rule of EventBridge puts messages, by its ARN."""
    return _document(
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": "*",
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
    )


def _home(arn: str) -> tuple[str, str]:
    """The partition and the account of an ARN."""
    _, partition, _, _, account, _ = arn.split(":", 5)
    return partition, account


def _may(name: str, actions: Sequence[str], resource: str) -> Any:
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": resource}


def _deny(name: str, actions: Sequence[str], but: Sequence[str]) -> Any:
    return {
        "Sid": name,
        "Effect": "Deny",
        "Principal": "*",
        "Action": [f"secretsmanager:{each}" for each in actions],
        "Resource": "*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": list(but)}},
    }


def _is(*roles: str) -> dict[str, Any]:
    return {"ArnEquals": {"aws:PrincipalArn": list(roles)}}


def _document(*statements: Any) -> str:
    return json.dumps(document(*statements))
