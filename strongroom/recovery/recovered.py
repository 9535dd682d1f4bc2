"""The copy that is being recovered: a cluster that only root on this machine can reach."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil

from strongroom.bootstrap.local import LocalRoot
from strongroom.bootstrap.sealed import SealedFile
from strongroom.cluster.certificates import Authority
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.control import control
from strongroom.cluster.server_log import ServerLog
from strongroom.errors import StrongroomError
from strongroom.provider.local.common import renew_server_certificate

#: The name of its folder in the stack's.
FOLDER = "recovered"

# What a server in recovery must allow at least as much of as the one that wrote the WAL; otherwise
# it would pause. In pg_control some have shorter names.
_AT_LEAST = {
    "max_connections": "max_connections setting",
    "max_worker_processes": "max_worker_processes setting",
    "max_prepared_transactions": "max_prepared_xacts setting",
    "max_locks_per_transaction": "max_locks_per_xact setting",
}


@dataclass(frozen=True)
class Recovered(Cluster):
    """A cluster in recovery. It listens on no port, and archives nothing yet.

    What it would archive is kept until it is the primary (archive_mode without a library), so
    that its timeline's history is in the archive then.
    """

    @classmethod
    def beside(cls, primary: Cluster) -> "Recovered":
        """The one in the stack of `primary`, whether it is there or not."""
        directory = primary.directory.with_name(FOLDER)
        return cls(directory, primary.port, primary.package, primary.user)

    @property
    def root(self) -> LocalRoot:
        """Its superuser, whose password is sealed in its own folder."""
        return LocalRoot(self)

    @property
    def promoted(self) -> bool:
        """Whether recovery is over and it is a primary of its own timeline."""
        waits = (self.data / "recovery.signal").exists()
        return self.exists() and not waits and self._state() in ("in production", "shut down")

    def settings(self, extra: Mapping[str, str]) -> dict[str, str]:
        """All settings it should run with."""
        return {**super().settings(extra), "listen_addresses": "", "archive_mode": "on"}

    def refuse_taken_port(self) -> None:
        """Nothing to refuse: the port is only a part of its socket's name."""

    def prepare(self, authority: Authority, primary: Cluster) -> None:
        """Make its folders, its certificate, and seal for its root what the primary's has."""
        self.prepare_folders()
        renew_server_certificate(self, authority)
        sealed = SealedFile(self.directory / "sealed", self.user)
        known = SealedFile(primary.directory / "sealed", self.user).path
        if known.exists() and not sealed.path.exists():
            self.user.folder(sealed.folder)
            self.user.write(sealed.path, known.read_bytes())
        self.remember()

    def floors(self, extra: Mapping[str, str]) -> dict[str, str]:
        """`extra`, with as much allowed as the server allowed that wrote the WAL."""
        facts = control(self)
        least = {
            name: max(int(facts[theirs]), int(extra.get(name, 0)))
            for name, theirs in _AT_LEAST.items()
        }
        return {**extra, **{name: str(value) for name, value in least.items()}}

    def recover(self, extra: Mapping[str, str], note: Callable[[str], None]) -> None:
        """Replay WAL up to the target and promote; returns when it takes sessions.

        Args:
            extra: settings beside ours, those of the recovery among them.
            note: told which segment is being replayed.

        Raises:
            StrongroomError: it ended on the way, such as for want of WAL.
        """
        self.configure(self.floors(extra))
        (self.data / "standby.signal").unlink(missing_ok=True)  # of a replica that is used up
        log = ServerLog(self.log)
        if not self.running():
            self._forget_dead_server()
            startup = self.log / "startup.log"
            self._pg_ctl("start", "--no-wait", f"--log={startup}")
        self._wait(log, note)
        if self.root.locked_out():
            self.root.repair()

    def _wait(self, log: ServerLog, note: Callable[[str], None]) -> None:
        seen = time.monotonic()
        while not (self._ready() and self.promoted):
            process = self.process()
            if process is not None:
                seen = time.monotonic()
                note(_doing(process))
            elif time.monotonic() - seen > 5:  # pg_ctl returns before there is a process to see
                raise StrongroomError(
                    f"The copy in {self.directory} ended before it was recovered: "
                    f"{log.reason() or 'its log is empty'}. Nothing else was changed; its log is "
                    f"in {self.log}. Mend the cause and run `strongroom recover` again, or begin "
                    "anew from another source after `strongroom recover --abandon`."
                )
            time.sleep(0.05)

    def _ready(self) -> bool:
        """Whether the server says it takes sessions."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        # The eighth line, LOCK_FILE_LINE_PM_STATUS of PostgreSQL's miscadmin.h.
        return len(lines) > 7 and lines[7].strip() == "ready"

    def _state(self) -> str:
        return control(self)["Database cluster state"]


def _doing(server: psutil.Process) -> str:
    """Which segment is replayed: PostgreSQL tells it in the title of its startup process."""
    try:
        titles = [" ".join(child.cmdline()) for child in server.children()]
    except psutil.Error:
        return ""
    found = (title.split("startup ", 1)[1] for title in titles if ": startup " in f"{title} ")
    return next(found, "")
