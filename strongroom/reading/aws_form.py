"""How the setting ``strongroom:aws`` is read: its form, its ranges, and what goes together."""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from strongroom.aws_settings import AwsSettings, Existing, Lock
from strongroom.reading import forms
from strongroom.reading.documents import Node, Report, quoted
from strongroom.reading.names import camel, instance_name_problems, master_name_problems

Reader = Callable[[Report, Node, str], object]

#: CloudWatch's retention terms, days (PutRetentionPolicy).
_LOG_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
#: Performance Insights' terms, days (CreateDBInstance).
_INSIGHTS_DAYS = (7, 731, *(31 * months for months in range(1, 24)))

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = f"(?:{'|'.join(_DAYS)})"
_DAY_LONG = 24 * 60
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"


def _like(pattern: str, rule: str, example: str) -> Reader:
    """Text of one form, or empty where the default is."""

    def read(report: Report, node: Node, what: str) -> str | None:
        value = forms.text(report, node, what, example)
        if value is None or re.fullmatch(pattern, value):
            return value
        problem = f"{what} is {quoted(value)}, which is no {rule}, so AWS would refuse it"
        report.add(node.place, f"{problem} halfway through. Write it like {example}")
        return None

    return read


def _many(one: Reader, example: str) -> Reader:
    def read(report: Report, node: Node, what: str) -> tuple[object, ...]:
        given = forms.items(report, node, what, f"[{example}]") or []
        once = forms.once(report, given, what)
        found = [one(report, each, f"an entry of {what}") for each in once]
        return tuple(each for each in found if each is not None)

    return read


def _number(allowed: range, consequence: str) -> Reader:
    return lambda report, node, what: forms.whole_number(report, node, what, allowed, consequence)


def _term(terms: tuple[int, ...]) -> Reader:
    """One of the numbers AWS takes."""

    def read(report: Report, node: Node, what: str) -> int | None:
        allowed = range(min(terms), max(terms) + 1)
        value = forms.whole_number(report, node, what, allowed, "AWS would refuse it")
        if value is None or value in terms:
            return value
        near = min(terms, key=lambda each: abs(each - value))
        problem = f"{what} is {value}, and AWS keeps them for certain terms only"
        report.add(node.place, f"{problem}, so it would refuse it. The nearest one is {near}")
        return None

    return read


def _cidr(report: Report, node: Node, what: str) -> str | None:
    value = forms.text(report, node, what, "10.60.0.0/16")
    if value is None:
        return None
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError:
        network = None
    if network is None or not network.is_private or not 16 <= network.prefixlen <= 24:
        problem = f"{what} is {quoted(value)}, not a private network of /16 to /24, so no VPC"
        report.add(
            node.place, f"{problem} for three zones could be made of it. Such as 10.60.0.0/16"
        )
        return None
    return value


def _lock(report: Report, node: Node, what: str) -> Lock | None:
    locks = [lock.value for lock in Lock]
    value = forms.choice(report, node, what, locks, "nobody would know what may be removed")
    return None if value is None else Lock(value)


def _named(problems: Callable[[str], Iterator[str]], example: str) -> Reader:
    """A name under rules of its own."""

    def read(report: Report, node: Node, what: str) -> str | None:
        name = forms.text(report, node, what, example)
        found = [*problems(name)] if name is not None else []
        for problem in found:
            report.add(node.place, f"{what} {quoted(name or '')} {problem}")
        return None if found else name

    return read


#: For each field of `Existing` what reads it.
_EXISTING: Mapping[str, Reader] = MappingProxyType(
    {
        "identifier": _named(instance_name_problems, "shop-production"),
        "master": _named(master_name_problems, "postgres"),
    }
)


def _existing(report: Report, node: Node, what: str) -> Existing | None:
    example = "{identifier: shop-production, master: postgres}"
    given = forms.fields(report, node, what, list(_EXISTING), example)
    if given is None:
        return None
    read = {name: _EXISTING[name](report, each, f"{what}.{name}") for name, each in given.items()}
    if "identifier" not in read:
        problem = f"{what} names no identifier, so it is not known which instance is taken over"
        report.add(node.place, f"{problem}. Write it like {example}")
    found = {name: str(value) for name, value in read.items() if value is not None}
    return Existing(**found) if found.keys() == read.keys() >= {"identifier"} else None


_region = _like(r"[a-z]{2}(-[a-z]+)+-\d", "region", "eu-central-1")
_class = _like(r"db\.[a-z0-9-]+\.[a-z0-9]+", "instance class", "db.m7g.large")
_ROLE = "arn:aws:iam::123456789012:role/deploy"
_role = _like(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", "ARN of a role", _ROLE)

#: For each field of `AwsSettings` what reads it; a mistake goes to the report.
READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "copy_region": _region,
        "existing": _existing,
        "vpc": _like(r"vpc-[0-9a-f]{8,17}", "id of a VPC", "vpc-0123456789abcdef0"),
        "subnets": _many(
            _like(r"subnet-[0-9a-f]{8,17}", "id of a subnet", "subnet-0123456789abcdef0"),
            "subnet-0123456789abcdef0, subnet-0123456789abcdef1",
        ),
        "cidr": _cidr,
        "zones": _many(_like("[a-z]", "letter of a zone", "a"), "a, b, c"),
        "clients": _many(
            _like(r"sg-[0-9a-f]{8,17}", "id of a security group", "sg-0123456789abcdef0"),
            "sg-0123456789abcdef0",
        ),
        "engine_version": _like(
            r"1[7-9](\.\d{1,2})?", "version of PostgreSQL from 17 to 19", "'17'"
        ),
        "major_upgrade": forms.boolean,
        "instance_class": _class,
        "replica_class": _class,
        "storage_gb": _number(range(20, 65_537), "RDS could not make it"),
        "storage_max_gb": _number(range(20, 65_537), "RDS could not grow to it"),
        "multi_az": forms.boolean,
        "backup_days": _number(range(1, 36), "there would be no replica, or RDS would refuse it"),
        "backup_window": _like(f"{_TIME}-{_TIME}", "window of a day, in UTC", "02:00-03:00"),
        "maintenance_window": _like(
            f"{_DAY}:{_TIME}-{_DAY}:{_TIME}", "window of a week, in UTC", "sun:04:00-sun:05:00"
        ),
        "apply_immediately": forms.boolean,
        "monthly_keep_days": _number(
            range(31, 3651), "monthly snapshots would end before the next one, or never"
        ),
        "vault_lock": _lock,
        "log_days": _term(_LOG_DAYS),
        "insights_days": _term(_INSIGHTS_DAYS),
        "contacts": _many(
            _like(r"[^@\s]+@[^@\s]+\.[^@\s]+", "e-mail address", "ops@example.com"),
            "ops@example.com",
        ),
        "pipeline_roles": _many(_role, _ROLE),
        "break_glass_roles": _many(_role, _ROLE),
        "authorities": lambda report, node, what: forms.text(
            report, node, what, AwsSettings.authorities
        ),
    }
)


def aws(report: Report, node: Node, what: str) -> AwsSettings:
    """Read all of it; what does not go together is a mistake as well."""
    names = {camel(name): name for name in READERS}
    given = forms.fields(report, node, what, list(names), "{instanceClass: db.m7g.large}") or {}
    read: dict[str, Any] = {
        names[key]: READERS[names[key]](report, each, f"{what}.{key}")
        for key, each in given.items()
    }
    found = AwsSettings(**{name: value for name, value in read.items() if value is not None})
    if None in read.values():
        return found  # what does not go together with a default may not be what was meant
    if bool(found.vpc) != bool(found.subnets) or (found.vpc and len(found.subnets) < 2):
        problem = f"{what} names a VPC or subnets without the other, or less than two subnets, so"
        rest = "the instance would have no second zone to go to. Give vpc and two subnets, or none"
        report.add(node.place, f"{problem} {rest}")
    if found.existing.identifier and not found.vpc:
        problem = f"{what} takes an instance over and names no network, so the function that is"
        rest = "root would be made where it cannot reach it. Give vpc and subnets of the instance"
        report.add(node.place, f"{problem} {rest}")
    if found.storage_max_gb <= found.storage_gb:
        problem = (
            f"{what} lets {found.storage_gb} GiB grow to {found.storage_max_gb} GiB, so a full"
        )
        report.add(node.place, f"{problem} disk would stop the database. Set storageMaxGb higher")
    if not 2 <= len(found.zones) <= 4:
        problem = f"{what}.zones are {len(found.zones)}, and a network of ours has two to four"
        report.add(node.place, f"{problem}, so it could not be made. Such as [a, b, c]")
    if windows_overlap(found.backup_window, found.maintenance_window):
        problem = (
            f"{what} has the backup window {found.backup_window} within the maintenance window"
        )
        rest = "so RDS would refuse both. Move one of them"
        report.add(node.place, f"{problem} {found.maintenance_window}, {rest}")
    return found


def windows_overlap(backup: str, maintenance: str) -> bool:
    """Whether a daily window and a weekly one, both in UTC, have a minute in common."""
    first, last = (_minutes(each) for each in backup.split("-"))
    begins, ends = maintenance.split("-")
    begin, end = (_DAYS.index(each[:3]) * _DAY_LONG + _minutes(each[4:]) for each in (begins, ends))
    length = (last - first) % _DAY_LONG
    lasts = (end - begin) % (7 * _DAY_LONG)
    starts = (first + day * _DAY_LONG for day in range(7))
    # Two windows on a circle meet when one begins within the other.
    return any(
        (start - begin) % (7 * _DAY_LONG) < lasts or (begin - start) % (7 * _DAY_LONG) < length
        for start in starts
    )


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def server(report: Report, node: Node, what: str) -> None:
    """Judge settings of PostgreSQL again, as RDS takes them; form and names are right already."""
    for key, each in (node.value if isinstance(node.value, dict) else {}).items():
        value = str(each.value)
        if re.fullmatch(r"\d+(\.\d+)?\s*(B|kB|MB|GB|TB|us|ms|s|min|h|d)", value):
            problem = f"{what}.{key} is {quoted(value)}, and RDS takes numbers without a unit, so"
            rest = "it would refuse it. Give it in PostgreSQL's own unit (pg_settings.unit)"
            report.add(each.place, f"{problem} {rest}")


def region(report: Report, node: Node, what: str, copies: str) -> str | None:
    """The provider's own setting ``aws:region``, which `copies` must not be."""
    value = _region(report, node, what)
    if not isinstance(value, str):
        return None
    if value == copies:
        problem = f"{what} is {value}, where the copies go as well, so one bad day there would take"
        report.add(node.place, f"{problem} both. Set copyRegion to another region, or leave it out")
    return value
