"""What one environment is made of, parsed once from Pulumi's configuration.

The program gets the values from the engine, as text; the command line reads the same values from
Pulumi.yaml and stacks/Pulumi.<environment>.yaml. Both go through the same rules.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from strongroom.reading import forms
from strongroom.reading.documents import Node, Place, Report, plain, quoted, shown_path
from strongroom.reading.names import database_name_problems, environment_name_problems
from strongroom.reading.server_settings import refused
from strongroom.reading.stack_files import NAMESPACE, STACKS, own_keys, read_stack
from strongroom.tiers import Tier

#: Seconds in a day; also RDS's limit for recovery_min_apply_delay (86,400,000 ms).
DAY = 86_400

_DEFAULT_TIMEOUTS: Mapping[Tier, int] = MappingProxyType(
    {Tier.JUNIOR: 60, Tier.MID: 300, Tier.SENIOR: 900}
)
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Settings:
    """The settings of one environment.

    Every field but `environment` is a key of Pulumi's configuration, in camelCase, with its
    default in Pulumi.yaml.

    Attributes:
        environment: the stack's name.
        platform: what the stack runs on; ``local`` is the only one so far.
        roster: the roster's file name in stacks/.
        database: the application database's name.
        port: the primary's TCP port, 1024 to 65535; 0 chooses a free one and remembers it.
        deletion_protection: whether destroying or replacing the primary is refused.
        root_password_max_age_days: days after which root's password is rotated, 1 to 365.
        statement_timeout_seconds: the longest a statement may run, by tier, 1 to 86,400 s.
        idle_in_transaction_timeout_seconds: the longest an open transaction may idle, 1 to
            86,400 s.
        replica_delay_seconds: how far the replica stays behind, 0 (a plain standby) to 86,400 s.
        server: further settings for postgresql.conf.
        server_binaries: PostgreSQL's bin folder; empty for the packaged server.
        root_password_rotation: any text; changing it rotates root's password at the next `up`.
    """

    environment: str
    platform: str = "local"
    roster: str = "engineers.yaml"
    database: str = "app"
    port: int = 0
    deletion_protection: bool = True
    root_password_max_age_days: int = 30
    statement_timeout_seconds: Mapping[Tier, int] = field(
        default_factory=lambda: _DEFAULT_TIMEOUTS, hash=False
    )
    idle_in_transaction_timeout_seconds: int = 300
    replica_delay_seconds: int = 0
    server: Mapping[str, str] = field(default_factory=lambda: _NOTHING, hash=False)
    server_binaries: str = ""
    root_password_rotation: str = ""

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
        for key, node in nodes.items():
            name = f"{NAMESPACE}:{key}"
            if key not in KEYS:
                forms.unknown_key(report, node.place, "the configuration", name, _FULL_KEYS)
            elif node.value == "" and KEYS[key] in _MAY_BE_EMPTY:
                continue
            elif node.value is None or node.value == "":
                problem = f"{name} has no value, so it says neither the default nor another"
                report.add(node.place, f"{problem}. Give it one, or leave the key out")
            else:
                found[KEYS[key]] = _READERS[KEYS[key]](report, node, name)
        report.settle()
        return cls(environment, **found)

    def roster_in(self, checkout: Path) -> Path:
        """Where the roster lies in a checkout."""
        return checkout / STACKS / self.roster


def camel(name: str) -> str:
    """A field's name as Pulumi's configuration spells it."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


#: Configuration keys, without namespace, and the field each fills.
KEYS: Mapping[str, str] = MappingProxyType(
    {camel(each.name): each.name for each in fields(Settings) if each.name != "environment"}
)
_MAY_BE_EMPTY = frozenset(each.name for each in fields(Settings) if each.default == "")
_FULL_KEYS = [f"{NAMESPACE}:{key}" for key in KEYS]
_OBJECTS = frozenset({"statementTimeoutSeconds", "server"})


def _unpacked(key: str, value: object) -> object:
    """The engine hands an object over as JSON text."""
    if key.removeprefix(f"{NAMESPACE}:") not in _OBJECTS or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _platform(report: Report, node: Node, what: str) -> str | None:
    if node.value == "aws":
        problem = f"{what} is 'aws', which comes with a later version, so nothing could be built"
        report.add(node.place, f"{problem}. Write local")
        return None
    return forms.choice(report, node, what, ["local"], "nothing could be built")


def _roster(report: Report, node: Node, what: str) -> str | None:
    name = forms.text(report, node, what, "engineers.yaml")
    if name is None:
        return None
    if Path(name).name != name or not name.endswith((".yaml", ".yml")):
        problem = f"{what} is {quoted(name)}, not the name of a YAML file in {STACKS}/, so the"
        rest = f"review of {STACKS}/ would not see who has which rights. Put the roster there"
        report.add(node.place, f"{problem} {rest}")
    return name


def _database(report: Report, node: Node, what: str) -> str | None:
    name = forms.text(report, node, what, "app")
    for problem in database_name_problems(name) if name is not None else ():
        report.add(node.place, f"{what} {quoted(name or '')} {problem}")
    return name


def _port(report: Report, node: Node, what: str) -> int | None:
    consequence = "an unprivileged server could not listen on it"
    return forms.whole_number(report, node, what, range(1024, 65536), consequence, 0)


def _days(report: Report, node: Node, what: str) -> int | None:
    consequence = "root's password would be rotated all the time or never"
    return forms.whole_number(report, node, what, range(1, 366), consequence)


def _timeout(report: Report, node: Node, what: str) -> int | None:
    consequence = "a forgotten session could hold locks for good (0 means no limit)"
    return forms.whole_number(report, node, what, range(1, DAY + 1), consequence)


def _timeouts(report: Report, node: Node, what: str) -> Mapping[Tier, int]:
    tiers = [tier.value for tier in Tier]
    given = forms.fields(report, node, what, tiers, "{junior: 60, mid: 300, senior: 900}") or {}
    read = {Tier(tier): _timeout(report, each, f"{what}.{tier}") for tier, each in given.items()}
    known = {tier: seconds for tier, seconds in read.items() if seconds is not None}
    return MappingProxyType({**_DEFAULT_TIMEOUTS, **known})


def _delay(report: Report, node: Node, what: str) -> int | None:
    consequence = "the replica could not follow at that distance"
    return forms.whole_number(report, node, what, range(DAY + 1), consequence)


def _server(report: Report, node: Node, what: str) -> Mapping[str, str]:
    given = forms.mapping(report, node, what, "{shared_buffers: 256MB}") or {}
    read = {}
    for name, value in given.items():
        if problem := refused(name):
            report.add(value.place, f"{what} sets {quoted(name)}, which {problem}")
        else:
            read[name] = _server_value(report, value, f"{what}.{name}")
    return MappingProxyType({name: text for name, text in read.items() if text is not None})


def _server_value(report: Report, node: Node, what: str) -> str | None:
    """A value as postgresql.conf spells it."""
    match node.value:
        case bool():
            return "on" if node.value else "off"
        case int() | float():
            return str(node.value)
        case "":
            return ""
        case _:
            return forms.text(report, node, what, "256MB")


def _binaries(report: Report, node: Node, what: str) -> str | None:
    name = forms.text(report, node, what, "/usr/lib/postgresql/17/bin")
    if name is not None and not Path(name).is_absolute():
        problem = f"{what} is {quoted(name)}, which is not an absolute path, so it would depend on"
        report.add(node.place, f"{problem} who runs Pulumi where. Give the whole path")
    return name


def _rotation(report: Report, node: Node, what: str) -> str | None:
    return forms.text(report, node, what, "2026-11-23")


_READERS: Mapping[str, Callable[[Report, Node, str], object]] = MappingProxyType(
    {
        "platform": _platform,
        "roster": _roster,
        "database": _database,
        "port": _port,
        "deletion_protection": forms.boolean,
        "root_password_max_age_days": _days,
        "statement_timeout_seconds": _timeouts,
        "idle_in_transaction_timeout_seconds": _timeout,
        "replica_delay_seconds": _delay,
        "server": _server,
        "server_binaries": _binaries,
        "root_password_rotation": _rotation,
    }
)
