"""What the guard against mass changes costs: `python -m benchmarks.mass_guard [--seconds 5]`.

The same statements by pgbench on the same server, with the guard off (the floor) and on, in turns,
so that whatever else the machine does hits both alike.
"""

import re
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.conftest import _quick, end_server
from tests.live.local_stack import LocalStack, apply_model

_ROWS = 100_000
_MAKE = f"""
CREATE TABLE app.bench (id int PRIMARY KEY, n int NOT NULL) WITH (fillfactor = 50);
INSERT INTO app.bench SELECT id, 0 FROM generate_series(1, {_ROWS}) AS id;
CREATE TABLE app.queue (id bigserial PRIMARY KEY);
"""
_WORK = {
    "UPDATE of one row by key": f"\\set id random(1, {_ROWS})\n"
    "UPDATE app.bench SET n = n + 1 WHERE id = :id;\n",
    "INSERT, then DELETE of that row": "INSERT INTO app.queue DEFAULT VALUES RETURNING id \\gset\n"
    "DELETE FROM app.queue WHERE id = :id;\n",
    "UPDATE of 1,000 rows": f"\\set id random(1, {_ROWS - 1000})\n"
    "UPDATE app.bench SET n = n + 1 WHERE id BETWEEN :id AND :id + 999;\n",
}


def main(
    seconds: Annotated[int, typer.Option(min=1, help="Of each run.")] = 5,
    rounds: Annotated[int, typer.Option(min=1, help="Runs with and without.")] = 5,
    clients: Annotated[int, typer.Option(min=1, max=30, help="Sessions at once.")] = 1,
) -> None:
    """Print transactions a second without and with the guard, and the difference."""
    table = Table("statement", "off, tx/s", "on, tx/s", "cost", "µs a transaction", box=None)
    with _stack() as stack:
        for name, script in _WORK.items():
            off, on = [], []
            for _ in range(rounds):
                stack.primary.up(mass_change_rows=0)
                off.append(_pgbench(stack, script, seconds, clients))
                stack.primary.up(mass_change_rows=10_000)
                on.append(_pgbench(stack, script, seconds, clients))
            floor, guarded = statistics.median(off), statistics.median(on)
            more = clients * 1_000_000 * (1 / guarded - 1 / floor)
            cost = f"{100 * (1 - guarded / floor):.1f} %"
            table.add_row(name, f"{floor:,.0f}", f"{guarded:,.0f}", cost, f"{more:+.1f}")
    Console().print(f"median of {rounds} runs of {seconds} s each way, {clients} client(s)", table)


@contextmanager
def _stack() -> Iterator[LocalStack]:
    """A stack in memory, so that the cost of the guard does not drown in that of the disk."""
    with tempfile.TemporaryDirectory(prefix="sr-", dir=_quick()) as home:
        Path(home).chmod(0o755)
        stack = LocalStack(Path(home)).make()
        try:
            apply_model(stack)
            with stack.sign_in("ada") as session:
                session.execute("SET ROLE app_owner")
                session.execute(_MAKE.encode())
            yield stack
        finally:
            end_server(stack.folder / "primary")


def _pgbench(stack: LocalStack, script: str, seconds: int, clients: int) -> float:
    """Transactions a second by a senior's sessions."""
    cluster = stack.cluster
    file = stack.folder / "primary" / "script.sql"
    cluster.user.write(file, script)
    parameters = {**stack.parameters("ada"), "sslcert": "", "sslkey": ""}
    pair = stack.pair("ada")
    for path, key in ((pair.certificate, "sslcert"), (pair.key, "sslkey")):
        copy = stack.folder / "primary" / path.name
        cluster.user.write(copy, path.read_bytes())
        parameters[key] = str(copy)
    dsn = " ".join(f"{key}={value}" for key, value in parameters.items())
    done = cluster.user.run(
        *(cluster.package.tool("pgbench"), "--no-vacuum", "--protocol=prepared"),
        *(f"--time={seconds}", f"--client={clients}", f"--file={file}", dsn),
        timeout=seconds + 60,
    )
    found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    return float(found[1]) if found else 0.0


if __name__ == "__main__":
    typer.run(main)
