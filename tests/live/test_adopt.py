"""`strongroom adopt` on a server that grew by hand: what it shows is all that becomes different."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner, Result

from strongroom.adoption.difference import Abilities, Ability
from strongroom.adoption.proposal import Proposal, propose
from strongroom.cli import app
from strongroom.errors import StrongroomError
from strongroom.rights.comparison import compare
from strongroom.rights.declared import declared
from strongroom.rights.inspection import is_system, snapshot
from strongroom.rights.model import PUBLIC, Snapshot
from strongroom.rights.standing import standings
from strongroom.roster import Roster
from strongroom.settings import Settings
from strongroom.tiers import FIXED_ROLES, GATE, GROUPS, PROVISIONER, Tier
from tests.live.giving import give
from tests.live.local_stack import LocalStack

pytestmark = pytest.mark.live

HOSTILE = 'x"; DROP SCHEMA shop CASCADE; --'
GROUP = "team\n- `loses` <b>nothing</b>"
SCHEMAS = ("billing", "shop")

#: Years of good intentions.
MESS = """
CREATE ROLE shopdba LOGIN SUPERUSER;
CREATE ROLE developers; CREATE ROLE {group};
CREATE ROLE "alice.jones" LOGIN; CREATE ROLE "bob.smith" LOGIN CREATEDB CREATEROLE BYPASSRLS;
CREATE ROLE "carol.white" LOGIN VALID UNTIL '2040-01-01';
CREATE ROLE tester LOGIN; CREATE ROLE {hostile} LOGIN; CREATE ROLE copier LOGIN REPLICATION;
CREATE ROLE web_api LOGIN CONNECTION LIMIT 20; CREATE ROLE reporting LOGIN;
CREATE ROLE billing_job LOGIN NOINHERIT; CREATE ROLE auditor LOGIN; CREATE ROLE outsider LOGIN;
ALTER ROLE web_api SET search_path = shop; ALTER ROLE web_api SET work_mem = '8MB';
GRANT CONNECT ON DATABASE app TO developers, web_api, auditor, outsider, PUBLIC;
GRANT CREATE, TEMPORARY ON DATABASE app TO "bob.smith";
GRANT developers TO "alice.jones", "carol.white"; GRANT developers TO "bob.smith" WITH ADMIN TRUE;
GRANT {group} TO "alice.jones", {hostile} WITH INHERIT FALSE; GRANT "alice.jones" TO tester;
GRANT pg_read_all_data TO "carol.white"; GRANT developers TO billing_job;
SET ROLE "bob.smith"; GRANT developers TO outsider, {hostile}; RESET ROLE;
CREATE SCHEMA shop AUTHORIZATION web_api; CREATE SCHEMA billing; CREATE SCHEMA scratch;
GRANT USAGE, CREATE ON SCHEMA scratch, shop TO developers;
GRANT USAGE ON SCHEMA shop, billing TO reporting, billing_job, tester, {hostile};
SET ROLE web_api;
CREATE TABLE shop.orders (id serial PRIMARY KEY, total int, card text);
CREATE TABLE shop."Odd; name" (id int GENERATED ALWAYS AS IDENTITY);
CREATE VIEW shop.totals AS SELECT sum(total) FROM shop.orders;
CREATE FUNCTION shop.twice(n int) RETURNS int LANGUAGE sql RETURN 2 * n;
CREATE FUNCTION shop.secret("a, b" text) RETURNS text LANGUAGE sql SECURITY DEFINER RETURN $1;
CREATE DOMAIN shop.money AS numeric; CREATE TYPE shop.pair AS (a int, b int);
REVOKE EXECUTE ON FUNCTION shop.secret FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shop.secret TO "alice.jones";
GRANT SELECT, INSERT, UPDATE ON shop.orders TO developers;
GRANT SELECT (id, total) ON shop.orders TO reporting; GRANT SELECT ON shop.totals TO PUBLIC;
GRANT TRIGGER, DELETE ON shop.orders TO "alice.jones";
GRANT UPDATE ON SEQUENCE shop.orders_id_seq TO "alice.jones";
GRANT SELECT ON shop."Odd; name" TO "alice.jones" WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO reporting, developers;
RESET ROLE; SET ROLE "alice.jones";
GRANT SELECT ON shop."Odd; name" TO outsider, reporting, {hostile};
CREATE TABLE scratch.mine (n int); CREATE TABLE shop.draft (n int);
GRANT SELECT ON scratch.mine TO reporting;
RESET ROLE;
CREATE TABLE billing.invoices (id bigserial, sum int); CREATE TABLE public.left_over (n int);
CREATE MATERIALIZED VIEW billing.monthly AS SELECT 1 AS n;
GRANT SELECT, INSERT ON billing.invoices TO billing_job; GRANT SELECT ON public.left_over TO PUBLIC;
GRANT TRUNCATE, MAINTAIN ON billing.invoices TO {hostile};
"""


@dataclass
class Server:
    """The messy server before, what was proposed for it, and how it is once that is applied."""

    stack: LocalStack
    before: Snapshot
    proposal: Proposal
    folder: Path
    result: Result

    def apply(self) -> Snapshot:
        """Do what the report says, in its order, and look again."""
        roster = Roster.load(self.folder / "engineers.yaml")
        members = roster.engineers_in("production")
        with self.stack.root() as root:
            root.autocommit = True
            root.execute((self.folder / "handover.sql").read_bytes())
        self.stack.primary.up(guarded_schemas=list(SCHEMAS))
        with self.stack.sign_in(PROVISIONER) as session:
            for group in (*(each.role for each in GROUPS.values()), GATE):
                inherit = sql.SQL("NOINHERIT" if group == GATE else "INHERIT")
                session.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(group), inherit))
            give(session, roster.schemas, members, roster.services)
        return _look(self.stack)


def _each(abilities: Iterable[Ability]) -> set[Ability]:
    """Object by object: another snapshot puts other objects together."""
    return {one for each in abilities for one in each.one_by_one()}


def _look(stack: LocalStack) -> Snapshot:
    with stack.root() as root:
        root.rollback()
        root.autocommit = True
        return snapshot(root)


def _adopt(stack: LocalStack, role: str, *arguments: str) -> Result:
    dsn = make_conninfo(**stack.parameters(role))
    return CliRunner().invoke(app, ["adopt", dsn, "--stack", "production", *arguments])


_CHOSEN = [f"--schema={schema}" for schema in SCHEMAS]


@pytest.fixture(scope="module")
def messy(own_stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Server:
    names = {"hostile": HOSTILE, "group": GROUP}
    quoted = {key: sql.Identifier(name) for key, name in names.items()}
    with own_stack.root() as root:
        root.autocommit = True
        root.execute(sql.SQL(MESS).format(**quoted))
        root.execute('CREATE DATABASE old OWNER "bob.smith"')
    folder = tmp_path_factory.mktemp("adopt") / "proposal"
    result = _adopt(own_stack, "auditor", *_CHOSEN, f"--output={folder}")
    with own_stack.sign_in("auditor") as session:
        proposal = propose(session, Settings.parse("production", {}, "defaults"), SCHEMAS)
    return Server(own_stack, _look(own_stack), proposal, folder, result)


@pytest.fixture(scope="module")
def applied(messy: Server) -> Snapshot:
    """The same server once the proposal is applied."""
    return messy.apply()


def test_everybody_has_the_place_that_comes_closest_to_what_they_can_do(messy: Server) -> None:
    roster = Roster.load(messy.folder / "engineers.yaml")
    assert roster.schemas == SCHEMAS
    assert {each.role: each.tier for each in roster.engineers} == {
        # Both can create in schema shop, which only seniors can after SET ROLE app_owner.
        "alice.jones": Tier.SENIOR,
        "bob.smith": Tier.SENIOR,
        "carol.white": Tier.SENIOR,
        "outsider": Tier.SENIOR,
    }
    services = {each.role: each for each in roster.services}
    assert {*services} == {"auditor", "billing_job", "reporting", "tester", "web_api"}
    assert services["billing_job"].rights["billing"] == {"SELECT", "INSERT"}
    assert services["reporting"].rights == {"shop": {"SELECT", "EXECUTE"}}
    assert services["web_api"].ddl
    # Everybody may read shop.totals, but auditor may not enter the schema.
    assert not services["auditor"].rights
    assert "auditor: {rights" not in (messy.folder / "engineers.yaml").read_text()


def test_what_the_roster_has_no_words_for_is_named_with_what_to_do(messy: Server) -> None:
    assert messy.result.exit_code == 3, messy.result.output
    said = {each.what: each.why for each in messy.proposal.unplaced}
    assert "ALTER ROLE … NOSUPERUSER" in said["role shopdba"]
    assert "certificate" in said[f"role {HOSTILE}"]
    assert "replicas sign in with a role of their own" in said["role copier"]
    assert "its members are alice.jones, billing_job" in said["role developers"]
    public = [why for what, why in said.items() if what == "PUBLIC"]
    assert public
    assert all("everybody has SELECT on" in why for why in public)


def test_applying_the_proposal_changes_exactly_what_it_shows_for_every_role(
    messy: Server, applied: Snapshot
) -> None:
    before, then = Abilities(messy.before), Abilities(applied)
    for role in (PUBLIC, *messy.before.roles):
        if role in FIXED_ROLES or is_system(role):
            continue
        now, became = _each(before.of(role)), _each(then.of(role))
        change = messy.proposal.changes.get(role)
        gains, losses = (change.gains, change.losses) if change else (frozenset(), frozenset())
        assert became - now == _each(gains), role
        assert now - became == _each(losses), role
    roster = Roster.load(messy.folder / "engineers.yaml")
    people = declared(roster.schemas, roster.engineers_in("production"), roster.services)
    wanted = standings(roster.schemas, people)
    left = {role for each in compare(applied, wanted) for role in each.roles}
    assert not left & {*people, PUBLIC}


@pytest.mark.usefixtures("applied")
def test_once_it_is_applied_and_root_settled_the_rest_there_is_nothing_left_to_propose(
    messy: Server,
) -> None:
    with messy.stack.root() as root:
        root.autocommit = True
        root.execute("SET strongroom.confirm = 'drop owned'")
        for role in ("developers", GROUP, HOSTILE, "copier", "shopdba"):
            root.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(role)))
    known = [f"--person={role}" for role in ("alice.jones", "bob.smith", "carol.white", "outsider")]
    result = _adopt(messy.stack, "web_api", *_CHOSEN, *known, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["notPlaced"] == []
    assert [each["tier"] for each in told["engineers"]] == ["senior"] * 4
    everyone = [*told["engineers"], *told["services"]]
    changed = {each["role"]: (each["gains"], each["loses"]) for each in everyone}
    assert {role: change for role, change in changed.items() if any(change)} == {}
    assert told["others"] == []


def test_the_import_file_names_roles_and_schemas_as_the_program_does(messy: Server) -> None:
    found = json.loads((messy.folder / "import.json").read_text())
    ids = {each["name"]: each.get("id") for each in found["resources"]}
    assert ids["access-schema-shop"] == "app.shop"
    assert ids["access-role-alice.jones"] == "alice.jones"
    assert not [name for name in ids if HOSTILE in name]


def test_names_that_are_markup_or_sql_stay_names(messy: Server) -> None:
    report = (messy.folder / "adopt.md").read_text()
    assert "<b>" not in report
    assert "\n- `loses`" not in report
    assert "the end at 2040-01-01" in report
    assert f'"{GROUP}"' in (messy.folder / "handover.sql").read_text()


def test_what_stands_in_the_folder_already_is_never_written_over(messy: Server) -> None:
    result = _adopt(messy.stack, "auditor", f"--output={messy.folder}")
    assert result.exit_code == 1
    assert "holds engineers.yaml already" in str(result.exception)


@pytest.mark.parametrize(
    ("dsn", "code", "said"),
    [
        ("host=127.0.0.1 port=1 user=auditor dbname=app", 1, "could not be looked at"),
        ("postgresql://auditor:hunter2@127.0.0.1:1/app", 2, "the DSN holds a password"),
        ("postgresql://auditor:hunter2@[/app", 2, "no connection string"),
    ],
)
def test_a_server_that_cannot_be_asked_is_told_in_one_paragraph_without_the_password(
    dsn: str, code: int, said: str
) -> None:
    result = CliRunner().invoke(app, ["adopt", dsn])
    told = " ".join(f"{result.output} {result.exception}".replace("│", "").split())
    assert said in told
    assert "hunter2" not in told
    assert code == (result.exit_code if result.exit_code else 0)


def test_a_role_that_is_refused_and_a_schema_or_role_that_is_not_there_are_told(
    messy: Server,
) -> None:
    parameters = messy.stack.parameters("auditor")
    refused = CliRunner().invoke(
        app,
        ["adopt", make_conninfo(**{**parameters, "user": "web_api"})],
        obj={"PGPASSWORD": "hunter2"},
    )
    assert "could not be looked at" in str(refused.exception)
    assert "hunter2" not in f"{refused.output}{refused.exception}"
    for option, said in (("--schema=shoop", "no schema shoop"), ("--person=eve", "no role eve")):
        assert said in str(_adopt(messy.stack, "auditor", option).exception)


def test_a_server_of_somebody_elses_is_reached_by_what_the_shell_says_of_it(
    messy: Server,
) -> None:
    parameters = messy.stack.parameters("auditor")
    shell = {"PGSSLCERT": parameters.pop("sslcert"), "PGSSLKEY": parameters.pop("sslkey")}
    dsn = make_conninfo(**parameters)
    assert isinstance(CliRunner().invoke(app, ["adopt", dsn]).exception, StrongroomError)
    result = CliRunner().invoke(app, ["adopt", dsn, *_CHOSEN, "--json"], obj=shell)
    assert json.loads(result.stdout)["database"] == "app"
    assert not os.environ.keys() & shell.keys()


def test_tables_in_public_alone_cannot_be_guarded_which_says_how_they_can(messy: Server) -> None:
    result = _adopt(messy.stack, "auditor", "--schema=public")
    assert "ALTER SCHEMA … RENAME TO" in str(result.exception)
    assert result.exit_code == 1
