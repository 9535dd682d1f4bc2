"""Servers from settings: connection strings, and credentials split over several settings.

`DB_HOST`, `database.port`, `PGUSER` and `spring.datasource.password` all say which part they are
by their last word; parts that share the words before it belong together.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from types import MappingProxyType

from strongroom.guard.connection import URL, port_number, targets_in
from strongroom.guard.targets import DEFAULT_PORT, Entry, Origin, Target

_WORDS = {
    "host": "host hostname host_name hostaddr host_addr server servername server_name endpoint "
    "addr address ip",
    "port": "port port_number",
    "user": "user username user_name login role",
    "password": "password passwd pass pwd",
    "dbname": "database dbname db_name db name",
    "sslmode": "sslmode ssl_mode",
    "sslcert": "sslcert",
    "sslkey": "sslkey",
    "sslrootcert": "sslrootcert",
}
_PARTS: Mapping[str, str] = MappingProxyType(
    {word: part for part, words in _WORDS.items() for word in words.split()}
)
_LAST = re.compile(rf"(?P<prefix>.*?)_?(?P<word>{'|'.join(sorted(_PARTS, key=len)[::-1])})")
# What a prefix without _ may be, so that GHOST is not a host of g.
_JOINED = re.compile(r"(?:.*_)?(?:pg|db|sql|postgres(?:ql)?|database|rds)?")
_DATABASE = re.compile(r"pg|postgres|postgis|db|database|datasource|sql|rds|jdbc", re.IGNORECASE)
_OTHER = re.compile(r"redis|smtp|mail|mysql|mongo|amqp|rabbit|kafka|elastic|http|memcache|ldap")
#: Hosts, and ports, of one group that are combined; more is no configuration of a person.
_MOST = 16


@dataclass
class _Group:
    """The parts that belong together, each with all its values."""

    where: str
    parts: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))

    @property
    def options(self) -> dict[str, str]:
        given = {part: entries[0].value for part, entries in self.parts.items()}
        return {part: value for part, value in given.items() if part not in ("host", "port")}

    @property
    def postgresql(self) -> bool:
        if _OTHER.search(self.where.lower()):
            return False
        return bool(_DATABASE.search(self.where) or self.options.get("password"))


def found_targets(entries: Iterable[Entry], default_port: int = DEFAULT_PORT) -> Iterator[Target]:
    """Every server that settings lead to, alone or together.

    Args:
        entries: settings of one place, or of several that complete each other.
        default_port: the port where nothing names one.
    """
    groups, urls = _grouped(entries, default_port)
    for group, target in urls:
        yield replace(target, options={**group.options, **target.options})
    for group in groups:
        yield from _together(group, default_port)


def passwords_in(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Settings that are a database's password, by their name or by what stands beside them."""
    groups, _ = _grouped(entries, DEFAULT_PORT)
    for group in groups:
        beside = {"host", "dbname"} & group.parts.keys()
        if group.postgresql and (beside or _DATABASE.search(group.where)):
            yield from group.parts.get("password", [])


def _grouped(
    entries: Iterable[Entry], default_port: int
) -> tuple[list[_Group], list[tuple[_Group, Target]]]:
    """The parts by what they belong to, and what connection strings lead to."""
    groups: dict[tuple[object, ...], _Group] = {}
    urls: list[tuple[_Group, Target]] = []
    for entry in entries:
        part, prefix = _part_of(entry.path[-1] if entry.path else "")
        above = entry.path[:-1]
        group = groups.setdefault((entry.scope, above, prefix), _Group(".".join([*above, prefix])))
        found = [*targets_in(entry.value, entry.origin, default_port)]
        urls += [(group, target) for target in found]
        if part and entry.value and not found and not URL.search(entry.value):
            group.parts[part].append(entry)
    return [*groups.values()], urls


def _part_of(key: str) -> tuple[str, str]:
    """Which part `key` says it is, empty for none, and the words before that."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key)
    words = re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
    if words in _PARTS:
        return _PARTS[words], ""
    found = _LAST.fullmatch(words)
    if found is None:
        return "", re.sub(r"_?(url|uri|dsn)$", "", words)
    prefix = found["prefix"]
    joined = words.removesuffix(found["word"]).endswith("_") or _JOINED.fullmatch(prefix)
    return (_PARTS[found["word"]], prefix) if joined else ("", words)


def _together(group: _Group, default_port: int) -> Iterator[Target]:
    named = group.parts.get("host", [])
    hosts = [(entry.origin, host, own) for entry in named for host, own in _hosts(entry)]
    numbers = [(entry.origin, port_number(entry.value, 0)) for entry in group.parts.get("port", [])]
    ports = [(origin, port) for origin, port in numbers if port]
    if not hosts and ports:  # a driver's own host is this machine
        hosts = [(origin, "localhost", 0) for origin, _ in ports[:1]]
    made: dict[tuple[str, int], Origin] = {}
    chosen = ports[:_MOST] or [(Origin(""), default_port)]
    for (origin, host, own), (_, port) in product(hosts[:_MOST], chosen):
        made.setdefault((host, own or port), origin)
    for (host, port), origin in made.items():
        yield Target(origin, host, port, postgresql=group.postgresql, options=group.options)


def _hosts(entry: Entry) -> Iterator[tuple[str, int]]:
    """The hosts in a value, each with the port behind it or 0."""
    for text in entry.value.split(","):
        host, port = text.strip(), ""
        if bracketed := re.fullmatch(r"\[([^]]+)](?::(\d+))?", host):
            host, port = bracketed[1], bracketed[2] or ""
        elif host.count(":") == 1:
            host, _, port = host.partition(":")
        if host and not re.search(r"\s", host):
            yield host, port_number(port, 0)
