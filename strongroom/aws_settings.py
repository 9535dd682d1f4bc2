"""What a stack on AWS is made of, besides what every platform has."""

from dataclasses import dataclass
from enum import StrEnum

from strongroom.tiers import ROOT

#: TCP port where the setting `port` leaves it open: not PostgreSQL's own, which is tried first
#: (Security Hub, RDS.23).
PORT = 6432


class Lock(StrEnum):
    """How the backup vault is locked."""

    #: Who holds the right permission may still shorten or remove.
    GOVERNANCE = "governance"
    #: Three days after it was set nobody may, the account's root and AWS included.
    COMPLIANCE = "compliance"


@dataclass(frozen=True)
class Existing:
    """An instance that was there before the stack, which takes it over instead of making one.

    What RDS cannot change of it is left as it is: identifier, master, storage key, subnet group.

    Attributes:
        identifier: the instance's; empty when the stack makes its own.
        master: what its master is called, who is root there: a letter, then letters, digits
            and _, 63 of them at most.
    """

    identifier: str = ""
    master: str = ROOT


@dataclass(frozen=True)
class AwsSettings:
    """The setting ``strongroom:aws`` of one environment; each field is a key of it, in camelCase.

    The defaults are what production should have.

    Attributes:
        region: where the database is; it stands under the provider's own key ``aws:region``.
        copy_region: another region, which gets a copy of every backup; empty for none.
        existing: the instance that is taken over, see docs/production.md; none by default.
        vpc: the id of the network to use; empty to make one without a way to the internet.
        subnets: ids of private subnets of `vpc` in at least two zones.
        cidr: the addresses of a network that is made, a /16 to /24 of RFC 1918.
        zones: letters of the region's zones in which a network that is made has subnets, two to
            four. Regions without three zones a, b and c need others.
        clients: ids of the security groups from which the database may be reached.
        engine_version: PostgreSQL's major version, 17 or newer. Minor ones come by themselves in
            the maintenance window, so one that is written here would soon be a way back.
        major_upgrade: whether a new major version may be an upgrade: minutes without a database.
        instance_class: of the primary.
        replica_class: of its replicas; empty for the primary's.
        storage_gb: storage to begin with, 20 to 65,536 GiB.
        storage_max_gb: up to where it grows by itself, more than `storage_gb`, up to 65,536 GiB.
        multi_az: whether a second zone holds a copy that takes over by itself.
        backup_days: days RDS's own backups are kept, 1 to 35.
        backup_window: when they are taken, hh:mm-hh:mm in UTC.
        maintenance_window: when AWS may restart, ddd:hh:mm-ddd:hh:mm in UTC.
        apply_immediately: whether a change that restarts is made at once, not in the maintenance
            window. A changed port restarts at once in any case.
        monthly_keep_days: days the first snapshot of a month is kept, 31 to 3,650.
        vault_lock: how the vault is locked against removing snapshots.
        log_days: days logs are kept; one of CloudWatch's terms.
        insights_days: days Performance Insights keeps: 7, 731, or a month's 31 times 1 to 23.
        contacts: e-mail addresses that get every alarm.
        pipeline_roles: ARNs of the roles pipelines run Pulumi as.
        break_glass_roles: ARNs of the roles that may open root's secret.
        authorities: the PEM file with the certificates of RDS's authorities, below the checkout.
    """

    region: str = ""
    copy_region: str = ""
    existing: Existing = Existing()
    vpc: str = ""
    subnets: tuple[str, ...] = ()
    cidr: str = "10.60.0.0/16"
    zones: tuple[str, ...] = ("a", "b", "c")
    clients: tuple[str, ...] = ()
    engine_version: str = "17"
    major_upgrade: bool = False
    instance_class: str = "db.m7g.large"
    replica_class: str = ""
    storage_gb: int = 100
    storage_max_gb: int = 1000
    multi_az: bool = True
    backup_days: int = 35
    backup_window: str = "02:00-03:00"
    maintenance_window: str = "sun:04:00-sun:05:00"
    apply_immediately: bool = False
    monthly_keep_days: int = 365
    vault_lock: Lock = Lock.GOVERNANCE
    log_days: int = 365
    insights_days: int = 7
    contacts: tuple[str, ...] = ()
    pipeline_roles: tuple[str, ...] = ()
    break_glass_roles: tuple[str, ...] = ()
    authorities: str = "stacks/rds-authorities.pem"
