"""Root's password on the local platform: in a file that only the database's system user can read.

It is written by machines and read by machines. While it is being changed the file holds two
values, so that a run killed at any moment leaves at least one that works.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

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


@dataclass(frozen=True)
class SealedFile:
    """The file. Its stages carry the names of AWS Secrets Manager's: current and pending."""

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

    def candidates(self) -> list[SealedPassword]:
        """Every value that may work, the likeliest first."""
        stages = self._read()
        return [stages[stage] for stage in ("current", "pending") if stage in stages]

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
