"""Settings that a change makes weaker, by a table of which way is weaker."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

from strongroom.reading.names import camel
from strongroom.review.words import Value, Words
from strongroom.settings import Settings


@dataclass(frozen=True)
class SettingChange:
    """One setting before and after.

    Attributes:
        key: as Pulumi's configuration spells it.
        before: its value at the base.
        after: its value with the change.
        weaker: what gets weaker by it; empty when nothing does, as far as can be told.
    """

    key: str
    before: Any
    after: Any
    weaker: str = ""

    @property
    def words(self) -> Words:
        """The change as a sentence's beginning."""
        return (Value(self.key), ": ", Value(_text(self.before)), " → ", Value(_text(self.after)))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={each}" for key, each in sorted(value.items())) or "none"
    return str(value) if value != "" else "none"


def _off(before: Any, after: Any) -> bool:
    return bool(before) and not after


def _lower(before: Any, after: Any) -> bool:
    return bool(after < before)


def _higher(before: Any, after: Any) -> bool:
    return bool(after > before)


def _limit_higher(before: Any, after: Any) -> bool:
    """Where 0 is no limit at all."""
    return bool(before != 0 and (after == 0 or after > before))


def _fewer(before: Any, after: Any) -> bool:
    return bool(set(before) - set(after))


def _other(before: Any, after: Any) -> bool:
    return bool(before != after)


def _approvers(before: Any, after: Any) -> bool:
    """More people may approve: somebody is added, or a list gives way to every senior."""
    return bool(set(after) - set(before)) or _off(before, after)


#: For each field of `Settings` which change is weaker, and what it weakens.
WEAKER: Mapping[str, tuple[Callable[[Any, Any], bool], str]] = MappingProxyType(
    {
        "deletion_protection": (_off, "the database can be destroyed or replaced"),
        "guarded": (_off, "`strongroom guard` lets commands through to this environment"),
        "guarded_hosts": (_fewer, "`strongroom guard` no longer knows some ways to the database"),
        "mass_change_rows": (_limit_higher, "one statement may change or delete more rows"),
        "root_password_max_age_days": (_higher, "root's password grows older"),
        "replica_delay_seconds": (_lower, "there is less time to save data from the replica"),
        "archive_timeout_seconds": (_higher, "more commits are lost with the server"),
        "snapshot_every_hours": (_higher, "snapshots lie further apart"),
        "snapshot_keep_days": (_lower, "snapshots end sooner"),
        "snapshot_lock_days": (_lower, "snapshots can be removed sooner"),
        "elevation_max_hours": (_higher, "a tier can be lent for longer"),
        "elevation_approvers": (_approvers, "more people may approve"),
        "database": (_other, "another database is served, and the one there is left behind"),
        "platform": (_other, "the stack moves to another platform"),
        "roster": (_other, "another file says who may do what"),
        "vault": (_other, "snapshots and WAL go elsewhere; the old ones are not moved"),
        "server_binaries": (_other, "another server runs on the data"),
    }
)


def compared(before: Settings | None, after: Settings | None) -> tuple[SettingChange, ...]:
    """The settings that differ, in the order of `Settings`; none when either is not known."""
    if before is None or after is None:
        return ()
    found = []
    for each in fields(Settings):
        old, new = getattr(before, each.name), getattr(after, each.name)
        if old != new:
            is_weaker, what = WEAKER.get(each.name, (_never, ""))
            weaker = what if is_weaker(old, new) else ""
            found.append(SettingChange(camel(each.name), old, new, weaker))
    return tuple(found)


def _never(_before: Any, _after: Any) -> bool:
    return False
