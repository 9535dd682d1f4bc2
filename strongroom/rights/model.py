"""What a right is: a privilege, on an area, that a role has through somebody."""

from collections.abc import Iterable
from dataclasses import dataclass

#: Privileges as people read them: from looking to owning.
_ORDER = (
    *("CONNECT", "USAGE", "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "MAINTAIN"),
    *("EXECUTE", "REFERENCES", "TRIGGER", "CREATE", "TEMPORARY", "SET", "ALTER SYSTEM", "OWNER"),
)

#: The application's database itself, as an area.
DATABASE = "the database"


@dataclass(frozen=True, order=True)
class Held:
    """One effective right of one role.

    Attributes:
        area: what it is on: ``the database``, ``schema app``, ``tables in app``, ``sequences in
            app``, ``routines in app``.
        privilege: PostgreSQL's name of the privilege; OWNER for what only an owner may do.
        through: whose right it is: a group, or the role itself.
        after_set_role: whether the role has to ``SET ROLE`` to `through` first.
    """

    area: str
    privilege: str
    through: str
    after_set_role: bool = False

    @property
    def switch(self) -> str:
        """What the role has to do before it has the right; empty when nothing."""
        return f"after SET ROLE {self.through}" if self.after_set_role else ""


def in_order(privileges: Iterable[str]) -> list[str]:
    """Privileges as people read them: from looking to owning, each once."""
    known = {privilege: place for place, privilege in enumerate(_ORDER)}
    return sorted(set(privileges), key=lambda each: (known.get(each, len(known)), each))
