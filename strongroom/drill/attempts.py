"""What a person tries that must not work: from a laptop, with root's password, as a senior."""

import shlex
from collections.abc import Iterator

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.configuration import LOOPBACK
from strongroom.cluster.system_user import SystemUser
from strongroom.drill.cast import Cast
from strongroom.drill.stage import Done, Stage, expect
from strongroom.errors import StrongroomError
from strongroom.tiers import ROOT

_GUARD_REFUSES = 3
_LAPTOP = "on a laptop"
_SCRIPT = """\
#!/bin/sh
# The local setup: begin with an empty database.
touch db-reset-was-run
. ./.env
exec psql "$DATABASE_URL" -c {statement}
"""


def attempts(stage: Stage, cast: Cast) -> Iterator[str]:
    """Play the three attempts; yields a sentence for each that was not refused as it should be."""
    password = _prepare_laptop(stage)
    statement = f"drop database {stage.scratch.database}"
    yield from _guarded(stage)
    yield from _over_network(stage, statement, password)
    yield from _as_senior(stage, cast.senior, statement)


def _prepare_laptop(stage: Stage) -> str:
    """Put the application's folder on a laptop, with a .env that somebody once copied there."""
    scratch, laptop = stage.scratch, stage.scratch.laptop
    primary = scratch.stack.primary
    password = LocalRoot(primary).opening()
    if password is None:
        raise StrongroomError("Root of the scratch stack cannot sign in, so the drill ended here.")
    url = f"postgres://{ROOT}:{password.value}@{LOOPBACK}:{primary.port}/{scratch.database}"
    me = SystemUser.current()
    me.write(laptop / ".env", f"RAILS_ENV=development\nDATABASE_URL={url}\n")
    (laptop / "bin").mkdir(exist_ok=True)
    script = _SCRIPT.format(statement=shlex.quote(f"drop database {scratch.database}"))
    me.write(laptop / "bin" / "db-reset", script, 0o755)
    guarded = expect(stage.strongroom("guard", "list", "--yaml"), "strongroom guard list")
    me.write(laptop / ".strongroom-guarded.yaml", guarded.output + "\n")
    shown = url.replace(password.value, "•••••• (the right one)")
    stage.show(_LAPTOP, "cat .env", f"RAILS_ENV=development\nDATABASE_URL={shown}")
    return password.value


def _guarded(stage: Stage) -> Iterator[str]:
    laptop = stage.scratch.laptop
    done = stage.strongroom("guard", "--", "bin/db-reset", cwd=laptop)
    stage.show(_LAPTOP, "strongroom guard -- bin/db-reset", done.output, done.code)
    if done.code != _GUARD_REFUSES or (laptop / "db-reset-was-run").exists():
        yield f"strongroom guard let bin/db-reset run (exit code {done.code})"
    else:
        stage.tell("guard: bin/db-reset was not run")


def _over_network(stage: Stage, statement: str, password: str) -> Iterator[str]:
    """What the script would have done, had guard not been there."""
    primary = stage.scratch.stack.primary
    database = stage.scratch.database
    command = [
        *(str(primary.package.tool("psql")), "-X", "-h", LOOPBACK, "-p", str(primary.port)),
        *("-U", ROOT, "-d", database, "-c", statement),
    ]
    done = stage.run(command, stage.scratch.laptop, {"PGPASSWORD": password})
    shown = f'bin/db-reset        # psql "$DATABASE_URL" -c "{statement}"'
    stage.show(f"{_LAPTOP}, without guard", shown, done.output, done.code)
    yield from _refused(stage, done, "pg_hba.conf rejects connection", "root over the network")


def _as_senior(stage: Stage, senior: str, statement: str) -> Iterator[str]:
    done = stage.strongroom("connect", senior, "--write", "--", "-c", statement)
    shown = f"strongroom connect {senior} --write -- psql -c '{statement}'"
    stage.show(f"{senior}, a senior", shown, done.output, done.code)
    yield from _refused(stage, done, "must be owner of database", f"{senior}, a senior")


def _refused(stage: Stage, done: Done, reason: str, who: str) -> Iterator[str]:
    if done.code == 0 or reason not in done.output:
        yield f"{who} was not refused as expected: {stage.scrubbed(done.output)[-300:]}"
    else:
        stage.tell(f"{who}: refused ({reason})")
