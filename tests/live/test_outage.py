"""The outage that Strongroom answers: `db:reset` on a laptop whose .env is production's."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.configuration import LOOPBACK
from strongroom.home import Home
from tests.live.local_stack import LocalStack
from tests.live.tunnel import tunnel_to

pytestmark = pytest.mark.live

CHECKOUT = Path(__file__).parents[2]
_RESET = Path(__file__).with_name("db_reset.py")
# Not by -m: the application lies in a folder that has a strongroom/ of its own.
_GUARD = (sys.executable, "-c", "from strongroom.cli import main; main()", "guard")
_DATABASE_YML = """\
default: &default
  adapter: postgresql
  encoding: unicode
  host: <%= ENV.fetch("DB_HOST") { "localhost" } %>
  port: <%= ENV.fetch("DB_PORT") { "5432" } %>
  username: <%= ENV.fetch("DB_USER") { "app" } %>
  password: <%= ENV.fetch("DB_PASSWORD") { "" } %>
  sslcert: <%= ENV.fetch("DB_SSLCERT") { "" } %>
  sslkey: <%= ENV.fetch("DB_SSLKEY") { "" } %>

development:
  <<: *default
  database: app
"""


@pytest.fixture
def application(stack: LocalStack, tmp_path: Path) -> Iterator[Path]:
    """A Rails-like application inside a checkout whose stack `production` is `stack`."""
    for folder in ("stacks", "strongroom", "shop/config"):
        (tmp_path / folder).mkdir(parents=True)
    project = (CHECKOUT / "Pulumi.yaml").read_text(encoding="utf-8")
    (tmp_path / "Pulumi.yaml").write_text(project, encoding="utf-8")
    (tmp_path / "stacks" / "Pulumi.production.yaml").write_text("config: {}\n")
    (tmp_path / "shop" / "config" / "database.yml").write_text(_DATABASE_YML)
    known_as = Home.find(tmp_path).stack("production")
    known_as.parent.mkdir(exist_ok=True)
    known_as.symlink_to(stack.folder)
    yield tmp_path / "shop"
    known_as.unlink()


def _env(application: Path, **settings: object) -> None:
    lines = [f"{name}={value}\n" for name, value in settings.items()]
    (application / ".env").write_text("# development\n" + "".join(lines))


def _production(stack: LocalStack) -> dict[str, object]:
    """The address and root's right password, which nobody but this test could have."""
    sealed = LocalRoot(stack.cluster).sealed.current()
    assert sealed is not None
    return {
        "DB_HOST": LOOPBACK,
        "DB_PORT": stack.cluster.port,
        "DB_USER": "root",
        "DB_PASSWORD": sealed.value,
    }


def _run(application: Path, *before: str) -> subprocess.CompletedProcess[str]:
    return _process(application, *before, sys.executable, str(_RESET), str(application))


def _process(application: Path, *command: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return subprocess.run(
        command,
        cwd=application,
        env={**kept, "HOME": str(application), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _logged(stack: LocalStack) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stack.server_log().splitlines() if line.startswith("{")]


@pytest.fixture
def since(stack: LocalStack) -> Callable[[], list[str]]:
    """Gives what the server logged of connections between the two sessions that bracket it."""

    def bracket(name: str) -> int:
        stack.sign_in("esra", application_name=name).close()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for number, entry in enumerate(_logged(stack)):
                ended = str(entry.get("message")).startswith("disconnection")
                if ended and entry.get("application_name") == name:
                    return number
            time.sleep(0.02)
        pytest.fail("the server logged no end of a session")

    first = bracket(f"begin-{time.monotonic_ns()}")

    def messages() -> list[str]:
        name = f"end-{time.monotonic_ns()}"
        last = bracket(name)
        entries = _logged(stack)[first + 1 : last]
        own = {entry["pid"] for entry in _logged(stack) if entry.get("application_name") == name}
        return [str(entry["message"]) for entry in entries if entry["pid"] not in own]

    return messages


def _still_there(stack: LocalStack) -> bool:
    with stack.sign_in("esra") as session:
        return session.execute("SELECT count(*) FROM app.before").fetchone() == (100,)


def test_guard_stops_it_before_the_first_connection(
    stack: LocalStack, application: Path, since: Callable[[], list[str]]
) -> None:
    production = _production(stack)
    _env(application, **production)
    done = _run(application, *_GUARD, "--")
    assert done.returncode == 3, done.stderr
    assert since() == []
    assert ".env:2  reaches production: " in done.stderr
    assert str(production["DB_PASSWORD"]) not in done.stdout + done.stderr
    assert _still_there(stack)


def test_guard_stops_it_behind_a_tunnel_as_well_and_signs_in_nowhere(
    stack: LocalStack, application: Path, since: Callable[[], list[str]]
) -> None:
    with tunnel_to(stack.cluster.port) as port:
        _env(application, **{**_production(stack), "DB_PORT": port})
        done = _run(application, *_GUARD, "--")
    assert done.returncode == 3, done.stderr
    assert "reaches production: its certificate authority" in done.stderr
    messages = since()
    assert any("connection received" in message for message in messages)
    assert not any("authenticated" in message or "authorized" in message for message in messages)


def test_a_repository_elsewhere_knows_the_tunnel_by_the_file_that_list_prints(
    stack: LocalStack, application: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    printed = _process(application, *_GUARD, "list", "--yaml")
    assert printed.returncode == 0, printed.stderr
    assert f"- 127.0.0.1:{stack.cluster.port}" in printed.stdout
    assert "PRIVATE KEY" not in printed.stdout
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "shop"
    shutil.copytree(application, elsewhere)
    (elsewhere / ".strongroom-guarded.yaml").write_text(printed.stdout)
    with tunnel_to(stack.cluster.port) as port:
        _env(elsewhere, **{**_production(stack), "DB_PORT": port})
        done = _run(elsewhere, *_GUARD, "--")
    assert done.returncode == 3, done.stderr
    assert ".env:2  reaches production: its certificate authority" in done.stderr


def test_the_bracket_around_it_does_see_a_connection(
    stack: LocalStack, since: Callable[[], list[str]]
) -> None:
    stack.sign_in("chiara").close()
    assert any(message.startswith("connection received") for message in since())


def test_without_guard_the_database_stops_it_even_with_roots_right_password(
    stack: LocalStack, application: Path, since: Callable[[], list[str]]
) -> None:
    _env(application, **_production(stack))
    done = _run(application)
    assert done.returncode != 0
    assert "pg_hba.conf rejects connection" in done.stderr
    assert any("connection received" in message for message in since())
    assert _still_there(stack)


@pytest.mark.parametrize("engineer", ["ada", "chiara", "esra"])
def test_without_guard_no_engineer_can_drop_the_database_either(
    stack: LocalStack, application: Path, engineer: str
) -> None:
    pair = stack.pair(engineer)
    _env(
        application,
        DB_HOST=LOOPBACK,
        DB_PORT=stack.cluster.port,
        DB_USER=engineer,
        DB_SSLCERT=pair.certificate,
        DB_SSLKEY=pair.key,
    )
    done = _run(application)
    assert done.returncode != 0
    assert "must be owner of database app" in done.stderr or "permission denied" in done.stderr
    assert _still_there(stack)


def test_the_same_application_is_run_by_guard_when_its_env_is_a_laptops_own(
    application: Path,
) -> None:
    _env(application, DB_HOST="localhost", DB_PORT=1)
    done = _run(application, *_GUARD, "--")
    assert done.returncode == 1
    assert "Connection refused" in done.stderr or "connection failed" in done.stderr
