"""What one environment is made of, parsed once from Pulumi's configuration.

The program gets the values from the engine, as text; the command line reads the same values from
Pulumi.yaml and stacks/Pulumi.<environment>.yaml. Both go through the same rules.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from strongroom.aws_settings import AwsSettings
from strongroom.reading import aws_form, forms
from strongroom.reading.documents import Node, Place, Report, plain, quoted, shown_path
from strongroom.reading.names import camel, environment_name_problems
from strongroom.reading.settings_form import DEFAULT_TIMEOUTS, READERS
from strongroom.reading.stack_files import AWS_REGION, NAMESPACE, STACKS, own_keys, read_stack
from strongroom.tiers import Tier

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Settings:
    """The settings of one environment.

    Every field but `environment` is a key of Pulumi's configuration, in camelCase, with its
    default in Pulumi.yaml.

    Attributes:
        environment: the stack's name.
        platform: what the stack runs on; ``local`` or ``aws``.
        roster: the roster's file name in stacks/.
        database: the application database's name.
        port: the primary's TCP port, 1024 to 65535; 0 chooses a free one and remembers it.
        deletion_protection: whether destroying or replacing the primary is refused.
        guarded: whether `strongroom guard` stops commands that would reach this environment.
        guarded_hosts: where its database is reached, besides what the platform itself knows:
            names, addresses and networks, see `settings_form.host_problem`.
        mass_change_rows: the most rows one UPDATE or DELETE may touch on guarded tables without
            naming them, 1 to 1,000,000,000; 0 switches that guard off.
        alert_delete_rows: deleted rows in one transaction that are an alert, 1 to 1,000,000,000.
        root_password_max_age_days: days after which root's password is rotated, 1 to 365.
        statement_timeout_seconds: the longest a statement may run, by tier, 1 to 86,400 s.
        idle_in_transaction_timeout_seconds: the longest an open transaction may idle, 1 to
            86,400 s.
        replica_delay_seconds: how far the delayed replica stays behind, 1 to 86,400 s; 0 for no
            delayed replica.
        vault: the absolute path of the folder for snapshots and archived WAL; empty for one
            beside the clusters. Another disk is better.
        archive_timeout_seconds: the longest a commit waits to be archived, 1 to 3,600 s; RDS
            takes 300.
        snapshot_every_hours: hours between two snapshots, 1 to 168.
        snapshot_full_every_days: days after which the next snapshot is full, 1 to 35.
        snapshot_keep_days: days every snapshot is kept, 1 to 3,650.
        snapshot_lock_days: days before which none can be removed, 0 to 3,650.
        drill_every_days: days between two restore drills, 1 to 365; 0 for none.
        server: further settings for postgresql.conf.
        server_binaries: PostgreSQL's bin folder; empty for the packaged server.
        root_password_rotation: any text; changing it rotates root's password at the next `up`.
        elevation_max_hours: the longest a tier may be lent, 1 to 744 hours.
        elevation_approvers: the roles of who may approve elevations; empty for every senior.
        aws: what a stack on AWS has besides, see `AwsSettings`.
    """

    environment: str
    platform: str = "local"
    roster: str = "engineers.yaml"
    database: str = "app"
    port: int = 0
    deletion_protection: bool = True
    guarded: bool = True
    guarded_hosts: tuple[str, ...] = ()
    mass_change_rows: int = 0
    alert_delete_rows: int = 1000
    root_password_max_age_days: int = 30
    statement_timeout_seconds: Mapping[Tier, int] = field(
        default_factory=lambda: DEFAULT_TIMEOUTS, hash=False
    )
    idle_in_transaction_timeout_seconds: int = 300
    replica_delay_seconds: int = 0
    vault: str = ""
    archive_timeout_seconds: int = 300
    snapshot_every_hours: int = 24
    snapshot_full_every_days: int = 7
    snapshot_keep_days: int = 35
    snapshot_lock_days: int = 7
    drill_every_days: int = 7
    server: Mapping[str, str] = field(default_factory=lambda: _NOTHING, hash=False)
    server_binaries: str = ""
    root_password_rotation: str = ""
    elevation_max_hours: int = 72
    elevation_approvers: tuple[str, ...] = ()
    aws: AwsSettings = field(default_factory=AwsSettings)

    @classmethod
    def parse(cls, environment: str, values: Mapping[str, object], source: str) -> Self:
        """Read settings from configuration values.

        Args:
            environment: the stack's name.
            values: by key, with or without ``strongroom:``; typed, or as the engine hands them
                to a program: text, and JSON for objects. Keys of other namespaces are left alone.
            source: where the values come from, for errors.

        Raises:
            SettingsError: with every mistake.
        """
        report = Report(source)
        place = Place(source)
        nodes = {key: plain(_unpacked(key, value), place) for key, value in values.items()}
        return cls._read(environment, own_keys(nodes, report), report)

    @classmethod
    def load(cls, checkout: Path, environment: str) -> Self:
        """Read an environment's settings from the files of a checkout, as the engine would.

        What the stack file takes from a Pulumi ESC environment is not seen here.

        Args:
            checkout: the folder that holds Pulumi.yaml.
            environment: the stack's name.

        Raises:
            SettingsError: with every mistake and its line, or naming the environments there are.
        """
        report = Report(shown_path(checkout / STACKS / f"Pulumi.{environment}.yaml"))
        return cls._read(environment, read_stack(checkout, environment, report), report)

    @classmethod
    def _read(cls, environment: str, nodes: Mapping[str, Node], report: Report) -> Self:
        for problem in environment_name_problems(environment):
            report.add(Place(report.source), f"the environment {quoted(environment)} {problem}")
        found: dict[str, Any] = {}
        region = nodes.get(AWS_REGION)
        for key, node in nodes.items():
            if key == AWS_REGION:
                continue
            name = f"{NAMESPACE}:{key}"
            if key not in KEYS:
                forms.unknown_key(report, node.place, "the configuration", name, _FULL_KEYS)
            elif node.value == "" and KEYS[key] in _MAY_BE_EMPTY:
                continue
            elif node.value is None or node.value == "":
                problem = f"{name} has no value, so it says neither the default nor another"
                report.add(node.place, f"{problem}. Give it one, or leave the key out")
            else:
                found[KEYS[key]] = READERS[KEYS[key]](report, node, name)
        if found.get("platform") == "aws":
            given = found.get("aws", AwsSettings())
            node = region or Node(None, Place(report.source))
            where = aws_form.region(report, node, AWS_REGION, given.copy_region)
            found["aws"] = replace(given, region=where or "")
            if "server" in nodes:
                aws_form.server(report, nodes["server"], f"{NAMESPACE}:server")
        report.settle()
        return cls(environment, **found)

    @property
    def root(self) -> str:
        """What root is called in the database; another name where an instance was taken over."""
        return self.aws.existing.master

    def roster_in(self, checkout: Path) -> Path:
        """Where the roster lies in a checkout."""
        return checkout / STACKS / self.roster


#: Configuration keys, without namespace, and the field each fills.
KEYS: Mapping[str, str] = MappingProxyType(
    {camel(each.name): each.name for each in fields(Settings) if each.name != "environment"}
)
_MAY_BE_EMPTY = frozenset(each.name for each in fields(Settings) if each.default == "")
_FULL_KEYS = [f"{NAMESPACE}:{key}" for key in KEYS]
_OBJECTS = frozenset(
    {"statementTimeoutSeconds", "guardedHosts", "server", "elevationApprovers", "aws"}
)


def _unpacked(key: str, value: object) -> object:
    """The engine hands an object over as JSON text."""
    if key.removeprefix(f"{NAMESPACE}:") not in _OBJECTS or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
