"""Roles and rights: tiers, engineers, services and schemas."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import pulumi
import pulumi_postgresql as postgresql

from strongroom.declaration import Declaration
from strongroom.provider import sdk
from strongroom.rights.rules import Rule, groups_of, memberships, rules
from strongroom.roster import Member, Service
from strongroom.tiers import APP_OWNER, GATE, GROUPS, IAM, PROVISIONER, ROOT, Tier


class Database(Protocol):
    """What access needs of a platform's primary."""

    @property
    def resource(self) -> pulumi.Resource:
        """The server itself: whatever is in it ends with it."""

    def sign_in(self) -> Mapping[str, pulumi.Input[str]]:
        """How the provisioner connects, as libpq parameters; never a password."""


@dataclass(frozen=True)
class AccessArgs:
    """Who may do what in one environment.

    Attributes:
        database: the application's database, which exists.
        schemas: the guarded schemas, made if missing and never dropped.
        members: the engineers of this environment.
        services: the applications' roles.
        statement_timeouts: for each tier the longest a statement may run, seconds.
        idle_timeout: the longest an open transaction may idle, seconds.
        sign_in: how the provisioner connects, as libpq parameters; never a password.
        root: what root is called there.
        by_token: whether people and services sign in by tokens of IAM, as on RDS.
        container: what the roles end with, so that deleting it does not first undo each of them.
    """

    database: str
    schemas: tuple[str, ...]
    members: tuple[Member, ...]
    services: tuple[Service, ...]
    statement_timeouts: Mapping[Tier, int]
    idle_timeout: int
    sign_in: Mapping[str, pulumi.Input[str]]
    container: pulumi.Resource
    root: str = ROOT
    by_token: bool = False

    @classmethod
    def of(cls, stack: Declaration, primary: Database) -> Self:
        """As a stack declares it, on any platform's primary."""
        return cls(
            database=stack.settings.database,
            schemas=stack.roster.schemas,
            members=stack.members,
            services=stack.roster.services,
            statement_timeouts=stack.settings.statement_timeout_seconds,
            idle_timeout=stack.settings.idle_in_transaction_timeout_seconds,
            sign_in=primary.sign_in(),
            container=primary.resource,
            root=stack.settings.root,
            by_token=stack.settings.platform == "aws",
        )


class Access(pulumi.ComponentResource):
    """Declares every role of an environment and every right it has.

    Rights go to tiers and services; engineers are members of their tier. It refuses to make a
    password, to drop a schema, and to touch the database itself, which belongs to root. Grants
    follow one another, because PostgreSQL fails two that change one object's rights at once.

    It has no outputs; what it declares is read in the preview.
    """

    def __init__(
        self, name: str, args: AccessArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("strongroom:components:Access", name, {}, opts)
        self._name = name
        self._args = args
        self._membership = memberships(args.members, args.services)
        self._declared: dict[str, dict[str, Any]] = {}

        groups = self._groups()
        granted = self._schemas(after=groups)
        for service in args.services:
            granted.append(self._service(service, after=groups))
        people = {member.role: self._engineer(member, after=groups) for member in args.members}
        extra = [people[member.role] for member in args.members if member.rights]
        last = self._grants(after=[*granted, *extra])
        self._sealed(after=[*last, *people.values()])
        self.register_outputs({})

    def _groups(self) -> list[pulumi.Resource]:
        made: list[pulumi.Resource] = []
        for group in GROUPS.values():
            made.append(self._role(group.role, {}, after=made[-1:]))
        # NOINHERIT: app_owner's rights are had by SET ROLE only. Who waits for it waits for all.
        return [self._role(GATE, {"inherit": False}, after=made[-1:])]

    def _schemas(self, after: list[pulumi.Resource]) -> list[pulumi.Resource]:
        return [
            postgresql.Schema(
                f"{self._name}-schema-{schema}",
                name=schema,
                database=self._args.database,
                owner=PROVISIONER,
                opts=self._options(after, retain_on_delete=True),
            )
            for schema in self._args.schemas
        ]

    def _engineer(self, member: Member, after: list[pulumi.Resource]) -> pulumi.Resource:
        timeouts = {
            "statement_timeout": self._args.statement_timeouts[member.tier] * 1000,
            "idle_in_transaction_session_timeout": self._args.idle_timeout * 1000,
        }
        return self._role(member.role, {"login": True, **timeouts}, after)

    def _service(self, service: Service, after: list[pulumi.Resource]) -> pulumi.Resource:
        # A migration tool knows nothing of SET ROLE; what it makes must belong to app_owner.
        settings = {"assume_role": APP_OWNER} if service.ddl else {}
        return self._role(service.role, {"login": True, **settings}, after)

    def _role(
        self, role: str, attributes: dict[str, Any], after: list[pulumi.Resource]
    ) -> pulumi.Resource:
        declared = {"roles": groups_of(role, self._membership), **attributes}
        if attributes.get("login"):
            declared["search_paths"] = list(self._args.schemas)
            if self._args.by_token:
                declared["roles"] = sorted([*declared["roles"], IAM])
        self._declared[role] = declared
        return postgresql.Role(
            f"{self._name}-role-{role}", name=role, **declared, opts=self._options(after)
        )

    def _grants(self, after: list[pulumi.Resource]) -> list[pulumi.Resource]:
        args = self._args
        for rule in rules(args.schemas, args.members, args.services):
            after = [self._grant(rule, after)]
            if rule.has_future:
                after = [self._default_privileges(rule, after)]
        return after

    def _grant(self, rule: Rule, after: list[pulumi.Resource]) -> pulumi.Resource:
        return postgresql.Grant(
            f"{self._name}-grant-{rule.name}",
            role=rule.role,
            database=self._args.database,
            schema=rule.schema,
            object_type=rule.object_type,
            privileges=list(rule.privileges),
            opts=self._options(after),
        )

    def _default_privileges(self, rule: Rule, after: list[pulumi.Resource]) -> pulumi.Resource:
        return postgresql.DefaultPrivileges(
            f"{self._name}-future-{rule.name}",
            role=rule.role,
            database=self._args.database,
            schema=rule.schema,
            owner=APP_OWNER,
            object_type=rule.object_type,
            privileges=list(rule.privileges),
            opts=self._options(after),
        )

    def _sealed(self, after: list[pulumi.Resource]) -> None:
        digest = hashlib.sha256(json.dumps(self._declared, sort_keys=True).encode()).hexdigest()
        sdk.Logging(
            f"{self._name}-logging",
            {
                "sign_in": dict(self._args.sign_in),
                "root": self._args.root,
                # Who reaches app_owner is logged like a person.
                "less": sorted(one.role for one in self._args.services if not one.ddl),
                "roles": digest[:16],
            },
            self._options(after),
        )
        sdk.Memberships(
            f"{self._name}-memberships",
            {
                "sign_in": dict(self._args.sign_in),
                "root": self._args.root,
                "members": self._membership,
                "lent": {
                    member.role: member.elevation.until.isoformat(timespec="seconds")
                    for member in self._args.members
                    if member.elevation
                },
                "roles": digest[:16],
            },
            self._options(after),
        )

    def _options(
        self, after: list[pulumi.Resource], retain_on_delete: bool = False
    ) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self,
            depends_on=after,
            deleted_with=self._args.container,
            retain_on_delete=retain_on_delete,
        )
