"""What git knows of a change: the files at a revision, who made it, and what it touches."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from strongroom.errors import StrongroomError
from strongroom.home import PROJECT_FILE
from strongroom.reading.stack_files import STACKS


@dataclass(frozen=True)
class Identity:
    """Somebody as a commit or a pipeline names them; what is not known is empty."""

    name: str = ""
    email: str = ""
    login: str = ""

    def __str__(self) -> str:
        """As a person reads it."""
        return self.name or self.email or self.login


@dataclass(frozen=True)
class History:
    """The commits of a change, taken together.

    Attributes:
        commits: their hashes, the newest first.
        makers: authors, committers and co-authors, each once.
        approved_by: the values of ``Approved-by`` trailers, each once.
    """

    commits: tuple[str, ...] = ()
    makers: tuple[Identity, ...] = ()
    approved_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Repository:
    """The repository a checkout is of; every method raises `StrongroomError` when git fails.

    Attributes:
        checkout: the folder that holds Pulumi.yaml, not always the repository's top.
    """

    checkout: Path

    def commit(self, revision: str) -> str:
        """The hash of a branch, tag or commit."""
        try:
            found = self._git("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
        except StrongroomError as error:
            raise StrongroomError(
                f"{revision!r} is no commit of this repository, so there is nothing to compare "
                f"with and nothing was reviewed. Fetch it first (git fetch origin), or name "
                "another with --base."
            ) from error
        return found.strip()

    def tree(self, revision: str | None = None) -> str:
        """The hash of all files together: of a commit, or as they lie here, uncommitted too."""
        if revision is not None:
            return self._git("rev-parse", "--verify", f"{self.commit(revision)}^{{tree}}").strip()
        with tempfile.TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
            self._git("read-tree", "HEAD", more=index)
            self._git("add", "--all", ":/", more=index)
            return self._git("write-tree", more=index).strip()

    @contextmanager
    def files(self, revision: str) -> Iterator[Path]:
        """The project file and the stacks of a revision, in a folder for as long as needed."""
        with tempfile.TemporaryDirectory(prefix="strongroom-") as name:
            folder = Path(name)
            listed = self._git("ls-tree", "-rz", self.commit(revision), "--", PROJECT_FILE, STACKS)
            for entry in filter(None, listed.split("\0")):
                facts, path = entry.split("\t", 1)
                mode, _, blob = facts.split()
                # Nothing but plain files: a link could lead to what nobody reviewed.
                if mode.startswith("100"):
                    target = folder / path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(self._bytes("cat-file", "blob", blob))
            yield folder

    def changed(self, base: str, head: str | None) -> tuple[str, ...]:
        """The files that differ between two revisions, or a revision and what lies here."""
        to = [] if head is None else [self.commit(head)]
        diff = ("diff", "--name-only", "--no-renames", "--no-ext-diff", "--relative", "-z")
        found = set(self._git(*diff, self.commit(base), *to, "--").split("\0"))
        if head is None:
            others = self._git("ls-files", "--others", "--exclude-standard", "-z")
            found |= set(others.split("\0"))
        return tuple(sorted(found - {""}))

    def history(self, base: str, head: str, merge: str | None = None) -> History:
        """The commits that `head` has beyond `base`.

        Args:
            base: a revision.
            head: a revision.
            merge: a commit whose own makers do not count if it only joins others: whoever pressed
                the button changed nothing, as long as its files are those that were reviewed.
        """
        span = f"{self.commit(base)}..{self.commit(head)}"
        # NUL alone cannot stand in a name: whoever could write a separator could hide who they are.
        fields = "%H%x00%P%x00%an%x00%ae%x00%cn%x00%ce"
        found = self._git("log", "-z", f"--format=tformat:{fields}", span, "--").split("\0")
        joins = self.commit(merge) if merge else ""
        commits, makers = [], []
        for at in range(0, len(found) - 5, 6):
            commit, parents, author, email, committer, their_email = found[at : at + 6]
            commits.append(commit)
            if commit != joins or " " not in parents:
                makers += [Identity(author, email), Identity(committer, their_email)]
        makers += [_identity(value) for value in self._trailers("Co-authored-by", span)]
        approved = self._trailers("Approved-by", span)
        return History(tuple(commits), tuple(dict.fromkeys(makers)), tuple(dict.fromkeys(approved)))

    def _trailers(self, key: str, span: str) -> list[str]:
        form = f"--format=tformat:%(trailers:key={key},valueonly,unfold)"
        return [
            line.strip() for line in self._git("log", form, span, "--").split("\n") if line.strip()
        ]

    def behind(self, base: str, head: str) -> int:
        """How many commits `base` has that `head` has not."""
        count = self._git("rev-list", "--count", f"{self.commit(head)}..{self.commit(base)}", "--")
        return int(count)

    def _git(self, *arguments: str, more: Mapping[str, str] | None = None) -> str:
        return self._bytes(*arguments, more=more).decode(errors="replace")

    def _bytes(self, *arguments: str, more: Mapping[str, str] | None = None) -> bytes:
        command = ["git", "-C", str(self.checkout), "-c", "core.quotePath=false", *arguments]
        try:
            done = subprocess.run(
                command,
                env={**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **(more or {})},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise StrongroomError(
                "There is no git on PATH, and a review compares with a revision that git keeps, "
                "so nothing was reviewed. Install git and try again."
            ) from error
        if done.returncode != 0:
            said = " ".join(done.stderr.decode(errors="replace").split())
            raise StrongroomError(
                f"git {arguments[0]} failed in {self.checkout} ({said}), so the change is not "
                "known and nothing was reviewed. Run this in a clone of the project's repository."
            )
        return done.stdout


def _identity(text: str) -> Identity:
    name, _, email = text.partition("<")
    return Identity(name.strip(), email.strip(" >\n"))
