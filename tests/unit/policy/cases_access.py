"""For each rule about roles, secrets, keys and who could read what: what it objects to or not."""

from dataclasses import replace
from typing import Any

import pulumi

from policy.resource import Resource, Secret
from policy.rules.types import (
    BUCKET,
    BUCKET_BLOCK,
    DATABASE,
    DEFAULT_PRIVILEGES,
    FUNCTION_URL,
    GRANT,
    GRANT_ROLE,
    KEY,
    LOCAL_PRIMARY,
    LOCAL_REPLICA,
    MEMBERSHIPS,
    PERMISSION,
    ROLE,
    ROTATION,
    SCHEMA,
    SECRET,
    SECRET_POLICY,
    TOPIC_POLICY,
)
from strongroom.provider.values import UNKNOWN
from tests.unit.policy.scene import (
    ALARMS,
    HEART,
    KEY_OF_VAULT,
    PRIMARY,
    STACK,
    VAULT_HERE,
    Case,
    changed,
    one,
    policy,
)


def _of(*resources: Resource) -> list[Case]:
    return [Case((each,)) for each in resources]


def _role(name: Any, *groups: Any, **properties: Any) -> Resource:
    return one(ROLE, "role", name=name, roles=list(groups), **properties)


def _grant(role: Any, *privileges: Any, kind: str = GRANT, **properties: Any) -> Resource:
    return one(kind, role=role, privileges=list(privileges), objectType="table", **properties)


def _bare(resource: Resource) -> Resource:
    return replace(resource, protect=False)


_EVERYBODY = {"AWS": "*"}
_HERE = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
_ANYWHERE = {"StringLike": {"aws:SourceArn": "*"}}
_ELSEWHERE = {"StringNotEquals": {"aws:SourceAccount": "123456789012"}}
_UNGUARDED = replace(STACK, guarded=False)
_UNPROTECTED = replace(STACK, deletion_protection=False)
_PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"
_BLOCKED = dict.fromkeys(
    ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True
)
_ROOT_LIKE = {"automaticallyAfterDays": 30}

#: By the rule's name: cases it objects to, and cases it does not.
ACCESS: dict[str, tuple[list[Case], list[Case]]] = {
    "role-without-powers": (
        _of(
            _role("eve", superuser=True),
            _role("eve", createDatabase=True),
            _role("eve", createRole=True),
            _role("eve", bypassRowLevelSecurity=True),
            _role("eve", replication=Secret(True)),
        ),
        _of(_role("ada", superuser=False), _role("ada", superuser=UNKNOWN, login=True)),
    ),
    "role-without-password": (
        _of(_role("web", password="x"), _role("web", password=Secret("x"), login=True)),
        _of(_role("web"), _role("web", password=""), _role("web", encryptedPassword=True)),
    ),
    "role-below-senior": (
        _of(
            _role("chiara", "tier_full"),
            _role("esra", "tier_reader", "app_owner"),
            _role("web", "ddl_gate"),
            _role("tier_writer", "app_owner"),
            one(GRANT_ROLE, role="chiara", grantRole="tier_full"),
            one(MEMBERSHIPS, members={"ddl_gate": {"chiara": "SET"}}),
        ),
        _of(
            _role("ada", "tier_full", "ddl_gate"),
            _role("migrator", "ddl_gate"),
            _role("ddl_gate", "app_owner"),
            _role("chiara", "tier_writer", UNKNOWN),
            _role(UNKNOWN, "tier_full"),
            one(GRANT_ROLE, role="ada", grantRole="tier_full"),
            one(MEMBERSHIPS, members={"app_owner": {"ddl_gate": "SET"}, "tier_full": UNKNOWN}),
        ),
    ),
    "role-not-lent": (
        _of(
            _role("ada", "root"),
            _role("web", "pg_write_all_data"),
            one(GRANT_ROLE, role="ada", grantRole="rds_superuser"),
            one(GRANT_ROLE, role="chiara", grantRole="ada"),
            one(MEMBERSHIPS, members={"web": {"esra": "INHERIT"}}),
        ),
        _of(_role("ada", "tier_full", "rds_iam"), _role("ada", UNKNOWN)),
    ),
    "grant-below-senior": (
        _of(
            _grant("tier_reader", "SELECT", "DELETE"),
            _grant("tier_writer", "truncate"),
            _grant("chiara", "ALL"),
            _grant("eve", "DELETE", kind=DEFAULT_PRIVILEGES),
        ),
        _of(
            _grant("tier_full", "DELETE", "TRUNCATE"),
            _grant("ada", "DELETE"),
            _grant("web", "DELETE", kind=DEFAULT_PRIVILEGES),
            _grant("tier_writer", "INSERT", UNKNOWN),
            _grant(UNKNOWN, "DELETE"),
        ),
    ),
    "grant-juniors-read": (
        _of(
            _grant("tier_reader", "SELECT", "insert"),
            _grant("esra", "UPDATE"),
            _grant("tier_reader", "UPDATE", kind=DEFAULT_PRIVILEGES),
        ),
        _of(
            _grant("tier_reader", "SELECT", "EXECUTE"),
            _grant("tier_writer", "INSERT"),
            _grant("chiara", "INSERT"),
            _grant(UNKNOWN, "INSERT"),
            _grant("esra", UNKNOWN),
        ),
    ),
    "grant-never-given": (
        _of(
            _grant("tier_full", "TRIGGER"),
            _grant("web", "SELECT", "all"),
            _grant("migrator", "CREATE", kind=DEFAULT_PRIVILEGES),
        ),
        _of(
            _grant("app_owner", "CREATE", "USAGE"),
            _grant("tier_full", "DELETE", UNKNOWN),
            _grant(UNKNOWN, "TRIGGER"),
        ),
    ),
    "nobody-owns": (
        _of(
            one(SCHEMA, owner="ada"),
            one(SCHEMA, owner="tier_full"),
            one(DATABASE, owner="web"),
            one(SCHEMA, owner="provisioner", policies=[{"role": "ada", "create": True}]),
            _grant("ada", "SELECT", kind=DEFAULT_PRIVILEGES, owner="chiara"),
        ),
        _of(
            one(SCHEMA, owner="provisioner"),
            one(SCHEMA, owner=UNKNOWN, policies=[{"role": "ada", "usage": True}, UNKNOWN]),
            one(SCHEMA, policies=[{"role": "app_owner", "create": True}]),
            _grant("ada", "SELECT", kind=DEFAULT_PRIVILEGES, owner="app_owner"),
        ),
    ),
    "grant-ends-here": (
        _of(
            _grant("ada", "SELECT", withGrantOption=True),
            one(GRANT_ROLE, role="ada", grantRole="tier_reader", withAdminOption=True),
        ),
        _of(_grant("ada", "SELECT"), _grant("ada", "SELECT", withGrantOption=UNKNOWN)),
    ),
    "grant-not-to-all": (
        _of(_grant("public", "SELECT"), _grant("PUBLIC", "USAGE", kind=DEFAULT_PRIVILEGES)),
        _of(_grant("tier_reader", "SELECT"), _grant("public"), _grant(UNKNOWN, "SELECT")),
    ),
    "database-not-declared": (
        _of(one(DATABASE, name="app"), one(DATABASE, name="app", owner="root")),
        [
            *_of(one(DATABASE, name="scratch"), one(DATABASE, name=UNKNOWN)),
            Case((one(DATABASE, name="app"),), _UNGUARDED),
        ],
    ),
    "no-plain-secret": (
        _of(
            one("a:b:C", password="hunter2"),
            one("a:b:C", master_user_password="hunter2"),
            one("a:b:C", nested=[{"API_KEY": "hunter2"}]),
            one("a:b:C", environment={"variables": {"AUTH_TOKEN": "hunter2"}}),
            one("a:b:C", content=_PEM),
            one("a:b:C", code=pulumi.StringAsset(_PEM)),
            one("a:b:C", url="postgres://root:hunter2@db.example.com/app"),
            one("a:b:C", dsn="host=db.example.com password=hunter2"),
            one("a:b:C", value="AKIAIOSFODNN7EXAMPLE"),
        ),
        _of(
            one("a:b:C", password=Secret("hunter2")),
            one("a:b:C", nested=Secret({"token": "x"}), deep=[Secret(_PEM)]),
            one("a:b:C", password="", secretId="root", passwordMaxAgeDays="30"),
            one("a:b:C", token=UNKNOWN, secret="arn:aws:secretsmanager:eu-central-1:1:secret:x"),
            one("a:b:C", url="postgres://ada@db.example.com/app", key="/etc/key.pem"),
            one("a:b:C", certificate="-----BEGIN CERTIFICATE-----"),
        ),
    ),
    "protected": (
        _of(_bare(PRIMARY), _bare(VAULT_HERE), _bare(KEY_OF_VAULT), one(SECRET)),
        _of(PRIMARY, VAULT_HERE, KEY_OF_VAULT, one(SECRET, protect=True)),
    ),
    "local-protected": (
        _of(one(LOCAL_PRIMARY), one(LOCAL_REPLICA)),
        [
            *_of(one(LOCAL_PRIMARY, protect=True), one(LOCAL_REPLICA, protect=True)),
            Case((one(LOCAL_PRIMARY),), _UNPROTECTED),
        ],
    ),
    "key-rotates": (
        _of(one(KEY), one(KEY, enableKeyRotation=False)),
        _of(KEY_OF_VAULT, one(KEY, customerMasterKeySpec="RSA_2048")),
    ),
    "secret-rotates": (
        _of(
            one(ROTATION, rotationRules={"automaticallyAfterDays": 91}),
        ),
        _of(
            one(ROTATION, rotationRules=_ROOT_LIKE),
            one(ROTATION, rotationRules={"scheduleExpression": "rate(7 days)"}),
            one(ROTATION, rotationRules=UNKNOWN),
        ),
    ),
    "nothing-open-to-everybody": (
        _of(
            one(TOPIC_POLICY, policy=policy(Principal="*")),
            one(SECRET_POLICY, policy=policy(Principal=_EVERYBODY)),
            one(KEY, policy=policy(Principal={"AWS": ["arn:aws:iam::1:root", "*"]})),
            one(TOPIC_POLICY, policy=policy(Principal="*", Condition=_ANYWHERE)),
            one(TOPIC_POLICY, policy=policy(Principal="*", Condition=_ELSEWHERE)),
            one(TOPIC_POLICY, policy=policy(NotPrincipal={"AWS": "arn:aws:iam::1:root"})),
        ),
        _of(
            one(TOPIC_POLICY, policy=policy(Principal={"Service": "events.amazonaws.com"})),
            one(TOPIC_POLICY, policy=policy(Principal="*", Condition=_HERE)),
            one(SECRET_POLICY, policy=policy(Effect="Deny", Principal="*")),
            one(SECRET_POLICY, policy=UNKNOWN),
            one(SECRET_POLICY, policy="no document"),
        ),
    ),
    "buckets-private": (
        _of(
            one(BUCKET, acl="public-read"),
            one(BUCKET_BLOCK, **{**_BLOCKED, "ignorePublicAcls": False}),
            one(BUCKET_BLOCK),
        ),
        _of(one(BUCKET), one(BUCKET, acl="private"), one(BUCKET_BLOCK, **_BLOCKED)),
    ),
    "functions-private": (
        _of(one(PERMISSION, principal="*"), one(FUNCTION_URL, authorizationType="NONE")),
        _of(
            one(PERMISSION, principal="secretsmanager.amazonaws.com"),
            one(PERMISSION, principal="*", principalOrgId="o-1"),
            one(PERMISSION, principal="*", sourceArn=UNKNOWN),
            one(FUNCTION_URL, authorizationType="AWS_IAM"),
        ),
    ),
    "alarm-acts": (
        _of(changed(HEART, alarmActions=[]), changed(HEART, actionsEnabled=False)),
        _of(HEART, changed(HEART, alarmActions=[UNKNOWN]), changed(HEART, alarmActions=UNKNOWN)),
    ),
    "topic-encrypted": (
        _of(changed(ALARMS, kmsMasterKeyId=None), changed(ALARMS, kmsMasterKeyId="alias/aws/sns")),
        _of(ALARMS, changed(ALARMS, kmsMasterKeyId=UNKNOWN)),
    ),
}
