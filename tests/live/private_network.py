"""A database as it is reached on AWS: behind a gateway that asks for IAM tokens, and a proxy.

The server is a real one whose root is like RDS's master; its endpoint is a name that only the
proxy knows, and of the gateway's certificate.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rehearsal.gateway import Gateway, hba
from rehearsal.lending import RdsGateway
from rehearsal.socks import Socks
from rehearsal.tokens import Door, Key
from strongroom.bootstrap.master import MasterRoot
from strongroom.cluster.certificates import KeyPair
from strongroom.cluster.system_user import SystemUser
from strongroom.tiers import ROOT
from tests.conftest import end_server
from tests.live.local_stack import apply_model
from tests.live.master_stack import MasterStack

REGION = "eu-west-1"
HOST = f"production-primary.c0ffee.{REGION}.rds.amazonaws.com"
PORT = 5432

#: By access key id: one that may sign in as anybody, and one of a single person's.
KEYS = {
    "AKIAPIPELINE": Key("the secret of the pipeline"),
    "AKIAADA": Key("the secret of ada", users=("ada",)),
}


class PrivateNetwork:
    """The server, and what stands before it.

    Attributes:
        stack: the server.
        gateway: what asks for tokens.
        socks: the way in.
    """

    def __init__(self, stack: MasterStack, gateway: Gateway, socks: Socks) -> None:
        self.stack, self.gateway, self.socks = stack, gateway, socks

    @property
    def authorities(self) -> Path:
        """What clients trust."""
        return self.stack.paths.authority.certificate

    def parameters(self, user: str, **changes: str) -> dict[str, str]:
        """How a role signs in by IAM."""
        found = {"host": HOST, "port": str(PORT), "dbname": "app", "user": user}
        trusted = {"sslmode": "verify-full", "sslrootcert": str(self.authorities)}
        return {**found, **trusted, "aws_region": REGION, **changes}

    def environment(self, key: str = "AKIAPIPELINE") -> dict[str, str]:
        """The variables by which a client finds the way in, and signs as the owner of a key."""
        return {
            "ALL_PROXY": self.socks.url,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": KEYS[key].secret,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def master(self) -> MasterRoot:
        """Root, with its password, through the proxy and the gateway."""
        return MasterRoot(HOST, PORT, self.authorities, self.stack.sealed, self.stack.name)


@contextmanager
def private_network(
    home: Path, *, model: bool = False, master: str = ROOT
) -> Iterator[PrivateNetwork]:
    """A server with the foundation, and no way in but the proxy; all of it goes in the end.

    Args:
        home: where it is made.
        model: whether the people and rights of `apply_model` are there as well.
        master: what root is called.
    """
    stack = MasterStack(home, master).make()
    if model:
        apply_model(stack)
    cluster = stack.cluster
    pair = KeyPair(stack.folder / "gateway.crt", stack.folder / "gateway.key")
    stack.paths.authority.issue_server(pair, SystemUser.current(), [HOST])
    cluster.user.write(cluster.data / "pg_hba.conf", hba(master))
    with stack.superuser() as admin:
        admin.execute("SELECT pg_reload_conf()")
    socket = cluster.socket / f".s.PGSQL.{cluster.port}"
    with ExitStack() as running:
        running.callback(end_server, cluster.directory)
        door = Door(HOST, PORT, REGION, KEYS)
        gateway = running.enter_context(RdsGateway(door, pair, socket, stack.server))
        routes = {(HOST, PORT): gateway.port}
        socks = Socks(routes, username="walter", password="through the wall")
        yield PrivateNetwork(stack, gateway, running.enter_context(socks))
