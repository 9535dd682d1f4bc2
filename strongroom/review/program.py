"""What the engine's steps would do to rights and protections, whatever the roster says."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from strongroom.review.change import Change
from strongroom.review.preview import DELETE, REPLACE, Preview, Step
from strongroom.review.words import Value, Words, values
from strongroom.rights.rules import memberships, rules

_ROLE = "postgresql:index/role:Role"
_GRANT = "postgresql:index/grant:Grant"
_FUTURE = "postgresql:index/defaultPrivileges:DefaultPrivileges"
_GRANT_ROLE = "postgresql:index/grantRole:GrantRole"
_MEMBERSHIPS = "strongroom:access:Memberships"

#: Attributes of a role that are above rights, by the engine's name.
_ATTRIBUTES: Mapping[str, str] = MappingProxyType(
    {
        "superuser": "SUPERUSER",
        "createRole": "CREATEROLE",
        "createDatabase": "CREATEDB",
        "replication": "REPLICATION",
        "bypassRowLevelSecurity": "BYPASSRLS",
    }
)

#: What is lost with a resource of a type. Types of AWS end in the last part only, because each
#: module of that provider has several ways to name one.
GUARDED: Mapping[str, str] = MappingProxyType(
    {
        "strongroom:local:Primary": "the database server",
        "strongroom:local:Replica": "the replica",
        "strongroom:local:SnapshotPolicy": "the snapshot policy",
        "strongroom:local:RootSecret": "root's password",
        "strongroom:local:Agent": "the agent, which takes snapshots and rotates root's password,",
        "postgresql:index/database:Database": "the database",
        "postgresql:index/schema:Schema": "the schema",
        "aws:rds/instance:Instance": "the database server",
        "aws:rds/cluster:Cluster": "the database cluster",
        "aws:rds/clusterInstance:ClusterInstance": "the database server",
        "aws:rds/snapshot:Snapshot": "the snapshot",
        "aws:rds/clusterSnapshot:ClusterSnapshot": "the snapshot",
        "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication": (
            "the copy of the backups"
        ),
        "aws:backup/vault:Vault": "the backup vault",
        "aws:backup/vaultLockConfiguration:VaultLockConfiguration": "the lock of the backup vault",
        "aws:backup/plan:Plan": "the backup plan",
        "aws:backup/selection:Selection": "what is backed up",
        "aws:secretsmanager/secret:Secret": "the secret",
        "aws:secretsmanager/secretVersion:SecretVersion": "the secret's value",
        "aws:secretsmanager/secretRotation:SecretRotation": "the rotation of the secret",
        "aws:kms/key:Key": "the key data is encrypted with,",
        "aws:s3/bucket:Bucket": "the bucket",
        "aws:s3/bucketV2:BucketV2": "the bucket",
    }
)

#: Properties of guarded resources, the value that protects, and what is so without it.
_PROTECTING: tuple[tuple[str, Any, str], ...] = (
    ("deletionProtection", True, "deletion protection is turned off"),
    ("guarded", True, "the guard's marker is turned off"),
    ("skipFinalSnapshot", False, "no final snapshot would be taken"),
    ("storageEncrypted", True, "its storage is not encrypted any more"),
    ("publiclyAccessible", False, "it can be reached from the internet"),
    ("iamDatabaseAuthenticationEnabled", True, "people can no longer sign in without a password"),
    ("copyTagsToSnapshot", True, "snapshots are not marked as its own"),
    ("forceDestroy", False, "it would be deleted with all it holds"),
)
#: Properties of guarded resources that are weaker when they are smaller.
_SHRINKING = ("backupRetentionPeriod", "minRetentionDays", "recoveryWindowInDays")


def losing(preview: Preview) -> Iterator[tuple[Step, str]]:
    """Guarded resources that would be deleted or replaced, and what each is."""
    for step in preview.steps:
        if step.op in (DELETE, REPLACE) and step.type in GUARDED:
            yield step, GUARDED[step.type]


def unprotected(preview: Preview) -> Iterator[tuple[str, str]]:
    """Names of resources, and how each is less protected than it was deployed."""
    for urn in preview.unprotected:
        yield urn.rsplit("::", 1)[-1], "the engine would no longer refuse to delete it"
    for step in preview.steps:
        if step.type not in GUARDED or not step.declared or not step.wanted:
            continue
        for name, safe, what in _PROTECTING:
            was, becomes = (_plain(each.get(name)) for each in (step.declared, step.wanted))
            if was == safe and becomes == (not safe):
                yield step.name, what
        for name in _SHRINKING:
            before, after = step.declared.get(name), step.wanted.get(name)
            if isinstance(before, (int, float)) and before > (after or 0):
                yield step.name, f"{name} goes from {before:g} to {after or 0:g}"


def _plain(value: Any) -> Any:
    """The engine hands some booleans over as text."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def roles_that_make_roles(preview: Preview) -> Iterator[tuple[str, list[str]]]:
    """Roles that would get attributes above all rights, and membership with ADMIN."""
    for step in preview.steps:
        if step.type == _ROLE:
            added = [
                word
                for name, word in _ATTRIBUTES.items()
                if step.wanted.get(name) and not step.declared.get(name)
            ]
            if added:
                yield _role(step), added
        if step.type == _GRANT_ROLE and step.wanted.get("withAdminOption"):
            yield _role(step), [f"ADMIN on {step.wanted.get('grantRole')}"]


def beyond_roster(change: Change) -> Iterator[Words]:
    """Grants and memberships of the program that the roster of the change does not declare."""
    after = change.after
    if after.problem:
        return
    granted = {
        (rule.role, rule.schema, rule.object_type): set(rule.privileges)
        for rule in rules(after.schemas, after.members, after.services)
    }
    groups = memberships(after.members, after.services)
    for step in change.preview.steps:
        if step.type in (_GRANT, _FUTURE):
            yield from _granted_beyond(step, granted)
        elif step.type == _GRANT_ROLE and step.wanted:
            yield _into(step, step.wanted.get("grantRole"))
        elif step.type == _ROLE:
            for group in step.wanted.get("roles") or []:
                if _role(step) not in groups.get(group, {}):
                    yield _into(step, group)
        elif step.type == _MEMBERSHIPS:
            yield from _members_beyond(step, groups)


def _granted_beyond(
    step: Step, granted: Mapping[tuple[str, str | None, str], set[str]]
) -> Iterator[Words]:
    kind, schema = str(step.wanted.get("objectType")), step.wanted.get("schema")
    said = granted.get((_role(step), schema or None, kind), set())
    more = [str(each) for each in step.wanted.get("privileges") or [] if each not in said]
    if more:
        where = Value(f"{kind} in {schema}" if schema else kind)
        yield (Value(_role(step)), " is granted ", *values(more), " on ", where, _NOWHERE)


def _into(step: Step, group: Any) -> Words:
    return (Value(_role(step)), " is made a member of ", Value(str(group)), _NOWHERE)


_NOWHERE = ", which the roster does not say."


def _members_beyond(step: Step, groups: Mapping[str, Mapping[str, str]]) -> Iterator[Words]:
    for group, members in (step.wanted.get("members") or {}).items():
        for member, option in members.items():
            if groups.get(group, {}).get(member) != option:
                who = (Value(str(member)), " is in ", Value(str(group)))
                yield (*who, " with ", Value(str(option)), _NOWHERE)


def _role(step: Step) -> str:
    wanted = step.wanted
    return str(wanted.get("role") or wanted.get("name") or step.name)


def unapplied(change: Change) -> Iterator[tuple[str, list[str]]]:
    """Who would come into a group although the base has them there: it was never applied."""
    moving = {person.role for person in change.people if person.changed}
    for step in change.preview.steps:
        if step.type == _MEMBERSHIPS and step.declared:
            had = step.declared.get("members") or {}
            for group, members in (step.wanted.get("members") or {}).items():
                late = [str(each) for each in members if each not in {*had.get(group, {}), *moving}]
                if late:
                    yield str(group), late
