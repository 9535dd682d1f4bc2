"""Making the copy that is recovered, from a replica or from a snapshot."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from strongroom.bootstrap.local import LocalRoot
from strongroom.cluster import snapshots
from strongroom.cluster.cluster import Cluster
from strongroom.cluster.control import control
from strongroom.cluster.vault import Vault, position
from strongroom.errors import StrongroomError
from strongroom.recovery.recovered import Recovered

_HOURS = 3600

# What belongs to the running server and not to its data.
_LEFT_OUT = frozenset({"postmaster.pid", "postmaster.opts", "standby.signal", "pg_stat_tmp"})
# What a server makes and removes at any time, so that it may be gone before it is copied.
_FLEETING = ("/pg_wal/xlogtemp.", "/pgsql_tmp")


class SourceLostError(StrongroomError):
    """The source has gone past the target meanwhile, or is not sound: another has to be taken."""


def pause(replica: Cluster, primary: Cluster) -> bool:
    """Make a running replica hold its data still; it goes on receiving WAL.

    Returns:
        whether it does now; False when it does not run or its root cannot sign in.
    """
    if not replica.running():
        return False
    try:
        with LocalRoot(replica, primary).connect() as connection:
            connection.execute("SELECT pg_wal_replay_pause()")
            return _still(connection)
    except (StrongroomError, psycopg.Error):
        return False


def resume(replica: Cluster, primary: Cluster) -> None:
    """Let a replica go on, if it runs and was paused."""
    if not replica.running():
        return
    try:
        with LocalRoot(replica, primary).connect() as connection:
            connection.execute(
                "SELECT CASE WHEN pg_is_in_recovery() THEN pg_wal_replay_resume() END"
            )
    except (StrongroomError, psycopg.Error):
        return  # whose root cannot sign in was not paused either


# A commit that is held back is not applied any more either, once a pause was asked for.
@retry(
    retry=retry_if_result(lambda still: not still),
    stop=stop_after_delay(10),
    wait=wait_fixed(0.02),
    retry_error_callback=lambda _: False,
)
def _still(connection: psycopg.Connection[object]) -> bool:
    query = """
        SELECT pg_get_wal_replay_pause_state() = 'paused' OR EXISTS (
            SELECT FROM pg_stat_activity
            WHERE backend_type = 'startup' AND wait_event = 'RecoveryApplyDelay'
        )
    """
    return connection.execute(query).fetchone() == (True,)


@contextmanager
def held_still(replica: Cluster, primary: Cluster) -> Iterator[None]:
    """Keep a replica's files from changing meanwhile, and let it go on afterwards.

    A paused replica writes only pages it had changed before: replay from its last restart point
    makes them whole again, as it does after a crash. Only where root cannot sign in the server is
    stopped: a delayed replica that starts anew does not stream until its delay has passed.
    """
    if pause(replica, primary):
        try:
            # From now on there is nothing new to begin a restart point with, so pg_control
            # keeps naming the one that the copy will be replayed from.
            with LocalRoot(replica, primary).connect() as connection:
                connection.execute("CHECKPOINT")
            yield
        finally:
            resume(replica, primary)
        return
    ran = replica.running()
    with replica.locked():
        replica.stop()
        try:
            yield
        finally:
            if ran:
                replica.start()


def from_replica(
    recovered: Recovered, replica: Cluster, primary: Cluster, target: str | None, consume: bool
) -> None:
    """Copy a replica's data, or take it where it is to be consumed.

    Raises:
        SourceLostError: it has replayed past the target.
    """
    _refuse_tablespaces(replica)
    if consume:
        with replica.locked():
            replica.stop()
            _refuse_passed(replica, target)
            # In one move: what is unfinished is removed, and this is no copy.
            recovered.user.write(replica.data / "recovery.signal", "")
            replica.data.rename(recovered.data)
        return
    new = recovered.fresh("data")
    with held_still(replica, primary):
        _refuse_passed(replica, target)
        _copy(recovered, replica.data, new)
    for name in ("postmaster.pid", "postmaster.opts", "standby.signal"):
        (new / name).unlink(missing_ok=True)
    _finish(recovered, new)


def from_snapshot(
    recovered: Recovered, vault: Vault, name: str, note: Callable[[str], None]
) -> None:
    """Check a snapshot and all it builds on, and put it together.

    Raises:
        SourceLostError: it is not sound.
    """
    with vault.reading():
        snapshot = vault.find(name)
        for link in vault.chain(snapshot):
            note(f"checking {link.name}, {link.size / 1e6:,.0f} MB")
            checked = snapshots.look(vault, recovered, link)
            if checked.problem:
                vault.remember(checked)  # so that nobody takes it again
                raise SourceLostError(f"Snapshot {link.name} is not sound: {checked.problem}.")
        note(f"copying {name}")
        new = recovered.fresh("data")
        snapshots.restore(vault, recovered, snapshot, new)
        _finish(recovered, new)


def _finish(recovered: Recovered, new: Path) -> None:
    """Make a whole copy the data, never without the order to recover: it must not just start."""
    recovered.user.write(new / "recovery.signal", "")
    new.rename(recovered.data)


def _copy(recovered: Recovered, data: Path, new: Path) -> None:
    recovered.user.folder(new)
    entries = [path for path in data.iterdir() if path.name not in _LEFT_OUT]
    command: list[str | Path] = ["cp", "-a", "--reflink=auto", *entries, new]
    done = recovered.user.run(*command, timeout=12 * _HOURS, check=False)
    grave = [
        line for line in done.stderr.splitlines() if not any(part in line for part in _FLEETING)
    ]
    if done.returncode != 0 and (grave or not done.stderr):
        raise StrongroomError(
            f"{data} could not be copied: {' / '.join(grave[-3:])}. The replica is as it was and "
            "goes on. Mend the cause, such as a full disk, and run `strongroom recover` again."
        )
    recovered.user.folder(new / "pg_stat_tmp")
    _settle_control(recovered, data, new)
    # The server itself makes sure of what a crash could have left only in memory, but not of the
    # files of one that was stopped in order.
    recovered.user.run(recovered.package.tool("initdb"), "--sync-only", new, timeout=_HOURS)


@retry(
    retry=retry_if_result(lambda whole: not whole),
    stop=stop_after_delay(10),
    wait=wait_fixed(0.1),
)
def _settle_control(recovered: Recovered, data: Path, new: Path) -> bool:
    """Copy pg_control until it was not caught in the middle of a write."""
    inside = Path("global") / "pg_control"
    recovered.user.write(new / inside, (data / inside).read_bytes())
    tool = recovered.package.tool("pg_controldata")
    return "WARNING" not in recovered.user.run(tool, "--pgdata", new).stdout


def _refuse_passed(replica: Cluster, target: str | None) -> None:
    reached = control(replica)["Minimum recovery ending location"]
    if target and position(reached) > position(target):
        raise SourceLostError(
            f"The replica {replica.directory.name} has replayed {reached} meanwhile."
        )


def _refuse_tablespaces(replica: Cluster) -> None:
    links = [path for path in (replica.data / "pg_tblspc").iterdir() if path.is_symlink()]
    if links:
        raise StrongroomError(
            f"The replica {replica.directory.name} keeps tables outside its folder "
            f"({links[0].resolve()}), and a copy would write there too, so it was not begun and "
            "nothing was changed. Take a snapshot as the source: `--source snapshot`."
        )
