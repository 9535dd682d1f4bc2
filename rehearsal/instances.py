"""The servers behind simulated RDS instances: a real PostgreSQL for each primary.

What CreateDBInstance asks for is made: the master with the name and the password of the request,
the database it names, and an endpoint whose certificate is of the simulator's own authority. What
ModifyDBInstance says of the password is done. Replicas are entries of the API and nothing more.
"""

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from moto.rds.models import DBInstance
from psycopg import sql

from rehearsal.gateway import hba
from rehearsal.lending import RdsGateway
from rehearsal.master import Server
from rehearsal.offered import offered
from rehearsal.socks import Socks
from rehearsal.tokens import Door, Key
from strongroom.cluster.certificates import Authority, KeyPair
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.port import free_port
from strongroom.cluster.system_user import SystemUser

#: Small, and quick to start; what is rehearsed is not the server's speed.
_SETTINGS = {"shared_buffers": "32MB", "max_connections": "60"}


class Instances:
    """The servers of one rehearsal, all gone when its `with` block is left.

    Attributes:
        servers: by the instance's identifier.
        gateways: what stands before each.
        socks: the proxy that knows their endpoints.
        authority: what their certificates are signed by.
        passwords: every one a master was given through the API.
    """

    def __init__(self, folder: Path, keys: Mapping[str, Key]) -> None:
        """Nothing runs yet.

        Args:
            folder: where the clusters lie, short enough for their sockets.
            keys: the access keys whose tokens open them.
        """
        self.servers: dict[str, Server] = {}
        self.gateways: dict[str, RdsGateway] = {}
        self.socks = Socks()
        self.authority = Authority(folder / "authority")
        self.passwords: list[str] = []
        self._folder, self._keys = folder, keys
        self._running: dict[str, ExitStack] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> "Instances":
        self.authority.create(SystemUser.current(), "of simulated RDS")
        self.socks.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        for running in self._running.values():
            running.close()
        self.socks.__exit__(None, None, None)

    def created(self, instance: DBInstance, password: str) -> None:
        """Make the server of a new instance."""
        self.passwords.append(password)
        with self._lock:
            self._create(instance, password)

    def password_changed(self, instance: DBInstance, password: str) -> None:
        """Do what the API was told."""
        self.passwords.append(password)
        server = self.servers.get(instance.db_instance_identifier)
        if server is not None:
            server.set_password(password)

    def deleted(self, instance: DBInstance) -> None:
        """End the server; what it held is gone."""
        with self._lock:
            name = instance.db_instance_identifier
            self.servers.pop(name, None)
            self.gateways.pop(name, None)
            if running := self._running.pop(name, None):
                running.close()

    def _create(self, instance: DBInstance, password: str) -> None:
        name, host, port = instance.db_instance_identifier, instance.address, instance.port or 5432
        directory = self._folder / name[:12]
        user = SystemUser.for_clusters()
        cluster = Cluster(directory, free_port(str(directory).encode()), offered(), user)
        server = Server(cluster, str(instance.master_username))
        server.make(self.authority, password, hba(server.master), _SETTINGS)
        if instance.db_name:
            with server.superuser() as admin:
                made = sql.SQL("CREATE DATABASE {} OWNER {}")
                names = (sql.Identifier(each) for each in (instance.db_name, server.master))
                admin.execute(made.format(*names))
        pair = KeyPair(directory / "tls" / "endpoint.crt", directory / "tls" / "endpoint.key")
        self.authority.issue_server(pair, SystemUser.current(), [host])
        door = Door(host, port, instance.region, self._keys)
        socket = cluster.socket / f".s.PGSQL.{cluster.port}"
        running = self._running[name] = ExitStack()
        running.callback(cluster.stop)
        gateway = RdsGateway(door, pair, socket, server)
        running.enter_context(gateway)
        self.socks.routes[host.lower(), port] = gateway.port
        running.callback(self.socks.routes.pop, (host.lower(), port))
        self.servers[name], self.gateways[name] = server, gateway
