"""The application of a drill: it saves forms until it is told to stop, and reconnects by itself.

A process of its own, which knows nothing of Strongroom: `python -m strongroom.drill.application`
with a file that says where to connect and where to keep its journal.
"""

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg

from strongroom.drill.forms import Form, forms
from strongroom.drill.journal import End, Writer

# Seconds: how long a person thinks about a field, and how soon a lost connection is tried anew.
_THINKS = (0.002, 0.03)
_TRIES_EVERY = 0.1

_ORDER = "INSERT INTO orders (form, customer, note, total) VALUES (%s, %s, %s, %s)"
_LINE = (
    "INSERT INTO lines (form, position, item, quantity, price) "
    "VALUES (%(form)s, %(position)s, %(item)s, %(quantity)s, %(price)s)"
)
_CUSTOMER = (
    "INSERT INTO customers AS mine (id, orders, total) VALUES (%(id)s, 1, %(total)s) "
    "ON CONFLICT (id) DO UPDATE SET orders = mine.orders + 1, total = mine.total + %(total)s"
)


class Worker(threading.Thread):
    """One person at a form, again and again."""

    def __init__(self, told: Mapping[str, Any], number: int, writer: Writer) -> None:
        super().__init__(name=f"worker {number}", daemon=True)
        self._conninfo: str = told["conninfo"]
        self._forms = forms(told["run"], number)
        self._writer = writer
        self._choose = random.Random(number)  # noqa: S311 - not a secret
        self._connection: psycopg.Connection[Any] | None = None
        self.stopping = threading.Event()

    def run(self) -> None:
        """Save forms until told to stop."""
        while not self.stopping.is_set():
            if self._connected() is None:
                self.stopping.wait(_TRIES_EVERY)
            else:
                self._think()
                self._save(next(self._forms))
        if self._connection is not None:
            self._connection.close()

    def _connected(self) -> psycopg.Connection[Any] | None:
        if self._connection is None:
            try:
                self._connection = psycopg.connect(self._conninfo)
            except psycopg.Error:
                return None
        return self._connection

    def _save(self, form: Form) -> None:
        connection = self._connected()
        if connection is None:
            return
        self._writer.begin(form)
        end = End.CUT_OFF
        try:
            self._fill_in(connection, form)
            end = End.UNKNOWN
            connection.commit()
            end = End.ACKNOWLEDGED
        except psycopg.Error:
            self._connection = None
            connection.close()
        self._writer.end(form, end)

    def _fill_in(self, connection: psycopg.Connection[Any], form: Form) -> None:
        customer = {"id": form.customer, "total": form.total}
        connection.execute(_CUSTOMER, customer)
        connection.execute(_ORDER, [form.id, form.customer, form.note, form.total])
        for line in form.lines:
            self._think()
            values = {"form": form.id, **vars(line)}
            connection.execute(_LINE, values)

    def _think(self) -> None:
        time.sleep(self._choose.uniform(*_THINKS))


def main(arguments: Sequence[str]) -> int:
    """Work as the file named in `arguments` says, until SIGTERM or until nobody waits any more."""
    told = json.loads(Path(arguments[0]).read_text())
    writer = Writer(Path(told["journal"]))
    workers = [Worker(told, number, writer) for number in range(told["workers"])]
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()
    for worker in workers:
        worker.start()
    while (
        not stopping.wait(0.2) and os.getppid() == parent and any(one.is_alive() for one in workers)
    ):
        pass
    for worker in workers:
        worker.stopping.set()
    for worker in workers:
        worker.join(10)
    writer.close()
    return 0 if stopping.is_set() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
