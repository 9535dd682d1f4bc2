"""What a review of rights costs: `python -m benchmarks.review audit`.

On one server that grows: how long an inspection takes, and `strongroom audit` as a whole process,
against the floor of a connection that asks for nothing and a process that does nothing.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from psycopg import sql
from psycopg.conninfo import make_conninfo
from rich.console import Console
from rich.table import Table

from strongroom.people import Member
from strongroom.rights.declared import declared
from strongroom.rights.inspection import inspect
from strongroom.tiers import GROUPS, PROVISIONER, Tier
from tests.conftest import _quick
from tests.live.cli_project import ProjectStack, standing_project
from tests.live.local_stack import MEMBERS, SERVICES, LocalStack, apply_model

app = typer.Typer(help=__doc__, no_args_is_help=True)


@app.callback()
def _every() -> None:
    """What a review of rights costs."""


@app.command()
def audit(
    roles: Annotated[int, typer.Option(min=8, help="Roles at the largest size.")] = 1000,
    tables: Annotated[int, typer.Option(min=8, help="Tables at the largest size.")] = 2000,
    rounds: Annotated[int, typer.Option(min=1, help="Runs; the median is shown.")] = 5,
) -> None:
    """Print seconds for four sizes, each of which doubles the roles or the tables."""
    table = Table("roles", "tables", "effective rights", "connect", "inspect", "audit", box=None)
    with tempfile.TemporaryDirectory(prefix="sr-", dir=_quick()) as home:
        Path(home).chmod(0o755)
        os.environ["STRONGROOM_HOME"] = home
        with standing_project(Path(home)) as stack:
            empty = _median(rounds, lambda: _run([sys.executable, "-c", "pass"]))
            loaded = _median(rounds, lambda: _run(stack.command("--version")))
            apply_model(stack)
            parameters = stack.parameters(PROVISIONER)
            target = make_conninfo(**parameters)
            made: list[Member] = []
            few, half = roles // 4, tables // 2
            for people, count in ((few, half), (roles // 2, half), (roles, half), (roles, tables)):
                _fill(stack, made, people, count)
                members = (*MEMBERS, *made)
                _write_roster(stack, members)
                floor = _median(rounds, lambda: psycopg.connect(target).close())
                looked = _median(rounds, lambda: inspect(parameters)) - floor
                whole = _median(rounds, lambda: _audit(stack))
                shown = (f"{each:.3f} s" for each in (floor, looked, whole))
                rights = _rights(members, count)
                table.add_row(f"{people:,}", f"{count:,}", f"{rights:,}", *shown)
    console = Console()
    console.print(f"median of {rounds} runs; audit is the whole process", table)
    console.print(f"floor: python -c pass {empty:.3f} s, strongroom --version {loaded:.3f} s")


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _audit(stack: ProjectStack) -> None:
    found = stack.strongroom("audit")
    if found.returncode != 0:
        raise SystemExit(f"audit is not clean:\n{found.stdout}{found.stderr}")


def _write_roster(stack: ProjectStack, members: tuple[Member, ...]) -> None:
    engineers = {
        member.role: {"name": member.name, "tier": member.tier.value}
        | ({"rights": {"app": sorted(member.rights["app"])}} if member.rights else {})
        for member in members
    }
    services = {
        service.role: {"ddl": True}
        if service.ddl
        else {"rights": {"app": [*service.rights["app"]]}}
        for service in SERVICES
    }
    roster = {"environments": ["local"], "schemas": ["app"], "engineers": engineers,
              "services": services}  # fmt: skip
    text = json.dumps(roster, indent=1)  # JSON is YAML
    (stack.checkout / "stacks" / "engineers.yaml").write_text(text)


def _fill(stack: LocalStack, made: list[Member], people: int, tables: int) -> None:
    """Add people, a third in each tier, and tables until there are as many as asked for."""
    with stack.sign_in(PROVISIONER) as session, session.transaction():
        for number in range(len(made), people):
            member = Member(f"engineer_{number}", "Somebody", [*Tier][number % 3])
            made.append(member)
            name = sql.Identifier(member.role)
            session.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
            groups = [(GROUPS[member.tier].role, True, False)]
            groups += [("ddl_gate", False, True)] if GROUPS[member.tier].reaches_gate else []
            for group, inherit, settable in groups:
                session.execute(
                    sql.SQL("GRANT {} TO {} WITH INHERIT {}, SET {}").format(
                        *(sql.Identifier(group), name, sql.Literal(inherit), sql.Literal(settable))
                    )
                )
    with stack.sign_in(PROVISIONER) as session:
        session.execute("SET ROLE app_owner")
        session.execute("SET statement_timeout = 0")
        row = session.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'app'").fetchone()
        for number in range(row[0] if row else 0, tables):
            name = sql.Identifier("app", f"table_{number}")
            session.execute(sql.SQL("CREATE TABLE {} (id int)").format(name))


def _rights(members: tuple[Member, ...], tables: int) -> int:
    """How many rights on single tables these people have in the end."""
    rights = declared(("app",), members, SERVICES)
    return tables * sum(
        each.area == "tables in app" and not each.after_set_role
        for held in rights.values()
        for each in held
    )


def _median(rounds: int, work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


if __name__ == "__main__":
    app()
