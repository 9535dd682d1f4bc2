"""`python -m strongroom.agent STACKFOLDER`: the agent; `strongroom agent start` starts it."""

import fcntl
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Any

import psycopg
from apscheduler.schedulers.blocking import BlockingScheduler

from strongroom.agent.duties import Duties
from strongroom.agent.jobs import (
    Heart,
    Postman,
    end_elevations,
    rotate_by_age,
    take_snapshot,
)
from strongroom.agent.process import Agent
from strongroom.breakglass.ending import close_overdue
from strongroom.cluster.stack import StackFolder
from strongroom.cluster.system_user import forget_libpq_settings
from strongroom.drill.schedule import Schedule
from strongroom.errors import StrongroomError
from strongroom.watch.health import Health
from strongroom.watch.watch import Watch

_LOG = logging.getLogger("strongroom.agent")
# Names the agent's file, already held, to a process that starts anew.
_HELD = "--held="
#: Seconds between two looks whether something is due.
_LOOK_EVERY = 60
#: Seconds between two looks at what happens in the server.
_WATCH_EVERY = 1
#: Seconds between two looks at how servers and duties stand.
_HEALTH_EVERY = 10


class Worker:
    """Runs the duties and notes how each went."""

    def __init__(self, agent: Agent, duties: Duties, hold: IO[str]) -> None:
        self.agent = agent
        self.hold = hold
        self.duties = duties
        self.heart = Heart()
        self.watch = Watch(duties)
        self.health = Health(duties)
        self.postman = Postman()
        self.schedule = Schedule()
        self.went: dict[str, dict[str, Any]] = agent.reported()
        self.scheduler = BlockingScheduler(timezone=UTC)

    def run(self) -> None:
        """Work until told to stop, or until the stack is gone."""
        beat = self.duties.heartbeat_seconds
        self._every(beat, "heartbeat", lambda: self.heart.beat(self.duties))
        self._every(_LOOK_EVERY, "snapshots", lambda: take_snapshot(self.duties))
        self._every(_LOOK_EVERY, "rotation", lambda: rotate_by_age(self.duties))
        self._every(_WATCH_EVERY, "watch", self.watch.look)
        self._every(_HEALTH_EVERY, "health", lambda: self.health.look(self.went))
        self._every(_WATCH_EVERY, "alerts", lambda: self.postman.post(self.duties))
        self._every(_LOOK_EVERY, "drills", lambda: self.schedule.look(self.duties))
        stack = StackFolder(self.agent.stack)
        self._every(_LOOK_EVERY, "break-glass", lambda: "; ".join(close_overdue(stack)) or "none")
        self._every(_LOOK_EVERY, "elevations", lambda: end_elevations(self.duties))
        for lent in self.duties.elevations:  # to the second; the look every minute is for the rest
            self._at(lent.until, "elevations", lambda: end_elevations(self.duties))
        self.scheduler.add_job(self._look, "interval", seconds=2)
        self.scheduler.start()

    def _every(self, seconds: int, name: str, duty: Callable[[], str]) -> None:
        self.scheduler.add_job(
            lambda: self._do(name, duty),
            "interval",
            seconds=seconds,
            # At once, one of a kind at a time, and what was missed is done once.
            next_run_time=datetime.now(UTC) + timedelta(seconds=0.1),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )

    def _at(self, time: datetime, name: str, duty: Callable[[], str]) -> None:
        self.scheduler.add_job(
            lambda: self._do(name, duty), "date", run_date=time, misfire_grace_time=None
        )

    def _do(self, name: str, duty: Callable[[], str]) -> None:
        now = datetime.now(UTC).isoformat()
        before = self.went.get(name, {})
        try:
            said = duty()
        except (StrongroomError, psycopg.Error, OSError) as error:
            problem = " ".join(str(error).split())
            if before.get("problem") != problem:
                _LOG.error("%s: %s", name, problem)
            self.went[name] = {**before, "problem": problem, "since": before.get("since", now)}
        else:
            if before.get("problem"):
                _LOG.info("%s works again", name)
            if name != "heartbeat" and before.get("said") != said:
                _LOG.info("%s: %s", name, said)
            self.went[name] = {"good": now, "said": said}

    def _look(self) -> None:
        """Note how things went, and notice new duties or that there are none any more."""
        duties = Duties.load(self.agent.stack)
        if duties is None:
            _LOG.info("nothing is to be done any more: ending")
            self.scheduler.shutdown(wait=False)
            return
        if duties != self.duties:
            _LOG.info("new duties: starting anew with them")
            # It goes on holding the file meanwhile: it is not stopped, and nobody takes its place.
            held = self.hold.fileno()
            os.set_inheritable(held, True)
            command = [sys.executable, "-m", "strongroom.agent", str(self.agent.stack)]
            command.append(f"{_HELD}{held}")
            os.execv(command[0], command)  # noqa: S606 - itself, with its own arguments
        self.agent.write_report(self.went)


def main(arguments: Sequence[str]) -> int:
    """Hold the stack's agent file and work; with --detach in a process of its own."""
    if "--detach" in arguments and os.fork():
        os._exit(0)
    forget_libpq_settings()
    agent = Agent(Path(arguments[0]))
    duties = Duties.load(agent.stack)
    if duties is None:
        return 0
    handler = RotatingFileHandler(agent.log, maxBytes=1_000_000, backupCount=3)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    held = [int(each.removeprefix(_HELD)) for each in arguments if each.startswith(_HELD)]
    with os.fdopen(held[0], "a+") if held else agent.hold.open("a+") as hold:
        if not _held_alone(hold):
            return 0  # another one lives already
        hold.truncate(0)
        hold.write(str(os.getpid()))
        hold.flush()
        worker = Worker(agent, duties, hold)
        signal.signal(signal.SIGTERM, lambda *_: worker.scheduler.shutdown(wait=False))
        _LOG.info("working, process %d", os.getpid())
        worker.run()
        worker.heart.stop()
        _LOG.info("ended")
    return 0


def _held_alone(hold: IO[str]) -> bool:
    """Hold the file; somebody who only looks whether it is held does so for a moment."""
    for _ in range(50):
        try:
            fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
