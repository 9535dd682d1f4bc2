"""The standing troubles of a stack: told once when one lasts, and once when it is over."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from strongroom import alerts
from strongroom.agent.duties import Duties
from strongroom.alerts import Alert
from strongroom.breakglass.ending import due
from strongroom.cluster.stack import StackFolder
from strongroom.cluster.system_user import SystemUser
from strongroom.elevations import ending
from strongroom.standing import archiving, servers_of
from strongroom.watch.telling import name_of

TROUBLE, WELL = "watch.trouble", "watch.well"

#: A server that is started again, or a snapshot that is tried again, is no news.
_LASTS = timedelta(seconds=20)
#: Duties of the agent that are told when they fail; the others are told in other ways.
_DUTIES = {"heartbeat": "the heart stands still", "snapshots": "no snapshot can be taken"}


@dataclass(frozen=True)
class _Trouble:
    """Something that is wrong since a time (UTC), and whether that was told."""

    since: str
    words: str
    told: bool = False


class Health:
    """Looks after what is wrong for longer than a moment."""

    def __init__(self, duties: Duties) -> None:
        self.duties = duties
        self._file = duties.stack / "health.json"
        self._troubles = _load(self._file)
        self._names = {each.id for each in alerts.kept(duties.stack)}

    def look(self, went: Mapping[str, Any]) -> str:
        """Tell what has become wrong, and what is well again.

        Args:
            went: how each duty of the agent went last.

        Returns:
            what is wrong, in words.

        Raises:
            StrongroomError: an alert could not be kept.
        """
        before = dict(self._troubles)
        now = datetime.now(UTC)
        found = self._found(went)
        for key, words in found.items():
            trouble = self._troubles.get(key) or _Trouble(now.isoformat(), words)
            lasts = now - datetime.fromisoformat(trouble.since) >= _LASTS
            if lasts and not trouble.told:
                self._tell(key, trouble, now, TROUBLE, words)
            self._troubles[key] = _Trouble(trouble.since, words, trouble.told or lasts)
        for key in self._troubles.keys() - found.keys():
            trouble = self._troubles[key]
            if trouble.told:
                self._tell(key, trouble, now, WELL, trouble.words)
            del self._troubles[key]
        if before != self._troubles:
            values = {key: asdict(each) for key, each in self._troubles.items()}
            SystemUser.current().write(self._file, json.dumps(values, indent=2))
        return "; ".join(sorted(found)) or "all is well"

    def _found(self, went: Mapping[str, Any]) -> dict[str, str]:
        """What is wrong now, each under a name that stays the same."""
        folder = StackFolder(self.duties.stack)
        found = {
            f"{name} fails": f"{words}: {went[name]['problem']}"
            for name, words in _DUTIES.items()
            if went.get(name, {}).get("problem")
        }
        database, vault = self.duties.database, self.duties.vault
        servers = servers_of(folder, database)
        for server in servers:
            if server.problem:
                found[server.name] = f"{server.name}: {server.problem}"
        for name, problems in (
            ("archive", archiving(folder, database, vault, servers[0]) if servers else []),
            ("rights lent", due(folder) + ending.due(folder, self.duties.elevations)),
        ):
            if problems:
                found[name] = "; ".join(problems)
        return found

    def _tell(self, key: str, trouble: _Trouble, now: datetime, kind: str, words: str) -> None:
        # By when it began, so that a watch that was killed meanwhile tells it once as well.
        name = name_of(kind, key, trouble.since)
        if name in self._names:
            return
        if kind == TROUBLE:
            title = f"Trouble on {self.duties.stack.name}: {words}"
            text = f"`strongroom status -s {self.duties.stack.name}` shows all of it."
        else:
            title = f"Again well on {self.duties.stack.name}: {key}"
            text = f"It was: {words}."
        facts = {"what": key, "since": trouble.since}
        alerts.keep(self.duties.stack, Alert(now, kind, title, text, facts), name)
        self._names.add(name)


def _load(path: Path) -> dict[str, _Trouble]:
    try:
        return {key: _Trouble(**each) for key, each in json.loads(path.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
