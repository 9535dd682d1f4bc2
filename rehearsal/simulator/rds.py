"""RDS: what moto leaves out of instances, parameters, automated backups and event subscriptions.

- An id for each instance. moto gives all the same one, and the provider looks them up by it.
- A replica has lists and settings of its own. moto copies the primary whole.
- Performance Insights as it was asked for, and the defaults RDS answers with.
- The source of a parameter. The provider takes one without for a default, and drops it.
- DescribeDBEngineVersions and DescribeCertificates, with one entry each.
- Automated backups that are replicated to another region.
- ModifyEventSubscription.
- A listener: whoever stands for the servers hears what happens to instances.
"""

import secrets
import string
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from moto.core.responses import ActionResult
from moto.rds.exceptions import DBInstanceNotFoundError, InvalidDBInstanceStateFault
from moto.rds.models import DBInstance, RDSBackend, rds_backends
from moto.rds.responses import RDSResponse

#: What an instance gets that asks for none (RDS user guide, "Using SSL/TLS").
_CERTIFICATE = "rds-ca-rsa2048-g1"

_ALPHABET = string.ascii_uppercase + string.digits

#: Settings of a replica that are its own; without a word in the request they are RDS's defaults.
_OWN: dict[str, Any] = {
    "enable_iam_database_authentication": False,
    "deletion_protection": False,
    "multi_az": False,
    "monitoring_interval": 0,
    "monitoring_role_arn": None,
    "performance_insights_enabled": False,
    "performance_insights_kms_key_id": None,
    "performance_insights_retention_period": None,
    "database_insights_mode": "standard",
}


class Listener(Protocol):
    """Whoever stands for the servers behind instances."""

    def created(self, instance: DBInstance, password: str) -> None:
        """An instance was made, with its master's first password."""

    def password_changed(self, instance: DBInstance, password: str) -> None:
        """The master was given another password by the API."""

    def deleted(self, instance: DBInstance) -> None:
        """An instance is gone."""


#: Who hears what happens to instances that are no replicas; a simulator sets it.
listeners: list[Listener] = []


@cache
def install() -> None:
    """Put all of this into moto, once in a process."""
    _instances()
    _listening()
    for name in (
        "describe_db_parameters",
        "describe_db_engine_versions",
        "describe_certificates",
        "describe_db_instance_automated_backups",
        "start_db_instance_automated_backups_replication",
        "stop_db_instance_automated_backups_replication",
        "modify_event_subscription",
    ):
        setattr(RDSResponse, name, globals()[f"_{name}"])


def _instances() -> None:
    """Changes of what moto does with instances."""
    init, update = DBInstance.__init__, DBInstance.update
    replicate = RDSBackend.create_db_instance_read_replica

    def initialised(self: DBInstance, *given: Any, **named: Any) -> None:
        init(self, *given, **{"ca_certificate_identifier": _CERTIFICATE, **named})
        self.dbi_resource_id = _resource_id()
        for name, default in _OWN.items():
            if not hasattr(self, name):
                setattr(self, name, default)
        _insights(self, named)

    def updated(self: DBInstance, **named: Any) -> None:
        update(self, **named)
        _insights(self, named)

    def replicated(self: RDSBackend, db_kwargs: Any) -> DBInstance:
        replica: DBInstance = replicate(self, db_kwargs)
        replica.dbi_resource_id = _resource_id()
        replica.instance_create_time = datetime.now(UTC)
        replica.tags = db_kwargs.get("tags") or []
        logs = db_kwargs.get("enable_cloudwatch_logs_exports") or []
        replica.enabled_cloudwatch_logs_exports = list(logs)
        for name, default in _OWN.items():
            setattr(replica, name, db_kwargs.get(name, default))
        _insights(replica, db_kwargs)
        return replica

    _change(DBInstance, __init__=initialised, update=updated)
    _change(RDSBackend, create_db_instance_read_replica=replicated)


def _listening() -> None:
    """Tell listeners what happens to instances."""
    create, modify = RDSBackend.create_db_instance, RDSBackend.modify_db_instance
    delete = RDSBackend.delete_db_instance

    def created(self: RDSBackend, db_kwargs: Any) -> DBInstance:
        instance: DBInstance = create(self, db_kwargs)
        for listener in listeners:
            listener.created(instance, str(db_kwargs["master_user_password"]))
        return instance

    def modified(self: RDSBackend, db_instance_identifier: str, db_kwargs: Any) -> DBInstance:
        instance = modify(self, db_instance_identifier, db_kwargs)
        password = db_kwargs.get("master_user_password")
        for listener in listeners if password else ():
            listener.password_changed(instance, str(password))
        return instance

    def deleted(self: RDSBackend, *given: Any, **named: Any) -> DBInstance:
        instance: DBInstance = delete(self, *given, **named)
        for listener in () if instance.is_replica else listeners:
            listener.deleted(instance)
        return instance

    _change(
        RDSBackend,
        create_db_instance=created,
        modify_db_instance=modified,
        delete_db_instance=deleted,
    )


def _change(owner: type, **functions: Callable[..., Any]) -> None:
    for name, function in functions.items():
        setattr(owner, name, function)


def _resource_id() -> str:
    return "db-" + "".join(secrets.choice(_ALPHABET) for _ in range(26))


def _insights(instance: Any, asked: Any) -> None:
    """Performance Insights is asked for by another name than it is told by."""
    if asked.get("enable_performance_insights") is not None:
        instance.performance_insights_enabled = asked["enable_performance_insights"]
    for name in ("performance_insights_kms_key_id", "performance_insights_retention_period"):
        if asked.get(name) is not None:
            setattr(instance, name, asked[name])
    if instance.performance_insights_enabled and not instance.performance_insights_retention_period:
        instance.performance_insights_retention_period = 7
    if asked.get("database_insights_mode"):
        instance.database_insights_mode = asked["database_insights_mode"]


def _describe_db_parameters(self: RDSResponse) -> ActionResult:
    wanted = {"db_parameter_group_name": self.params.get("DBParameterGroupName")}
    groups = self.backend.describe_db_parameter_groups(wanted)
    held = [dict(each) for group in groups for each in group.parameters.values()]
    return ActionResult({"Parameters": [{**each, "Source": "user"} for each in held]})


def _describe_db_engine_versions(self: RDSResponse) -> ActionResult:
    version = self.params.get("EngineVersion") or "17.6"
    major = version.partition(".")[0]
    found = {
        "Engine": self.params.get("Engine", "postgres"),
        "EngineVersion": version,
        "DBParameterGroupFamily": f"postgres{major}",
        "Status": "available",
        "ValidUpgradeTarget": [],
    }
    return ActionResult({"DBEngineVersions": [found]})


def _describe_certificates(self: RDSResponse) -> ActionResult:
    name = self.params.get("CertificateIdentifier") or _CERTIFICATE
    found = {
        "CertificateIdentifier": name,
        "CertificateType": "CA",
        "CertificateArn": f"arn:aws:rds:{self.region}::cert:{name}",
        "ValidFrom": datetime(2021, 5, 21, tzinfo=UTC),
        "ValidTill": datetime(2061, 5, 21, tzinfo=UTC),
    }
    return ActionResult({"Certificates": [found]})


#: The backups that are replicated to a region, by ARN.
_replicated: WeakKeyDictionary[RDSBackend, dict[str, dict[str, Any]]] = WeakKeyDictionary()


def _held(self: RDSResponse) -> dict[str, dict[str, Any]]:
    return _replicated.setdefault(self.backend, {})


def _source(self: RDSResponse) -> DBInstance:
    """The instance another region's backups are of."""
    arn = self.params["SourceDBInstanceArn"]
    region, name = arn.split(":")[3], arn.rpartition(":")[2]
    databases = rds_backends[self.current_account][region].databases
    if name not in databases:
        raise DBInstanceNotFoundError(name)
    return databases[name]


def _start_db_instance_automated_backups_replication(self: RDSResponse) -> ActionResult:
    instance = _source(self)
    name = f"ab-{_resource_id()[3:].lower()}"
    arn = f"arn:aws:rds:{self.region}:{self.current_account}:auto-backup:{name}"
    backup = {
        "DBInstanceAutomatedBackupsArn": arn,
        "DBInstanceArn": instance.db_instance_arn,
        "DBInstanceIdentifier": instance.db_instance_identifier,
        "DbiResourceId": instance.dbi_resource_id,
        "Region": instance.region,
        "BackupRetentionPeriod": self.params.get("BackupRetentionPeriod", 7),
        "KmsKeyId": self.params.get("KmsKeyId"),
        "Encrypted": bool(self.params.get("KmsKeyId")),
        "Engine": instance.engine,
        "Status": "replicating",
    }
    _held(self)[arn] = backup
    _mirror(instance, [{"DBInstanceAutomatedBackupsArn": arn}])
    return ActionResult({"DBInstanceAutomatedBackup": backup})


def _stop_db_instance_automated_backups_replication(self: RDSResponse) -> ActionResult:
    instance = _source(self)
    held = _held(self)
    found = [arn for arn, each in held.items() if each["DBInstanceArn"] == instance.db_instance_arn]
    if not found:
        what = f"{instance.db_instance_identifier} is not replicating to the current region"
        raise InvalidDBInstanceStateFault(what)
    backup = held.pop(found[0])
    _mirror(instance, [])
    return ActionResult({"DBInstanceAutomatedBackup": backup})


def _mirror(instance: Any, backups: list[dict[str, str]]) -> None:
    instance.db_instance_automated_backups_replications = backups


def _describe_db_instance_automated_backups(self: RDSResponse) -> ActionResult:
    held = _held(self)
    arn = self.params.get("DBInstanceAutomatedBackupsArn")
    if arn:
        return ActionResult({"DBInstanceAutomatedBackups": [held[arn]] if arn in held else []})
    name = self.params.get("DBInstanceIdentifier")
    own = self.backend.describe_db_instance_automated_backups(db_instance_identifier=name)
    from_elsewhere = [
        each for each in held.values() if name in (None, each["DBInstanceIdentifier"])
    ]
    return ActionResult({"DBInstanceAutomatedBackups": [*own, *from_elsewhere]})


def _modify_event_subscription(self: RDSResponse) -> ActionResult:
    name = self.params["SubscriptionName"]
    found = next(iter(self.backend.describe_event_subscriptions(name)))
    for parameter, attribute in (
        ("SnsTopicArn", "sns_topic_arn"),
        ("SourceType", "source_type"),
        ("EventCategories", "event_categories"),
        ("Enabled", "enabled"),
    ):
        if self.params.get(parameter) is not None:
            setattr(found, attribute, self.params[parameter])
    return ActionResult({"EventSubscription": found})
