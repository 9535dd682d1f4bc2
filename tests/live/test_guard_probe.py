"""A guarded database is known behind a tunnel: by its certificate, or by its marker if asked."""

import shutil
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from strongroom.cluster.certificates import Authority, KeyPair
from strongroom.cluster.configuration import LOOPBACK
from strongroom.cluster.system_user import SystemUser
from strongroom.guard.certificate import recognised
from strongroom.guard.declared import Guarded
from strongroom.guard.findings import How
from strongroom.guard.hosts import Place
from strongroom.guard.matching import Matcher
from strongroom.guard.targets import Origin, Target
from strongroom.marker import marker
from tests.live.local_stack import LocalStack
from tests.live.tunnel import Handler, forwarding, serve, tunnel_to

pytestmark = pytest.mark.live

HERE = Origin(".env", 1)
Listen = Callable[[Handler], tuple[str, int]]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Starts servers on this machine, each with a handler for its connections."""
    with ExitStack() as ends:

        def start(handle: Handler) -> tuple[str, int]:
            listening = ends.enter_context(closing(socket.create_server((LOOPBACK, 0))))
            serve(listening, handle)
            return LOOPBACK, listening.getsockname()[1]

        yield start


@pytest.fixture
def tunnel(stack: LocalStack) -> Iterator[tuple[str, int]]:
    """A tunnel on localhost to the stack's primary."""
    with tunnel_to(stack.cluster.port) as port:
        yield LOOPBACK, port


def _authority(stack: LocalStack) -> x509.Certificate:
    return x509.load_pem_x509_certificate(stack.paths.authority.certificate.read_bytes())


def _ways(matcher: Matcher, *targets: Target) -> list[tuple[str, How]]:
    found = matcher.findings(targets)
    return [(one.match.environment, one.match.how) for one in found if one.match]


def _matcher(**guarded: object) -> Matcher:
    return Matcher((Guarded("production", **guarded),), resolve=False)  # type: ignore[arg-type]


def test_a_tunnel_on_localhost_is_known_by_who_signed_the_servers_certificate(
    stack: LocalStack, tunnel: tuple[str, int]
) -> None:
    matcher = _matcher(authorities=(_authority(stack),))
    assert _ways(matcher, Target(HERE, *tunnel)) == [("production", How.CERTIFICATE)]
    assert _ways(matcher, Target(HERE, "localhost", tunnel[1]))


def test_or_by_the_certificates_own_fingerprint(stack: LocalStack, tunnel: tuple[str, int]) -> None:
    pem = stack.cluster.server_pair.certificate.read_bytes()
    digest = x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256()).hex()
    assert _ways(_matcher(fingerprints=frozenset({digest})), Target(HERE, *tunnel))


def test_looking_sends_no_credential_and_starts_no_session(
    stack: LocalStack, tunnel: tuple[str, int]
) -> None:
    before = stack.server_log()
    secret = Target(HERE, *tunnel, options={"user": "root", "password": "hunter2"})
    assert _ways(_matcher(authorities=(_authority(stack),)), secret)
    stack.sign_in("esra", application_name="after-the-look").close()
    while "after-the-look" not in (log := stack.server_log()[len(before) :]):
        time.sleep(0.02)
    looked = [line for line in log.splitlines() if '"user":"esra"' not in line]
    assert any("connection received" in line for line in looked)
    assert not any("authenticated" in line or "authorized" in line for line in looked)
    assert "hunter2" not in log
    assert '"user":"root"' not in log


def test_another_stack_is_not_taken_for_the_guarded_one(
    tunnel: tuple[str, int], tmp_path: Path
) -> None:
    other = Authority(tmp_path / "ca")
    other.create(SystemUser.current(), "other")
    pem = x509.load_pem_x509_certificate(other.certificate.read_bytes())
    assert _ways(_matcher(authorities=(pem,)), Target(HERE, *tunnel)) == []


def test_a_tunnel_through_a_unix_socket_is_known_too(stack: LocalStack) -> None:
    folder = Path(tempfile.mkdtemp(prefix="g"))
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(str(folder / ".s.PGSQL.6000"))
        listening.listen()
        serve(listening, forwarding(stack.cluster.port))
        matcher = _matcher(authorities=(_authority(stack),))
        assert _ways(matcher, Target(HERE, str(folder), 6000)) == [("production", How.CERTIFICATE)]
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("certificate", "host", "known"),
    [
        ("db.example.com", LOOPBACK, True),
        ("DB.Example.com", LOOPBACK, True),
        ("orders.abc.rds.amazonaws.com", LOOPBACK, True),
        ("*.example.com", LOOPBACK, True),
        ("staging.example.com", LOOPBACK, False),
        ("*.example.org", LOOPBACK, False),
        ("*.com", LOOPBACK, False),
    ],
)
def test_a_server_behind_a_tunnel_is_known_by_the_names_in_its_certificate(
    listen: Listen,
    tmp_path: Path,
    certificate: str,
    host: str,
    known: bool,
) -> None:
    authority, me = Authority(tmp_path / "ca"), SystemUser.current()
    authority.create(me, "a public one")
    pair = KeyPair(tmp_path / "server.crt", tmp_path / "server.key")
    authority.issue_server(pair, me, [certificate])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)

    def handle(accepted: socket.socket) -> None:
        with accepted, suppress(OSError):
            assert len(accepted.recv(8)) == 8
            accepted.sendall(b"S")
            with context.wrap_socket(accepted, server_side=True) as encrypted:
                encrypted.recv(1)

    places = (Place.parse("db.example.com"), Place.parse("*.abc.rds.amazonaws.com"))
    found = _ways(_matcher(places=places), Target(HERE, host, listen(handle)[1]))
    assert found == ([("production", How.CERTIFICATE)] if known else [])


@pytest.mark.parametrize(
    ("host", "known"),
    [("localhost", True), ("10.1.2.3", True), ("elsewhere.example", True),
     ("staging.example.com", False), ("STAGING.example.com.", False)],
)  # fmt: skip
def test_a_wildcard_certificate_is_not_held_against_another_server_it_is_made_for(
    tmp_path: Path, host: str, known: bool
) -> None:
    authority, me = Authority(tmp_path / "ca"), SystemUser.current()
    authority.create(me, "a public one")
    pair = KeyPair(tmp_path / "server.crt", tmp_path / "server.key")
    authority.issue_server(pair, me, ["*.example.com"])
    shown = x509.load_pem_x509_certificate(pair.certificate.read_bytes())
    guarded = [Guarded("production", (Place.parse("db.example.com"),))]
    assert (recognised([shown], guarded, host) is not None) == known


def _silent(accepted: socket.socket) -> None:
    with accepted:
        time.sleep(20)


def _refusing(accepted: socket.socket) -> None:
    with accepted:
        accepted.recv(8)
        accepted.sendall(b"N")


def _babbling(accepted: socket.socket) -> None:
    with accepted, suppress(OSError):
        accepted.sendall(b"S" + b"\0\xff" * 1000)


@pytest.mark.parametrize("handle", [_silent, _refusing, _babbling])
def test_a_server_that_shows_no_certificate_is_left_within_seconds(
    stack: LocalStack,
    listen: Listen,
    handle: Handler,
) -> None:
    matcher = _matcher(authorities=(_authority(stack),))
    started = time.monotonic()
    assert _ways(matcher, *(Target(HERE, *listen(handle)) for _ in range(8))) == []
    assert time.monotonic() - started < 4


def test_offline_looks_at_nothing(stack: LocalStack, tunnel: tuple[str, int]) -> None:
    guarded = (Guarded("production", authorities=(_authority(stack),)),)
    assert _ways(Matcher(guarded, resolve=False, look=False), Target(HERE, *tunnel)) == []


def _credentials(stack: LocalStack, place: tuple[str, int], role: str = "esra") -> Target:
    pair = stack.pair(role)
    options = {
        "user": role,
        "dbname": "app",
        "sslmode": "require",
        "sslcert": str(pair.certificate),
        "sslkey": str(pair.key),
    }
    return Target(HERE, *place, options=options)


@pytest.fixture
def marked(stack: LocalStack) -> Iterator[Callable[[str | None], None]]:
    """Sets another marker for the time of a test."""
    with stack.root() as root:
        query = (
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'app'"
        )
        row = root.execute(query).fetchone()

        def mark(text: str | None) -> None:
            root.execute(f"COMMENT ON DATABASE app IS {'NULL' if text is None else repr(text)}")

        yield mark
        mark(row[0] if row else None)


ELSEWHERE = (Guarded("staging", (Place.parse("st.example.com"),)),)


@pytest.mark.parametrize("role", ["esra", "ada", "web"])
def test_whoever_signs_in_is_told_by_the_marker_when_asked_to_probe(
    stack: LocalStack, tunnel: tuple[str, int], marked: Callable[[str | None], None], role: str
) -> None:
    marked(marker("production", guarded=True))
    target = _credentials(stack, tunnel, role)
    asking = Matcher(ELSEWHERE, resolve=False, ask=True)
    assert _ways(asking, target) == [("production", How.MARKER)]
    assert _ways(Matcher(ELSEWHERE, resolve=False), target) == []


def test_the_bootstrap_leaves_a_marker_that_probe_reads(
    stack: LocalStack, tunnel: tuple[str, int]
) -> None:
    asking = Matcher(ELSEWHERE, resolve=False, ask=True)
    assert _ways(asking, _credentials(stack, tunnel)) == [("local", How.MARKER)]


@pytest.mark.parametrize(
    "text", [marker("production", guarded=False), "The shop's", None, "strongroom.environment"]
)
def test_a_database_that_is_not_marked_or_not_guarded_is_clear(
    stack: LocalStack,
    tunnel: tuple[str, int],
    marked: Callable[[str | None], None],
    text: str | None,
) -> None:
    marked(text and text.replace("'", ""))
    asking = Matcher(ELSEWHERE, resolve=False, ask=True)
    assert _ways(asking, _credentials(stack, tunnel)) == []


def test_credentials_that_do_not_work_are_no_finding_and_no_error(
    tunnel: tuple[str, int], capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = {"user": "esra", "password": "hunter2", "dbname": "app", "sslmode": "require"}
    target = Target(HERE, *tunnel, options={**wrong, "no such option": "hunter2"})
    asking = Matcher(ELSEWHERE, resolve=False, ask=True)
    assert _ways(asking, target, Target(HERE, *tunnel, options=wrong)) == []
    assert "hunter2" not in "".join(capfd.readouterr())
