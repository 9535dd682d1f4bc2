"""What a laptop would reach: settings as they were found, and the servers they lead to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

#: What libpq connects to when nothing says otherwise.
DEFAULT_PORT = 5432
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, order=True)
class Origin:
    """Where something was found; the only thing about it a report may show.

    Attributes:
        source: a file's path as shown, or words such as ``$DATABASE_URL`` or ``argument 2``.
        line: from 1; 0 where there are no lines.
    """

    source: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


@dataclass(frozen=True)
class Entry:
    """One setting.

    Attributes:
        path: the names that lead to it, the last its own.
        value: what it holds, resolved; may be a secret.
        origin: where it stands.
        scope: entries of one scope may complete each other.
    """

    path: tuple[str, ...] = field(repr=False)  # of a broken file, a secret may look like a name
    value: str = field(repr=False)
    origin: Origin
    scope: str = ""


@dataclass(frozen=True)
class Target:
    """A server that something found leads to.

    Attributes:
        origin: where it was found.
        host: a name, an address or the folder of a Unix socket.
        port: 1 to 65535.
        postgresql: whether it is said to be PostgreSQL; a HOST and a PORT alone may be anything.
        options: libpq's other parameters, such as dbname, user and password.
    """

    origin: Origin
    host: str = field(repr=False)
    port: int = DEFAULT_PORT
    postgresql: bool = True
    options: Mapping[str, str] = field(
        default_factory=lambda: _NOTHING, repr=False, hash=False, compare=False
    )

    @property
    def has_password(self) -> bool:
        """Whether a password was found with it."""
        return bool(self.options.get("password"))
