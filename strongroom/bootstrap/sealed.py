"""Where root's password is kept: written by machines and read by machines.

While it is being changed a store holds two values, so that a run killed at any moment leaves at
least one that works. On the local platform it is a file that only the database's system user can
read; on AWS it is a secret of Secrets Manager.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from strongroom.bootstrap.scram import random_password
from strongroom.cluster.system_user import SystemUser
from strongroom.errors import StrongroomError


@dataclass(frozen=True)
class SealedPassword:
    """One value and since when it has been the one in use (UTC)."""

    value: str
    since: datetime

    def __repr__(self) -> str:
        return f"SealedPassword(since={self.since.isoformat()})"


class Store(Protocol):
    """Two stages by the names of AWS Secrets Manager's."""

    def current(self) -> SealedPassword | None:
        """The value in use."""

    def pending(self) -> SealedPassword | None:
        """A value that is about to be used, or already is if a rotation was killed."""

    def begin(self) -> SealedPassword:
        """The pending value, a new random one unless a rotation was begun and not finished."""

    def finish(self) -> SealedPassword:
        """Make the pending value the current one, unless it is already, and return it."""


def candidates(store: Store) -> list[SealedPassword]:
    """Every value that may work, the likeliest first."""
    return [value for value in (store.current(), store.pending()) if value is not None]


@dataclass(frozen=True)
class SealedFile:
    """The file of the local platform, which opens to the database's system user only."""

    folder: Path
    user: SystemUser

    @property
    def path(self) -> Path:
        """Where the password lies."""
        return self.folder / "root.json"

    def current(self) -> SealedPassword | None:
        """The value in use."""
        return self._read().get("current")

    def pending(self) -> SealedPassword | None:
        """A value that is about to be used, or already is if a rotation was killed."""
        return self._read().get("pending")

    def begin(self) -> SealedPassword:
        """The pending value, a new random one unless a rotation was begun and not finished."""
        stages = self._read()
        if "pending" not in stages:
            stages["pending"] = SealedPassword(random_password(), datetime.now(UTC))
            self._write(stages)
        return stages["pending"]

    def finish(self) -> SealedPassword:
        """Make the pending value the current one and forget the one before."""
        stages = self._read()
        if "pending" not in stages and "current" in stages:
            return stages["current"]
        value = SealedPassword(stages["pending"].value, datetime.now(UTC))
        self._write({"current": value})
        return value

    def _read(self) -> dict[str, SealedPassword]:
        try:
            content = json.loads(self.path.read_text())
            return {
                stage: SealedPassword(entry["password"], datetime.fromisoformat(entry["since"]))
                for stage, entry in content.items()
            }
        except FileNotFoundError:
            return {}
        except PermissionError as error:
            raise StrongroomError(
                f"{self.path} is sealed: it opens to {self.user.name} only, and you are user id "
                f"{os.geteuid()}. Nothing needs root's password but Strongroom itself; people "
                "sign in as themselves with `strongroom connect`."
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError):
            # A spoilt file is as good as none: root gets a new password (see repair).
            return {}

    def _write(self, stages: dict[str, SealedPassword]) -> None:
        self.user.folder(self.folder)
        content = {
            stage: {"password": entry.value, "since": entry.since.isoformat()}
            for stage, entry in stages.items()
        }
        self.user.write(self.path, json.dumps(content), 0o600)
