"""Which targets are guarded: by name, by resolved address, by certificate, by marker.

Each way is only asked about what the ones before could not tell. None but the marker, which has
to be asked for, sends a credential or starts a session.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from strongroom.guard import certificate, probe
from strongroom.guard.declared import Guarded
from strongroom.guard.findings import Finding, How, Kind, Match
from strongroom.guard.hosts import Address, Place, address_of, normal
from strongroom.guard.targets import Target

#: Seconds for all names together.
RESOLVING_LIMIT = 3.0
#: Seconds for all markers together.
_ASKING_LIMIT = 15.0
#: Servers looked at at once.
_AT_ONCE = 16

_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Resolved:
    """What a name stands for.

    Attributes:
        addresses: where it leads.
        canonical: the name at the end of its CNAMEs, normal; empty when the resolver knew none.
    """

    addresses: frozenset[Address] = frozenset()
    canonical: str = ""


@dataclass(frozen=True)
class Matcher:
    """How targets are compared with what is guarded.

    Attributes:
        guarded: what is guarded.
        resolve: whether names are resolved.
        look: whether the certificates of servers are looked at.
        ask: whether servers are asked for their marker with the credentials found.
    """

    guarded: Sequence[Guarded]
    resolve: bool = True
    look: bool = True
    ask: bool = False

    def findings(self, targets: Iterable[Target]) -> list[Finding]:
        """What the targets reach, in the order of their origins."""
        pending = list(dict.fromkeys(targets))
        found: list[Finding] = []
        steps: list[Callable[[list[Target]], list[Match | None]]] = [self._by_name]
        if self.resolve:
            steps.append(self._by_address)
        if self.look:
            steps.append(self._by_certificate)
        if self.ask:
            steps.append(self._by_marker)
        for step in steps:
            matches = step(pending) if pending else []
            decided = zip(pending, matches, strict=True)
            left = []
            for target, match in decided:
                if match is None:
                    left.append(target)
                else:
                    found.append(Finding(Kind.REACHES, target.origin, match))
            pending = left
        return sorted(found, key=lambda finding: finding.origin)

    def _by_name(self, targets: list[Target]) -> list[Match | None]:
        return [self._match(target.host, target.port) for target in targets]

    def _match(self, host: str, port: int) -> Match | None:
        for one, place in self._places():
            if place.covers(host, port):
                how = How.ADDRESS if address_of(host) else How.NAME
                return Match(one.environment, place.text, how)
        return None

    def _places(self) -> list[tuple[Guarded, Place]]:
        return [(one, place) for one in self.guarded for place in one.places]

    def _by_address(self, targets: list[Target]) -> list[Match | None]:
        names = {normal(target.host) for target in targets if _is_name(target.host)}
        names |= {place.name for _, place in self._places() if _is_name(place.name)}
        known = side_by_side(resolve, sorted(names), RESOLVING_LIMIT)
        return [self._resolved(target, known) for target in targets]

    def _resolved(self, target: Target, known: dict[str, Resolved]) -> Match | None:
        own = known.get(normal(target.host), Resolved())
        literal = address_of(target.host)
        addresses = own.addresses | ({literal} if literal else set())
        for one, place in self._places():
            if not place.is_at(target.port):
                continue
            theirs = known.get(place.name, Resolved()).addresses if place.name else frozenset()
            if own.canonical and place.covers_name(own.canonical):
                return Match(one.environment, place.text, How.NAME)
            if any(place.covers_address(address) for address in addresses) or any(
                # On this machine itself only the port tells servers apart.
                address in theirs and (place.port is not None or not address.is_loopback)
                for address in addresses
            ):
                return Match(one.environment, place.text, How.ADDRESS)
        return None

    def _by_certificate(self, targets: list[Target]) -> list[Match | None]:
        servers = {(target.host, target.port) for target in targets if target.postgresql}
        limit = certificate.LIMIT * (1 + len(servers) // _AT_ONCE)
        seen = side_by_side(certificate.shown_by, sorted(servers), min(limit, 10.0))
        return [
            certificate.recognised(
                seen.get((target.host, target.port), ()), self.guarded, target.host
            )
            for target in targets
        ]

    def _by_marker(self, targets: list[Target]) -> list[Match | None]:
        asked = [number for number, target in enumerate(targets) if target.postgresql]
        answers = side_by_side(
            lambda number: probe.marker_of(targets[number]), asked, _ASKING_LIMIT
        )
        return [answers.get(number) for number in range(len(targets))]


def resolve(name: str) -> Resolved:
    """What the system's resolver says of `name`: DNS, /etc/hosts, whatever is set up."""
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
    except (OSError, ValueError):  # nobody knows it, or it is no name at all
        return Resolved()
    addresses = {address_of(str(answer[4][0])) for answer in answers}
    canonical = next((answer[3] for answer in answers if answer[3]), "")
    return Resolved(frozenset(filter(None, addresses)), normal(canonical))


def _is_name(host: str) -> bool:
    return bool(host) and host[0] not in "/@*" and address_of(host) is None


def side_by_side(
    ask: Callable[[_Asked], _Answer], questions: Sequence[_Asked], limit: float
) -> dict[_Asked, _Answer]:
    """Ask many questions at once; what has no answer after `limit` seconds is left out."""
    waiting = iter(questions)
    answers: dict[_Asked, Future[_Answer]] = {}
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                question = next(waiting, None)
            if question is None:
                return
            answer: Future[_Answer] = Future()
            try:
                answer.set_result(ask(question))
            except Exception as error:  # noqa: BLE001 - raised below, where it was asked
                answer.set_exception(error)
            answers[question] = answer

    # Daemons, because who hangs in a resolver must not keep this program from ending.
    workers = [
        threading.Thread(target=work, daemon=True) for _ in range(min(_AT_ONCE, len(questions)))
    ]
    deadline = time.monotonic() + limit
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(max(0.0, deadline - time.monotonic()))
    return {question: answer.result() for question, answer in dict(answers).items()}
