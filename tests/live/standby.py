"""A primary and a replica of it, with a table to watch rows arrive in."""

import time
from typing import Any

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster.cluster import Cluster
from tests.live.local_stack import LocalStack


class Standby:
    """Both servers, sound; a test may break them."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.replica = stack.replica()
        with stack.root() as root:
            root.execute("CREATE TABLE beat (id int GENERATED ALWAYS AS IDENTITY, said text)")
        self.replica.create(**stack.replica_inputs())

    @property
    def cluster(self) -> Cluster:
        """The replica's."""
        return Cluster.at(self.stack.folder / "replica")

    def ask(self, query: str) -> Any:
        """One row of the replica's."""
        with LocalRoot(self.cluster, self.stack.cluster).connect("app") as root:
            return root.execute(query.encode()).fetchone()

    def beat(self, said: str) -> None:
        """Write a row on the primary."""
        with self.stack.root() as root:
            root.execute("INSERT INTO beat (said) VALUES (%s)", [said])

    def arrives(self, said: str, within: float = 10) -> float:
        """Seconds until a row that was written on the primary is read on the replica."""
        start = time.monotonic()
        while self.ask(f"SELECT count(*) FROM beat WHERE said = '{said}'") == (0,):
            assert time.monotonic() - start < within, f"{said} did not arrive"
            time.sleep(0.05)
        return time.monotonic() - start

    def put_right(self) -> None:
        """Repair whatever the test before left behind."""
        if self.stack.primary.refresh():
            self.stack.primary.up()
        if self.replica.refresh():
            self.replica.up()
        self.replica.said.clear()

    def healed(self, said: str) -> None:
        """See that `up` repairs the replica, which then follows."""
        assert self.replica.up().updates == ("drift",)
        assert self.replica.refresh() == []
        self.beat(said)
        self.arrives(said)

    def like_the_primary(self, name: str, **inputs: Any) -> dict[str, Any]:
        """Inputs of another replica that allows as much as the primary."""
        settings = self.stack.primary.inputs["settings"]
        return self.stack.replica_inputs(name, **{"settings": settings, **inputs})
