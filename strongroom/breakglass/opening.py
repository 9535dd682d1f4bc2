"""Opening the glass, in an order in which being killed anywhere leaves nothing given for good.

On record first, then the alert, then the process that will end it, and only then what was asked
for.
"""

import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from strongroom import alerts
from strongroom.alerts import Alert
from strongroom.bootstrap.local import LocalRoot
from strongroom.breakglass import anchors, elevation, root_access
from strongroom.breakglass.closing import READY
from strongroom.breakglass.ending import LEFT, end, has_ended
from strongroom.breakglass.glass import Glass, Kind
from strongroom.breakglass.hold import Holds, holding
from strongroom.breakglass.record import Entry, Event, Record
from strongroom.cluster.psql import own_pair, sweep
from strongroom.cluster.stack import StackFolder, sign_in
from strongroom.cluster.system_user import SystemUser, clean_environment
from strongroom.errors import StrongroomError

# Seconds.
_STARTS_WITHIN = 30
_ENDS_WITHIN = 30

Say = Callable[[str], None]


@dataclass(frozen=True)
class Access:
    """What was given.

    Attributes:
        parameters: libpq's, to sign in with; they hold root's password if it is root.
        folder: where a file for the session can be put; it goes when the break-glass ends.
    """

    parameters: dict[str, str] = field(repr=False)
    folder: Path


@contextmanager
def opened(stack: StackFolder, glass: Glass, database: str, say: Say) -> Iterator[Access]:
    """Give what was asked for while the block runs, and at most until `glass.until`.

    Args:
        stack: the stack's folder; its primary runs.
        glass: what was asked for.
        database: the application's.
        say: where a person reads what else there is to know.

    Raises:
        StrongroomError: it is impossible, and nothing was given; or it could not be ended.
    """
    root = LocalRoot(stack.primary)
    if glass.kind is Kind.ROOT:
        root_access.refuse_impossible(root)
    else:
        elevation.refuse_impossible(stack, glass, database)
    holds = Holds.of(stack, glass)
    me = SystemUser.current()
    sweep(me.folder(holds.folder.parent))
    me.folder(holds.folder)
    closer: subprocess.Popen[bytes] | None = None
    try:
        with holding(holds.person):
            _tell(stack, glass, _on_record(stack, glass, root, say), say)
            closer = _closer(stack, glass, holds)
            yield Access(_give(stack, glass, database, root), holds.folder)
    finally:
        _finish(stack, glass, closer, say)


def _on_record(stack: StackFolder, glass: Glass, root: LocalRoot, say: Say) -> Entry:
    with Record(stack.path).writing() as writer:
        entry = writer.append(Event.OPENED, glass)
    if not anchors.anchor(root, entry):
        say("The server's log did not take the record's hash.")
    return entry


def _tell(stack: StackFolder, glass: Glass, entry: Entry, say: Say) -> None:
    alert = Alert(
        at=datetime.now(UTC),
        kind="break-glass.opened",
        title=f"Break-glass on {stack.path.name}: {glass.who}, {glass.kind.value}",
        text=(
            f"{glass.told()}, approved by {glass.approver}: {glass.reason}. It ends by itself. "
            f"If {glass.approver} did not approve this, act now."
        ),
        facts={
            "who": glass.who,
            "approver": glass.approver,
            "kind": glass.kind.value,
            "ticket": glass.ticket,
            "until": glass.ends,
            "operating system's user": f"{entry.os_user} on {entry.host}",
            **anchors.facts(entry),
        },
    )
    if problem := alerts.raise_alert(stack.path, alert):
        say(problem)


def _closer(stack: StackFolder, glass: Glass, holds: Holds) -> subprocess.Popen[bytes]:
    """Start the process that ends it; returns once it watches."""
    command = [sys.executable, "-m", "strongroom.breakglass.closing", str(stack.path), glass.id]
    with holds.log.open("ab") as log:
        closer = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=Path(__file__).parents[2],
            env=clean_environment(),
            start_new_session=True,
        )
    if _says_ready(closer):
        return closer
    closer.kill()
    raise StrongroomError(
        "The process that is to end the break-glass did not start "
        f"({holds.log.read_text(errors='replace').strip() or 'it said nothing'}), so nothing was "
        "given. Mend the cause and ask again."
    )


def _says_ready(closer: subprocess.Popen[bytes]) -> bool:
    if closer.stdout is None:
        return False
    with closer.stdout as pipe:
        in_time = select.select([pipe], [], [], _STARTS_WITHIN)[0]
        return bool(in_time) and pipe.readline() == READY


def _give(stack: StackFolder, glass: Glass, database: str, root: LocalRoot) -> dict[str, str]:
    if glass.kind is Kind.ROOT:
        return root_access.hand_over(root, glass, database)
    elevation.lend(stack, glass, database)
    # The certificate ends with the elevation, so nothing is left that outlives it.
    pair = own_pair(stack, glass.who, glass.until - datetime.now(UTC))
    trusted = stack.authority.certificate
    parameters = sign_in(stack.primary, glass.who, pair, trusted, database)
    return {**parameters, "application_name": glass.application_name}


def _finish(
    stack: StackFolder, glass: Glass, closer: subprocess.Popen[bytes] | None, say: Say
) -> None:
    try:
        if closer is not None:
            closer.wait(_ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        say(
            f"Ending it takes longer than {_ENDS_WITHIN} s and goes on in the background; what it "
            "cannot end, the next `pulumi up` ends."
        )
        return
    if has_ended(stack, glass):  # or was never on record
        shutil.rmtree(Holds.of(stack, glass).folder, ignore_errors=True)
    else:
        # The closing process never started, or was killed.
        end(stack, glass, LEFT)
