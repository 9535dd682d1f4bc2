"""Connection strings taken apart: libpq's URLs and key words, JDBC, R2DBC, PDO and ADO.NET."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from urllib.parse import parse_qsl, unquote, urlencode

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from strongroom.guard.targets import DEFAULT_PORT, Origin, Target

_SCHEME = (
    r"(?:jdbc:|r2dbc:(?:pool:)?)?"
    r"(?:postgres(?:ql)?(?:\+\w+)?|postgis|pgsql|psql|pg|cockroachdb|timescale(?:gis)?)(?:s|ssl)?"
)
#: A URL wherever it stands in a text; quotes, blanks and angle brackets end it.
URL = re.compile(rf"(?<![a-z0-9+.]){_SCHEME}://(?P<rest>[^\s\"'`<>\\]+)", re.IGNORECASE)
_KEYWORD = re.compile(
    r"(?:^|[\s;:\"'])(?P<key>hostaddr|host|server|data source|service)\s*=\s*[^\s;=]", re.IGNORECASE
)
_PAIR = re.compile(
    r" ?(?P<key>\w{1,20}(?: \w{1,20})?) ?= ?(?:'(?P<quoted>[^']*)'|(?P<plain>[^;]*))\s*(?:;|$)"
)
_HOST = re.compile(r"[\w./:%@-]+")
#: Characters around a key word that can belong to the same connection.
_NEAR = 1000
_KNOWN = frozenset(option.keyword.decode() for option in pq.Conninfo.get_defaults())
_SYNONYMS: Mapping[str, str] = {
    **dict.fromkeys(("server", "data source", "hostname"), "host"),
    **dict.fromkeys(("database", "initial catalog"), "dbname"),
    **dict.fromkeys(("username", "user name", "user id", "uid"), "user"),
    **dict.fromkeys(("pwd", "passwd"), "password"),
}


def targets_in(text: str, origin: Origin, default_port: int = DEFAULT_PORT) -> Iterator[Target]:
    """Every server that connection strings in `text` lead to.

    Args:
        text: a value, an argument or a line.
        origin: where it was found.
        default_port: the port where the string names none.
    """
    urls = [*URL.finditer(text)] if "://" in text else []
    for url in urls:
        yield from _expanded(_from_url(url["rest"].rstrip(").,;]}")), origin, default_port)
    if not urls and (word := _KEYWORD.search(text)):
        found = _from_key_words(text[max(0, word.start() - _NEAR) : word.end() + _NEAR])
        likely = not found.keys().isdisjoint(("dbname", "user", "password"))
        for target in _expanded(found, origin, default_port):
            yield replace(target, postgresql=likely)


def _from_url(rest: str) -> dict[str, str]:
    """The parameters of a URL without its scheme."""
    base, _, query = rest.partition("?")
    given = [(_known(key), value) for key, value in parse_qsl(query.partition("#")[0])]
    kept = urlencode([(key, value) for key, value in given if key in _KNOWN])
    try:
        if base.count("@") > 1:
            raise psycopg.ProgrammingError  # libpq would end the password at the first one
        found = conninfo_to_dict(f"postgresql://{base}{'?' if kept else ''}{kept}")
        return {key: str(value) for key, value in found.items()}
    except (psycopg.Error, UnicodeError):
        # Its message quotes the URL, so it goes no further. Drivers are laxer than libpq with
        # characters that should have been encoded.
        return {**_leniently(base), **{key: value for key, value in given if key in _KNOWN}}


def _leniently(base: str) -> dict[str, str]:
    """Host and port of a URL that libpq refuses: what lies between the last @ and the path."""
    credentials, _, rest = base.rpartition("@")
    user, _, password = credentials.partition(":")
    places, _, database = rest.partition("/")
    pairs = [re.fullmatch(r"(.*?)(?::(\d*))?", place) for place in places.split(",")]
    hosts = [unquote(pair[1]) if pair else "" for pair in pairs]
    ports = [pair[2] or "" if pair else "" for pair in pairs]
    return {
        "host": ",".join(hosts),
        "port": ",".join(ports),
        "user": unquote(user),
        "password": unquote(password),
        "dbname": unquote(database),
    }


def _from_key_words(text: str) -> dict[str, str]:
    """The parameters of ``host=… port=…``, or of the same with semicolons."""
    text = re.sub(r"^\s*(?:pgsql|postgres(?:ql)?):", "", text, flags=re.IGNORECASE)
    if ";" not in text:
        try:
            found = conninfo_to_dict(text)
            return {key: str(value) for key, value in found.items()}
        except (psycopg.Error, UnicodeError):
            pass  # its message quotes the text
    text = " ".join(text.split())
    separated = text if ";" in text else re.sub(r" (?=\w{1,20} ?=)", ";", text)
    pairs = _PAIR.finditer(separated.strip("\"'"))
    return {_known(pair["key"]): (pair["quoted"] or pair["plain"] or "").strip() for pair in pairs}


def _known(key: str) -> str:
    lower = key.strip().lower()
    return _SYNONYMS.get(lower, lower)


def _expanded(found: Mapping[str, str], origin: Origin, default_port: int) -> Iterator[Target]:
    """One target for each host of a list, and for each address beside it."""
    hosts = found.get("host", "").removeprefix("tcp:").split(",")
    addresses = found.get("hostaddr", "").split(",")
    ports = found.get("port", "").split(",")
    if not (any(hosts) or any(addresses) or any(ports)):
        return
    options = {key: value for key, value in found.items() if key not in _PLACE}
    width = max(len(hosts), len(addresses))
    ports = ports * width if len(ports) == 1 else ports
    for host, address, port in zip_longest(hosts, addresses, ports, fillvalue=""):
        name, _, beside = host.partition(":") if host.count(":") == 1 else (host, "", "")
        number = port_number(port or beside, default_port)
        # Libpq would try its socket where there is no host; other drivers mean localhost.
        for reached in dict.fromkeys((name, address) if name or address else ("localhost",)):
            if _HOST.fullmatch(reached):
                yield Target(origin, reached, number, options=options)


_PLACE = frozenset({"host", "hostaddr", "port", "service"})


def port_number(text: str, default: int = DEFAULT_PORT) -> int:
    """A port as written, or `default` where it is none."""
    digits = text.strip()
    port = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else 0
    return port if 0 < port < 65536 else default
