"""Policies as IAM reads them, made from what a stack is called and where it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.aws_names import Names, partition_of
from strongroom.aws_policies import document
from strongroom.bootstrap.asking import LOOK
from strongroom.permissions.actions import DECLARING, ENDING, LOOKING, Actions
from strongroom.tiers import PROVISIONER

Document = dict[str, Any]

#: Services that are handed a role; no other one gets any.
_HANDED = (
    *("backup.amazonaws.com", "events.amazonaws.com", "lambda.amazonaws.com"),
    *("monitoring.rds.amazonaws.com", "vpc-flow-logs.amazonaws.com"),
)

#: Services that encrypt what is declared with keys of the stack.
_ENCRYPTING = ("backup", "lambda", "rds", "secretsmanager", "sns")


@dataclass(frozen=True)
class Stack:
    """One stack, as policies speak of it.

    Attributes:
        names: what its resources are called.
        account: the number of the account it is in, 12 digits.
        region: where it is.
        copy_region: where copies of its backups are; empty for nowhere.
        protected: whether it may not be ended.
        instances: the resource ids (db-…) of its instances; empty for any of the account, which
            is the same where a stack has an account of its own.
    """

    names: Names
    account: str
    region: str
    copy_region: str = ""
    protected: bool = True
    instances: tuple[str, ...] = ()

    @property
    def partition(self) -> str:
        """What its ARNs begin with."""
        return partition_of(self.region)

    def preview(self) -> Document:
        """For who runs previews: reads what is declared, and signs in to read roles and rights.

        The provisioner, as whom that is, can change roles: PostgreSQL has no half of it. Nothing
        of AWS can be changed.
        """
        look = f"{self._function}:{LOOK}"
        return document(
            # Most of these calls list, and name no resource.
            _allow("Look", _named(LOOKING), ["*"]),
            _allow("LookAtLeavers", ["lambda:InvokeFunction"], [look]),
            _allow("ReadRights", ["rds-db:connect"], self._users(PROVISIONER)),
        )

    def up(self) -> Document:
        """For who runs updates, besides `preview`: what is declared, never root's password.

        While the stack is protected nothing of it can be ended either. A policy of the role's own
        (put-role-policy): IAM takes 10,240 characters there, and 6,144 in a policy by itself.
        """
        handed = _allow("HandRolesOver", ["iam:PassRole"], self._resources("iam"))
        handed["Condition"] = {"StringEquals": {"iam:PassedToService": list(_HANDED)}}
        values = ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"]
        ending = _named(ENDING)
        return document(
            *self._statements("Declare", DECLARING),
            handed,
            self._keys(),
            _deny("RootsPasswordIsNobodys", values),
            _deny("Protected", ending) if self.protected else _allow("End", ending, ["*"]),
        )

    def break_glass(self) -> Document:
        """For who opens root's secret when all else fails, and may close it again at once."""
        secret = self._resources("secretsmanager")
        decrypt = _allow("Key", ["kms:Decrypt"], [self._arn("kms", "key/*")])
        through = f"secretsmanager.{self.region}.amazonaws.com"
        decrypt["Condition"] = {
            "StringEquals": {"kms:ViaService": through},
            "ForAnyValue:StringEquals": {
                "kms:ResourceAliases": f"alias/{self.names.secret}",
            },
        }
        open_, close = "secretsmanager:GetSecretValue", "secretsmanager:RotateSecret"
        return document(
            _allow("Open", ["secretsmanager:DescribeSecret", open_, close], secret),
            decrypt,
            # Whoever asks for a rotation has to be allowed to call what rotates.
            _allow("Close", ["lambda:InvokeFunction"], [self._function]),
        )

    def person(self, role: str) -> Document:
        """For an engineer: signing in as themselves, with the rights of their tier."""
        return document(_allow("SignIn", ["rds-db:connect"], self._users(role)))

    def _keys(self) -> Document:
        """What services do with keys for whoever declares them; nothing without a service."""
        regions = [each for each in (self.region, self.copy_region) if each]
        use = ["kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey"]
        found = _allow("KeysThroughServices", use, ["*"])
        through = [f"{each}.{region}.amazonaws.com" for region in regions for each in _ENCRYPTING]
        found["Condition"] = {"StringEquals": {"kms:ViaService": through}}
        return found

    @property
    def _function(self) -> str:
        return self._arn("lambda", f"function:{self.names.function}")

    def _users(self, role: str) -> list[str]:
        return [self._arn("rds-db", f"dbuser:{each}/{role}") for each in self.instances or ("*",)]

    def _statements(self, name: str, actions: Actions) -> list[Document]:
        """One for each service."""
        return [
            _allow(
                f"{name}{service.capitalize()}",
                [f"{service}:{each}" for each in names],
                self._resources(service),
            )
            for service, names in actions.items()
        ]

    def _resources(self, service: str) -> list[str]:
        """What of a service belongs to the stack, by its names; `*` where it has none."""
        stem, path, existing = self.names.stem, self.names.path("*"), self.names.existing
        named: Mapping[str, tuple[str, ...]] = {
            "cloudwatch": (f"alarm:{stem}*",),
            "events": (f"rule/{stem}*",),
            "lambda": (f"function:{self.names.function}*", "event-source-mapping:*"),
            "logs": (
                *(f"log-group:*{stem}*", f"log-group:/{path}*"),
                *([f"log-group:*/{existing}/*"] if existing else []),
            ),
            "secretsmanager": (f"secret:{self.names.secret}-*",),
            "sns": (f"{stem}*",),
            "sqs": (f"{stem}*",),
        }
        if service == "iam":
            # Those RDS and VPC are handed are named by the engine, after the primary.
            return [
                f"arn:{self.partition}:iam::{self.account}:role/{each}*"
                for each in (stem, "primary-")
            ]
        if service not in named:
            return ["*"]
        regions = [each for each in (self.region, self.copy_region) if each]
        return [self._arn(service, each, region) for region in regions for each in named[service]]

    def _arn(self, service: str, what: str, region: str = "") -> str:
        return f"arn:{self.partition}:{service}:{region or self.region}:{self.account}:{what}"


def _named(actions: Actions) -> list[str]:
    return [f"{service}:{each}" for service, names in actions.items() for each in names]


def _allow(name: str, actions: Sequence[str], resources: Sequence[str]) -> Document:
    return {
        "Sid": name,
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": list(resources),
    }


def _deny(name: str, actions: Sequence[str]) -> Document:
    return {"Sid": name, "Effect": "Deny", "Action": list(actions), "Resource": "*"}
