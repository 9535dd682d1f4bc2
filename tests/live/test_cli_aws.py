"""The people's side on AWS: `strongroom connect`, `can`, `who-can`, `matrix` and `audit`."""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql

from tests.live.cli_project import ProjectStack
from tests.live.local_stack import MEMBERS, SERVICES
from tests.live.private_network import HOST, PORT, REGION, PrivateNetwork, private_network

pytestmark = pytest.mark.live

_SETTINGS = f"""\
config:
  aws:region: {REGION}
  strongroom:platform: aws
  strongroom:port: {PORT}
  strongroom:idleInTransactionTimeoutSeconds: 77
"""
_BUNDLE = "stacks/rds-authorities.pem"


class AwsProject(ProjectStack):
    """A checkout whose stack `production` is on AWS."""

    def __init__(self, home: Path, network: PrivateNetwork) -> None:
        super().__init__(home)
        self.network = network
        (self.checkout / "stacks" / "Pulumi.production.yaml").write_text(_SETTINGS)
        shutil.copy(network.authorities, self.checkout / _BUNDLE)

    def environment(self, **more: str) -> dict[str, str]:
        inherited = super().environment()
        own = {name: value for name, value in inherited.items() if not name.startswith("AWS_")}
        found = {"STRONGROOM_STACK": "production", **self.network.environment()}
        return {**own, **found, **more}


@pytest.fixture(scope="module")
def project(strongroom_home: Path) -> Iterator[AwsProject]:
    with private_network(strongroom_home, model=True) as network:
        with network.stack.superuser() as admin:
            for one in (*MEMBERS, *SERVICES):
                role = sql.Identifier(one.role)
                admin.execute(sql.SQL("GRANT rds_iam TO {}").format(role))
        made = AwsProject(strongroom_home, network)
        yield made
        shutil.rmtree(made.folder.parent, ignore_errors=True)
        shutil.rmtree(made.checkout, ignore_errors=True)


_SHOW = (
    "-At",
    *("-c", "select session_user, current_setting('default_transaction_read_only')"),
    *("-c", "show statement_timeout"),
    *("-c", "show idle_in_transaction_session_timeout"),
)


@pytest.mark.parametrize(
    ("person", "more", "shown"),
    [
        ("ada", [], ["ada|on", "15min", "77s"]),
        ("ada", ["--write"], ["ada|off", "15min", "77s"]),
        ("esra", [], ["esra|off", "1min", "77s"]),
        ("web", [], ["web|on", "0", "0"]),
    ],
)
def test_a_person_signs_in_by_token_read_only_with_the_timeouts_of_the_tier(
    project: AwsProject, person: str, more: list[str], shown: list[str]
) -> None:
    done = project.strongroom("connect", person, "--host", HOST, *more, "--", *_SHOW)
    assert (done.stdout.split(), done.stderr) == (shown, "")


def test_a_person_whose_policy_names_another_role_is_not_let_in(project: AwsProject) -> None:
    own = project.network.environment("AKIAADA")
    done = project.strongroom("connect", "chiara", "--host", HOST, "--", *_SHOW, **own)
    assert 'PAM authentication failed for user "chiara"' in done.stderr
    assert done.returncode == 2  # psql's own


def _until_asleep(project: AwsProject) -> None:
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    deadline = time.monotonic() + 10
    with project.network.stack.superuser() as admin:
        while admin.execute(query).fetchone() == (0,):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_the_prompt_says_where_one_is_and_ctrl_c_cancels_a_statement_only(
    project: AwsProject,
) -> None:
    with project.terminal("connect", "ada", "--host", HOST) as terminal:
        terminal.wait_for("read-only; --write for changes")
        terminal.wait_for("[production READ ONLY] ada@app=>")
        terminal.type("select pg_sleep(60);")
        terminal.wait_for("pg_sleep(60)")
        _until_asleep(project)
        terminal.type("\x03", end="")
        terminal.wait_for("canceling statement due to user request")
        terminal.type("\\c")
        terminal.wait_for('You are now connected to database "app" as user "ada"')
        assert terminal.end() == 0


def test_the_token_is_in_the_clients_environment_and_in_no_argument_or_file(
    project: AwsProject,
) -> None:
    look = (
        "import os, pathlib; e = os.environ; parent = pathlib.Path(f'/proc/{os.getppid()}');"
        "words = [p.read_text() for p in (parent / 'cmdline', parent / 'environ')];"
        "print('X-Amz-Signature' in e['PGPASSWORD'], any(e['PGPASSWORD'] in w for w in words),"
        "e['PGHOST'], e['PGHOSTADDR'], 'PGSSLKEY' in e)"
    )
    done = project.strongroom("connect", "ada", "--host", HOST, "--", sys.executable, "-c", look)
    assert done.stdout.split() == ["True", "False", HOST, "127.0.0.1", "False"], done.stderr


def test_a_token_is_never_printed(project: AwsProject) -> None:
    done = project.strongroom("connect", "ada", "--host", HOST, "--print-env")
    assert (done.returncode, done.stdout) == (1, "")
    assert "`strongroom connect ada -- CLIENT`" in done.stderr


def test_what_one_can_do_is_looked_up_as_oneself(project: AwsProject) -> None:
    looked = ("--host", HOST, "--as", "ada", "--json")
    own = project.network.environment("AKIAADA")
    can = project.strongroom("can", "chiara", "app.before", *looked, **own)
    assert can.returncode == 0, can.stderr
    assert "UPDATE" in json.loads(can.stdout)[0]["privileges"]
    who = project.strongroom("who-can", "DELETE", "app.before", *looked, **own)
    assert "ada" in {each["role"] for each in json.loads(who.stdout)}
    matrix = project.strongroom("matrix", *looked, **own)
    assert {"ada", "esra"} <= {each["role"] for each in json.loads(matrix.stdout)}


def test_an_audit_signs_in_as_the_provisioner_unless_told_otherwise(project: AwsProject) -> None:
    audit = project.strongroom("audit", "--host", HOST, "--json")
    report = json.loads(audit.stdout)
    assert report["stack"] == "production"
    assert report["tables"] > 0
    own = project.network.environment("AKIAADA")
    refused = project.strongroom("audit", "--host", HOST, **own)
    assert refused.returncode == 1
    assert 'PAM authentication failed for user "provisioner"' in refused.stderr


def test_what_is_missing_is_told_in_one_paragraph(project: AwsProject, tmp_path: Path) -> None:
    nowhere = project.strongroom("can", "ada", PATH=str(tmp_path))
    assert nowhere.returncode == 1
    assert "there is no pulumi on the PATH" in nowhere.stderr
    assert "--host" in nowhere.stderr
    local = project.strongroom("can", "ada", "--host", HOST, "--stack", "local")
    assert local.returncode == 2
    assert "is not on AWS" in local.stderr
    closed = project.strongroom("connect", "ada", "--host", HOST, ALL_PROXY="socks5://127.0.0.1:1")
    assert closed.returncode == 1
    assert "Open the tunnel that ALL_PROXY names" in closed.stderr
    bundle = project.checkout / _BUNDLE
    aside = bundle.rename(bundle.with_suffix(".aside"))
    unknown = project.strongroom("connect", "ada", "--host", HOST)
    aside.rename(bundle)
    assert "truststore.pki.rds.amazonaws.com" in unknown.stderr
    for done in (nowhere, local, closed, unknown):
        assert "Traceback" not in done.stderr


def test_a_client_that_ends_hands_its_exit_code_on(project: AwsProject) -> None:
    done = project.strongroom("connect", "ada", "--host", HOST, "--", "sh", "-c", "exit 7")
    assert done.returncode == 7
    missing = project.strongroom("connect", "ada", "--host", HOST, "--", "no-such-client")
    assert "no-such-client could not be started" in missing.stderr
