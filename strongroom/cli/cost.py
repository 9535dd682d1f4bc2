"""`strongroom cost`: what stacks on AWS cost a month by list price."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from strongroom.cli.options import JsonOption
from strongroom.cost.bill import NOT_IN_IT, Bill, bill
from strongroom.cost.prices import PriceList
from strongroom.errors import StrongroomError
from strongroom.home import Home
from strongroom.reading.stack_files import environments
from strongroom.settings import Settings


def cost(
    stack: Annotated[
        str, typer.Option("--stack", "-s", help="The stack to speak of; all on AWS without it.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Show what stacks on AWS cost a month, by list price and before anything is made.

    Nobody is asked: settings and prices are files. What is not in the sum is said below it.
    """
    prices, checkout = PriceList.load(), Home.find().checkout
    names = [stack] if stack else environments(checkout)
    found = [Settings.load(checkout, name) for name in names]
    bills = [bill(each, prices) for each in found if each.platform == "aws"]
    if not bills:
        where = f"The stack {stack} is" if stack else "No stack is"
        raise StrongroomError(f"{where}{' not' if stack else ''} on AWS, so it costs AWS nothing.")
    if as_json:
        told = {"currency": prices.currency, "prices_of": prices.region, "not_in_it": NOT_IN_IT}
        typer.echo(json.dumps({**told, "stacks": [each.dump() for each in bills]}, indent=2))
        return
    console = Console()
    for each in bills:
        console.print(_table(each, prices))
    _say(console, bills, prices)


def _table(one: Bill, prices: PriceList) -> Table:
    title = f"{one.environment} ({one.region}): {one.monthly:,.0f} {prices.currency} a month"
    table = Table("what", title=title, title_justify="left")
    for heading in ("how many", "one a month", "a month", "price of"):
        table.add_column(heading, justify="right")
    for line in one.lines:
        known = line.price is not None
        each, all_of_it = f"{line.price or 0:,.3f}", f"{line.monthly:,.2f}"
        about = "~ " if line.stands_in else ""
        values = (about + each, about + all_of_it, line.date) if known else ("?", "?", "")
        table.add_row(line.what, f"{line.count:,.0f}", *values)
    return table


def _say(console: Console, bills: list[Bill], prices: PriceList) -> None:
    if elsewhere := sorted({each.region for each in bills} - {prices.region}):
        console.print(
            f"Prices are those of {prices.region}; in {', '.join(elsewhere)} they differ. "
            "Those of your region go into strongroom/cost/prices.yaml."
        )
    for stand_in, of in sorted({(of, what) for each in bills for what, of in each.stand_ins}):
        console.print(f"~ {of}: the price is that of {stand_in}.")
    if unknown := sorted({what for each in bills for what in each.unknown}):
        console.print(f"No price is known of: {'; '.join(unknown)}. The sum is without.")
    console.print(f"Not in it: {NOT_IN_IT}.")
