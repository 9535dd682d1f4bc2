"""The way into an emulated RDS instance: TLS, IAM tokens for people, the password for its master.

RDS checks tokens in the server itself; stock PostgreSQL cannot, so this stands before it. What it
lets in joins the server through its Unix socket as the role it proved to be. The server trusts
nothing but that socket, and it still decides who may sign in by a token at all: its pg_hba.conf
(`hba`) lets members of rds_iam in, and the master by its password, whose exchange (SCRAM) passes
through unread. A master that is in rds_iam itself is refused, as RDS refuses its password then; a
token of the master's, which RDS would take, opens nothing here.
"""

import asyncio
import ssl
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType

from rehearsal.looping import Ends, LoopbackServer, join
from rehearsal.tokens import Door
from strongroom.cluster.certificates import KeyPair
from strongroom.tiers import ROOT

_HBA = """\
local all rdsadmin trust
local all "{master}" scram-sha-256
local all +rds_iam trust
local all all      reject
"""

# PostgreSQL documentation, "Message Formats".
_SSL, _GSS, _CANCEL, _VERSION_3 = 80877103, 80877104, 80877102, 3
_CLEARTEXT = b"R" + struct.pack("!II", 8, 3)
_LONGEST = 65536


def hba(master: str = ROOT) -> str:
    """What the server behind the gateway lets in; `rdsadmin` is the platform itself."""
    return _HBA.format(master=master)


class Gateway(LoopbackServer):
    """Stands before one server, from entering its `with` block until leaving it.

    Attributes:
        door: the endpoint that tokens and certificate are for, and whose tokens open it.
        refused: why somebody was not let in, the oldest first.
    """

    def __init__(
        self,
        door: Door,
        certificate: KeyPair,
        socket: Path,
        *,
        master: str = ROOT,
        by_iam_only: Callable[[], bool] = lambda: False,
        port: int = 0,
    ) -> None:
        """Listens on nothing yet.

        Args:
            door: the endpoint that tokens are for, and whose tokens open it.
            certificate: of the host name in `door`, as `Authority.issue_server` makes one.
            socket: the server's Unix socket, .s.PGSQL.PORT in its folder.
            master: who signs in with a password.
            by_iam_only: whether the master's password is refused (`Server.by_iam_only`).
            port: where it listens; 0 takes a free one.
        """
        super().__init__(port)
        self.door = door
        self.refused: list[str] = []
        self._socket, self._master, self._by_iam_only = socket, master, by_iam_only
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certificate.certificate, certificate.key)

    async def handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One session."""
        encrypted = False
        while True:
            message = await _first(reader)
            (code,) = struct.unpack_from("!I", message, 4)
            if code == _SSL and not encrypted:
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(self._tls)
                encrypted = True
            elif code == _GSS:
                writer.write(b"N")
                await writer.drain()
            else:
                break
        if code >> 16 != _VERSION_3 and code != _CANCEL:
            return
        if code != _CANCEL and not await self._let_in(message, encrypted, reader, writer):
            return
        behind = await asyncio.open_unix_connection(str(self._socket))
        with closing(behind[1]):
            behind[1].write(message)
            await behind[1].drain()
            await self.hand_on(_parameters(message).get("user", ""), (reader, writer), behind)

    async def hand_on(self, user: str, client: Ends, server: Ends) -> None:  # noqa: ARG002
        """Stand between a client that was let in as `user` and the server until either leaves."""
        await join(client, server)

    async def _let_in(
        self, message: bytes, encrypted: bool, reader: StreamReader, writer: StreamWriter
    ) -> bool:
        told = _parameters(message)
        user = told.get("user", "")
        if not encrypted:
            where = f'user "{user}", database "{told.get("database", user)}", no encryption'
            said = f'no pg_hba.conf entry for host "127.0.0.1", {where}'
            return await self._refuse(writer, said, f"{user}: not encrypted")
        by_iam_only = user == self._master and await asyncio.to_thread(self._by_iam_only)
        if user == self._master and not by_iam_only:
            return True
        writer.write(_CLEARTEXT)
        await writer.drain()
        kind, length = struct.unpack("!cI", await reader.readexactly(5))
        if kind != b"p" or not 4 < length < _LONGEST:
            return False
        token = (await reader.readexactly(length - 4)).rstrip(b"\0").decode("utf-8", "replace")
        reason = "the master is in rds_iam" if by_iam_only else self.door.refusal(token, user)
        if reason:
            said = f'PAM authentication failed for user "{user}"'
            return await self._refuse(writer, said, f"{user}: {reason}")
        return True

    async def _refuse(self, writer: StreamWriter, said: str, reason: str) -> bool:
        self.refused.append(reason)
        fields = {"S": "FATAL", "V": "FATAL", "C": "28000", "M": said}
        body = b"".join(f"{key}{value}".encode() + b"\0" for key, value in fields.items()) + b"\0"
        writer.write(b"E" + struct.pack("!I", len(body) + 4) + body)
        await writer.drain()
        return False


async def _first(reader: StreamReader) -> bytes:
    """The message a session begins with: the only kind that has no letter before its length."""
    head = await reader.readexactly(4)
    (length,) = struct.unpack("!I", head)
    if not 8 <= length < _LONGEST:
        raise ConnectionError("this is no client of PostgreSQL")
    return head + await reader.readexactly(length - 4)


def _parameters(message: bytes) -> Mapping[str, str]:
    """What a startup message says: user, database and settings."""
    words = [word.decode("utf-8", "replace") for word in message[8:].split(b"\0")]
    return MappingProxyType(dict(zip(words[::2], words[1::2], strict=False)))
