"""`strongroom agent`: the background process of a stack on this machine."""

import json

import typer
from rich.console import Console
from rich.table import Table

from strongroom.agent.duties import Duties
from strongroom.agent.process import Agent
from strongroom.cli.options import NOT_AS_IT_SHOULD_BE, JsonOption, StackOption
from strongroom.declaration import Declaration
from strongroom.errors import StrongroomError

app = typer.Typer(help="The background process of a stack.", no_args_is_help=True)


@app.command()
def start(stack: StackOption = "local") -> None:
    """Start the agent unless it runs; it outlives the terminal."""
    agent = _agent(stack)
    if Duties.load(agent.stack) is None:
        raise StrongroomError(
            f"Nothing is written down for an agent of {stack} to do, so none was started. "
            "`make up` writes it down and starts the agent."
        )
    agent.start()
    process = agent.process()
    typer.echo(f"the agent of {stack} runs" + (f", process {process.pid}" if process else ""))


@app.command()
def stop(stack: StackOption = "local") -> None:
    """Stop the agent until the next `up` or `strongroom agent start`."""
    agent = _agent(stack)
    agent.stop()
    typer.echo(f"the agent of {stack} is stopped: no heartbeat, no snapshots by schedule")


@app.command()
def status(
    stack: StackOption = "local",
    as_json: JsonOption = False,
) -> None:
    """Show whether the agent runs and how each duty went last.

    Exits with 3 when it does not run or a duty fails.
    """
    agent = _agent(stack)
    went, running = agent.reported(), agent.running()
    if as_json:
        typer.echo(json.dumps({"running": running, "duties": went}, indent=2))
    else:
        console = Console()
        console.print(f"agent: {'[green]running[/]' if running else '[red]stopped[/]'}")
        table = Table("duty", "last done", "how it went", box=None)
        for name, each in went.items():
            problem = each.get("problem")
            said = f"[red]{problem}[/] (since {each['since']})" if problem else each["said"]
            table.add_row(name, each.get("good", "never"), said)
        console.print(table)
    if not running or any(each.get("problem") for each in went.values()):
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


def _agent(stack: str) -> Agent:
    folder = Declaration.load(stack).folder
    if not folder.is_dir():
        raise StrongroomError(
            f"Stack {stack} has not been made yet, so it has no agent. `make up` makes it."
        )
    return Agent(folder)
