"""The recovered cluster becomes the primary; the one before is kept aside."""

import shutil
from pathlib import Path

from strongroom.cluster.cluster import Cluster
from strongroom.cluster.stack import StackFolder
from strongroom.cluster.vault import SEGMENT, position
from strongroom.recovery.recovered import Recovered
from strongroom.recovery.situation import Situation


def exchange(situation: Situation, recovered: Recovered, target: str | None) -> Path | None:
    """Put the recovered cluster in the primary's place. Can be run again at any point.

    Returns:
        where the one before is kept; None when there was none, or an earlier run moved it.
    """
    primary, kept = situation.primary, None
    with primary.locked():
        if not recovered.directory.exists():
            return None
        recovered.stop()
        if primary.directory.exists():
            primary.stop()
            _archive_rest(situation, target)
            kept = situation.stack.set_aside(primary)
        recovered.directory.rename(primary.directory)
        primary.remember()
    return kept


def set_aside(stack: StackFolder, replica: Cluster) -> Path | None:
    """Take a replica out of service that followed the primary before, and keep it."""
    with replica.locked():
        if not replica.directory.exists():
            return None
        replica.stop()
        return stack.set_aside(replica)


def _archive_rest(situation: Situation, target: str | None) -> None:
    """Put segments into the archive that the primary had not archived yet.

    Otherwise the older snapshots could not be brought across this point any more. The segment
    that holds the point itself is the first of the new timeline.
    """
    vault = situation.declared.vault
    if vault is None or target is None:
        return
    archive = vault.wal(situation.system)
    # Looked at anew: the primary has given some segments other names meanwhile.
    wal = Situation(situation.declared).wal
    last = position(target) // SEGMENT * SEGMENT
    for run in wal.found:
        for segment in run.segments:
            lies_before = segment.number * SEGMENT < last and not segment.path.suffix
            if lies_before and not (archive / segment.name).exists():
                new = archive / f".{segment.name}"
                shutil.copyfile(segment.path, new)
                situation.primary.user.own(new)
                new.rename(archive / segment.name)
