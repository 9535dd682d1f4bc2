"""A target is guarded by name, by what a resolver says, and by nothing that hangs."""

import socket
import threading
import time
from typing import Any

import pytest

from strongroom.guard import matching
from strongroom.guard.declared import Guarded
from strongroom.guard.findings import How
from strongroom.guard.hosts import Place
from strongroom.guard.matching import Matcher
from strongroom.guard.targets import Origin, Target

HERE = Origin(".env", 1)


def matcher(*hosts: str, **options: bool) -> Matcher:
    guarded = Guarded("production", tuple(map(Place.parse, hosts)))
    return Matcher((guarded,), **{"look": False, **options})


def resolver(monkeypatch: pytest.MonkeyPatch, **zone: tuple[str, str]) -> list[str]:
    """Let names stand for a canonical name and an address; gives what was asked."""
    asked: list[str] = []

    def getaddrinfo(host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        if host.replace(".", "_") not in zone:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        canonical, address = zone[host.replace(".", "_")]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, canonical, (address, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def ways(found: Matcher, *targets: tuple[str, int]) -> list[How | None]:
    findings = found.findings(Target(HERE, host, port) for host, port in targets)
    return [finding.match.how if finding.match else None for finding in findings]


def test_a_name_and_an_address_need_no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolver(monkeypatch)
    found = matcher("db.example.com", "10.0.3.0/24")
    assert ways(found, ("db.example.com", 5432), ("10.0.3.7", 5432)) == [How.NAME, How.ADDRESS]
    assert asked == []


def test_a_cname_of_a_guarded_name_is_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver(
        monkeypatch,
        innocent_example=("db.example.com", "192.0.2.1"),
        db_example_com=("db.example.com", "192.0.2.1"),
    )
    assert ways(matcher("db.example.com"), ("innocent.example", 5432)) == [How.NAME]


def test_a_cname_to_a_name_below_a_wildcard_is_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver(monkeypatch, innocent_example=("Orders.abc.rds.amazonaws.com.", "192.0.2.1"))
    found = matcher("*.abc.rds.amazonaws.com")
    assert ways(found, ("innocent.example", 5432)) == [How.NAME]


def test_a_name_with_the_same_address_or_in_a_guarded_network_is_guarded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver(
        monkeypatch,
        alias=("", "192.0.2.1"),
        db_example_com=("", "192.0.2.1"),
        inside=("", "10.0.3.9"),
    )
    found = matcher("db.example.com", "10.0.3.0/24")
    assert ways(found, ("alias", 5432), ("192.0.2.1", 5432), ("inside", 5432)) == [How.ADDRESS] * 3


def test_a_guarded_name_that_leads_to_this_machine_does_not_guard_all_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver(monkeypatch, db_example_com=("", "127.0.0.1"))
    assert ways(matcher("db.example.com"), ("localhost", 5432)) == []
    assert ways(matcher("db.example.com:6000"), ("localhost", 6000)) == [How.ADDRESS]


def test_an_alias_with_another_port_is_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver(monkeypatch, alias=("", "192.0.2.1"), db_example_com=("", "192.0.2.1"))
    assert ways(matcher("db.example.com:6432"), ("alias", 5432)) == []


def test_a_name_nobody_knows_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver(monkeypatch)
    assert ways(matcher("db.example.com"), ("gone.example", 5432), ("a" * 300, 5432)) == []


def test_offline_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolver(monkeypatch, alias=("db.example.com", "192.0.2.1"))
    assert ways(matcher("db.example.com", resolve=False), ("alias", 5432)) == []
    assert asked == []


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        hanging.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(matching, "RESOLVING_LIMIT", 0.3)
    started = time.monotonic()
    assert ways(matcher("db.example.com"), *((f"h{n}", 5432) for n in range(100))) == []
    assert time.monotonic() - started < 2
    hanging.set()


def test_at_most_sixteen_are_asked_at_once() -> None:
    busy, most, lock = 0, 0, threading.Lock()

    def ask(question: int) -> int:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.01)
        with lock:
            busy -= 1
        return question * 2

    answers = matching.side_by_side(ask, range(100), 10)
    assert answers == {number: number * 2 for number in range(100)}
    assert 1 < most <= 16


def test_a_fault_while_asking_is_raised_and_clears_nothing() -> None:
    def ask(question: int) -> int:
        return 1 // question

    with pytest.raises(ZeroDivisionError):
        matching.side_by_side(ask, [1, 0], 5)
