"""Repositories looked through: every file below some folders, or what is staged in git."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from strongroom.errors import StrongroomError
from strongroom.guard import allowing
from strongroom.guard.declared import Guarded
from strongroom.guard.findings import Kind
from strongroom.guard.inspection import Inspector
from strongroom.guard.matching import Matcher
from strongroom.guard.mentions import Mentions
from strongroom.guard.places import OTHERS
from strongroom.guard.verdict import Gathered, Verdict
from strongroom.reading.documents import shown_path

#: Seconds.
_GIT_LIMIT = 60


def scan(paths: Sequence[Path], guarded: Sequence[Guarded], matcher: Matcher) -> Verdict:
    """Look through files and folders.

    Args:
        paths: where to begin; a folder that is usually left out counts when it is named.
        guarded: what is guarded.
        matcher: how targets are compared with that.

    Raises:
        StrongroomError: one of the paths does not exist.
    """
    gathered, left_out = _gathering(guarded), _declaring(guarded)
    for path in paths:
        if not path.exists() and not path.is_symlink():
            raise StrongroomError(
                f"{path} does not exist, so nothing can be said of it. Name a file or a folder."
            )
        for file in _files(path):
            if shown_path(file) not in left_out:
                gathered.add_file(file, file.name, {}, scope=str(file.parent))
    return _judged(gathered, matcher)


def scan_staged(here: Path, guarded: Sequence[Guarded], matcher: Matcher) -> Verdict:
    """Look through what the next commit would hold, as git's index has it.

    Args:
        here: a folder of the repository.
        guarded: what is guarded.
        matcher: how targets are compared with that.

    Raises:
        StrongroomError: this is no repository, or git failed.
    """
    gathered, left_out = _gathering(guarded), _declaring(guarded)
    root = Path(_git(here, "rev-parse", "--show-toplevel").removesuffix("\n"))
    listed = _git(root, "diff", "--cached", "--name-only", "-z", "--diff-filter=ACMRT")
    for name in filter(None, listed.split("\0")):
        if shown_path(root / name) in left_out:
            continue
        with tempfile.TemporaryFile() as blob:  # not in memory: it may be large
            done = subprocess.run(
                ["git", "cat-file", "blob", f":{name}"],
                cwd=root,
                stdout=blob,
                stderr=subprocess.DEVNULL,
                timeout=_GIT_LIMIT,
                check=False,
            )
            if done.returncode == 0:  # a submodule has no content here
                blob.seek(0)
                path = root / name
                gathered.add_stream(shown_path(path), path.name, blob, scope=str(path.parent))
    return _judged(gathered, matcher)


def _gathering(guarded: Sequence[Guarded]) -> Gathered:
    return Gathered(Inspector(Mentions(guarded), in_comments=True, passwords=True))


def _declaring(guarded: Sequence[Guarded]) -> set[str]:
    """The files that name guarded hosts because it is their purpose."""
    return {one.source for one in guarded}


def _judged(gathered: Gathered, matcher: Matcher) -> Verdict:
    found = gathered.judged(matcher)
    judged = allowing.by_files(found.findings, Path.cwd())
    # Nothing is about to be run, so what cannot be read is told and stops nobody.
    unread = [one for one in judged if one.kind is Kind.UNREAD]
    found.warnings += [f"{one.origin} cannot be read: {one.note}." for one in unread]
    found.findings = [one for one in judged if one.kind is not Kind.UNREAD]
    return found


def _files(path: Path) -> Iterator[Path]:
    """The files below a path; links to files are followed, links to folders are not."""
    if not path.is_dir():
        yield path
        return
    for folder, below, names in os.walk(path):
        below[:] = sorted(name for name in below if name not in OTHERS)
        yield from (Path(folder) / name for name in sorted(names))


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            capture_output=True,
            timeout=_GIT_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StrongroomError(
            f"git could not be asked what is staged ({type(error).__name__}), so the commit is "
            "not cleared. Install git, or scan the files themselves."
        ) from error
    if done.returncode != 0:
        reason = " ".join(done.stderr.decode(errors="replace").split())
        raise StrongroomError(
            f"git could not say what is staged ({reason}), so the commit is not cleared. Run "
            "this inside a repository, or name the files to scan."
        )
    return os.fsdecode(done.stdout)
