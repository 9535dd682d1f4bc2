"""How each setting of a stack is read: its form, its range, and what a wrong value would do."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from strongroom.reading import forms
from strongroom.reading.aws_form import aws
from strongroom.reading.documents import Node, Report, quoted
from strongroom.reading.names import database_name_problems
from strongroom.reading.server_settings import refused
from strongroom.reading.stack_files import STACKS
from strongroom.tiers import Tier

#: Seconds in a day; also RDS's limit for recovery_min_apply_delay (86,400,000 ms).
DAY = 86_400
#: Rows. Above this a guard against mass changes would hold back nothing that can be undone by hand.
_MOST_ROWS = 1_000_000_000

DEFAULT_TIMEOUTS: Mapping[Tier, int] = MappingProxyType(
    {Tier.JUNIOR: 60, Tier.MID: 300, Tier.SENIOR: 900}
)

# RFC 1123 labels, the first of which may be a wildcard, and a port.
_HOST = re.compile(
    r"(?:\*\.)?(?=[^:]{1,253}(?::|$))[a-z0-9_](?:[a-z0-9_-]{0,62})"
    r"(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*\.?(?::(?P<port>\d{1,5}))?",
    re.IGNORECASE,
)


def _platform(report: Report, node: Node, what: str) -> str | None:
    return forms.choice(report, node, what, ["local", "aws"], "nothing could be built")


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


def _hosts(report: Report, node: Node, what: str) -> tuple[str, ...]:
    given = forms.items(report, node, what, "[db.example.com, '10.0.3.0/24']") or []
    hosts = []
    for entry in given:
        host = forms.text(report, entry, f"an entry of {what}", "db.example.com")
        if host is None:
            continue
        if problem := host_problem(host):
            report.add(entry.place, f"{what} names {quoted(host)}, which {problem}")
        hosts.append(host)
    return tuple(hosts)


def host_problem(host: str) -> str | None:
    """Why `host` does not say where a guarded database is; None when it does.

    Args:
        host: a name, also ``*.name``, an address or a network in CIDR; the first two may end in
            ``:port``, with an IPv6 address in brackets.
    """
    port, loopback = "", False
    if bracketed := re.fullmatch(r"\[([^]]*)](?::(\d{1,5}))?", host):
        host, port = bracketed[1], bracketed[2] or ""
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    if port and not 0 < int(port if port.isdigit() else 0) < 65536:
        return "has a port that none can have, so it would never match. Write 1 to 65535"
    try:
        loopback = ipaddress.ip_network(host).is_loopback
    except ValueError as error:
        if "host bits" in str(error):
            return "has bits set behind its mask, so it is no network. Write the first address"
        if re.fullmatch(r"[\d./]+", host) or not _HOST.fullmatch(host):
            return "is neither a host name, an address nor a network, so it would never match"
        loopback = host.lower().rstrip(".") == "localhost"
    if loopback and not port:
        return "is every server of whoever's own machine. Add the port of the one that is meant"
    return None


def _rows(report: Report, node: Node, what: str) -> int | None:
    consequence = "no statement, or every one, would be too much (0 switches the guard off)"
    return forms.whole_number(report, node, what, range(1, _MOST_ROWS + 1), consequence, 0)


def _alert_rows(report: Report, node: Node, what: str) -> int | None:
    consequence = "every delete would be an alert, or none"
    return forms.whole_number(report, node, what, range(1, _MOST_ROWS + 1), consequence)


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
    return MappingProxyType({**DEFAULT_TIMEOUTS, **known})


def _delay(report: Report, node: Node, what: str) -> int | None:
    consequence = "the replica could not follow at that distance"
    return forms.whole_number(report, node, what, range(DAY + 1), consequence)


def _vault(report: Report, node: Node, what: str) -> str | None:
    return _absolute(report, node, what, "/mnt/vault")


def _archive_timeout(report: Report, node: Node, what: str) -> int | None:
    consequence = "WAL would be archived all the time or too late to recover from"
    return forms.whole_number(report, node, what, range(1, 3601), consequence)


def _hours(report: Report, node: Node, what: str) -> int | None:
    consequence = "snapshots would be taken all the time or too far apart"
    return forms.whole_number(report, node, what, range(1, 169), consequence)


def _full_days(report: Report, node: Node, what: str) -> int | None:
    consequence = "a restore would have to put too many snapshots together"
    return forms.whole_number(report, node, what, range(1, 36), consequence)


def _keep_days(report: Report, node: Node, what: str) -> int | None:
    consequence = "snapshots would end before anybody missed something, or never"
    return forms.whole_number(report, node, what, range(1, 3651), consequence)


def _lock_days(report: Report, node: Node, what: str) -> int | None:
    consequence = "snapshots could be removed by anybody, or never"
    return forms.whole_number(report, node, what, range(1, 3651), consequence, 0)


def _drill_days(report: Report, node: Node, what: str) -> int | None:
    consequence = "whether snapshots can be restored would be found out too late (0 for no drills)"
    return forms.whole_number(report, node, what, range(1, 366), consequence, 0)


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
    return _absolute(report, node, what, "/usr/lib/postgresql/17/bin")


def _absolute(report: Report, node: Node, what: str, example: str) -> str | None:
    name = forms.text(report, node, what, example)
    if name is not None and not Path(name).is_absolute():
        problem = f"{what} is {quoted(name)}, which is not an absolute path, so it would depend on"
        report.add(node.place, f"{problem} who runs Pulumi where. Give the whole path")
    return name


def _rotation(report: Report, node: Node, what: str) -> str | None:
    return forms.text(report, node, what, "2026-11-23")


def _elevation_hours(report: Report, node: Node, what: str) -> int | None:
    consequence = "nothing could be done in it, or a tier would be lent for good"
    return forms.whole_number(report, node, what, range(1, 745), consequence)


def _approvers(report: Report, node: Node, what: str) -> tuple[str, ...]:
    given = forms.items(report, node, what, "[ada, bram]") or []
    once = forms.once(report, given, what)
    names = (forms.text(report, each, f"an entry of {what}", "ada") for each in once)
    return tuple(name for name in names if name is not None)


#: For each field of `Settings` what reads it; a mistake goes to the report.
READERS: Mapping[str, Callable[[Report, Node, str], object]] = MappingProxyType(
    {
        "platform": _platform,
        "roster": _roster,
        "database": _database,
        "port": _port,
        "deletion_protection": forms.boolean,
        "guarded": forms.boolean,
        "guarded_hosts": _hosts,
        "mass_change_rows": _rows,
        "alert_delete_rows": _alert_rows,
        "root_password_max_age_days": _days,
        "statement_timeout_seconds": _timeouts,
        "idle_in_transaction_timeout_seconds": _timeout,
        "replica_delay_seconds": _delay,
        "vault": _vault,
        "archive_timeout_seconds": _archive_timeout,
        "snapshot_every_hours": _hours,
        "snapshot_full_every_days": _full_days,
        "snapshot_keep_days": _keep_days,
        "snapshot_lock_days": _lock_days,
        "drill_every_days": _drill_days,
        "server": _server,
        "server_binaries": _binaries,
        "root_password_rotation": _rotation,
        "elevation_max_hours": _elevation_hours,
        "elevation_approvers": _approvers,
        "aws": aws,
    }
)
