"""One review: what a change would do, its red flags, and whether it was approved."""

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from strongroom.review.approval import Approval, approvers, judged, named
from strongroom.review.change import Change, Flag
from strongroom.review.declared import Declared
from strongroom.review.flags import flags
from strongroom.review.preview import Preview
from strongroom.review.revision import History, Identity, Repository
from strongroom.review.words import Value, Words, plain
from strongroom.rights.declared import phrases

#: Exit codes of a review.
APPROVABLE, FAILED, RED = 0, 1, 3


@dataclass(frozen=True)
class Sources:
    """What a review is made from, beside the preview.

    Attributes:
        repository: the checkout.
        environment: the stack.
        base: a revision of what is in force.
        head: a revision of the change; None for the files as they lie here.
        authors: who made the change, as a pipeline names them; commits tell of others.
        approvals: who approved it, as a pipeline names them.
        trailers: whether ``Approved-by`` in a commit counts. Whoever writes a commit writes
            that too, so it proves little.
        merge: the commit by which a reviewed change came to the main branch.
    """

    repository: Repository
    environment: str
    base: str
    head: str | None = None
    authors: tuple[str, ...] = ()
    approvals: tuple[str, ...] = ()
    trailers: bool = True
    merge: str | None = None


@dataclass(frozen=True)
class Review:
    """A review, ready to be shown.

    Attributes:
        change: what it is about.
        flags: what needs an approval.
        approvals: those that were given.
        may_approve: the roles of who may approve.
        notes: what a reviewer should know about the review itself.
        base: the commit of the base.
        head: the commit of the change; where files lie uncommitted, the one they are based on.
        tree: the hash of all files of the change.
    """

    change: Change
    flags: tuple[Flag, ...]
    approvals: tuple[Approval, ...]
    may_approve: tuple[str, ...]
    notes: tuple[Words, ...]
    base: str
    head: str
    tree: str

    @property
    def failed(self) -> bool:
        """Whether the engine could not even say what would be done."""
        preview = self.change.preview
        mandatory = any(violation.mandatory for violation in preview.violations)
        return bool(preview.errors or self.change.after.problem) or mandatory

    @property
    def approved(self) -> bool:
        """Whether somebody who may, and did not make the change, approved it."""
        return any(approval.counts for approval in self.approvals)

    @property
    def exit_code(self) -> int:
        """0 when it can be applied, 1 when its preview failed, 3 when an approval is missing."""
        if self.failed:
            return FAILED
        return RED if self.flags and not self.approved else APPROVABLE

    def dump(self) -> dict[str, Any]:
        """As JSON has it; nothing in it is a secret."""
        change, preview = self.change, self.change.preview
        return {
            "environment": change.environment,
            "base": self.base,
            "head": self.head,
            "tree": self.tree,
            "at": change.now.isoformat(timespec="seconds"),
            "exit_code": self.exit_code,
            "failed": self.failed,
            "approved": self.approved,
            "flags": [{"kind": each.kind, "text": plain(each.words)} for each in self.flags],
            "approvals": [
                {"by": each.by, "role": each.role, "refused": plain(each.refused)}
                for each in self.approvals
            ],
            "may_approve": list(self.may_approve),
            "people": [
                {
                    "role": person.role,
                    "name": person.name,
                    "step": person.step,
                    "gains": phrases(person.gained),
                    "loses": phrases(person.lost),
                }
                for person in change.people
                if person.changed
            ],
            "settings": [plain(each.words) for each in change.settings],
            "policies": [
                {"policy": each.policy, "mandatory": each.mandatory, "message": each.message}
                for each in preview.violations
            ],
            "drift": {step.name: list(step.drift) for step in preview.drifted},
            "steps": [{"op": step.op, "urn": step.urn} for step in preview.steps],
            "unchanged": preview.unchanged,
            "errors": list(preview.errors),
            "notes": [plain(note) for note in self.notes],
            "fingerprint": preview.fingerprint,
            "intents": preview.intents,
        }


def reviewed(sources: Sources, preview: Preview, now: datetime | None = None) -> Review:
    """Review a change.

    Args:
        sources: the two revisions and the people.
        preview: what the engine would do with the files of the change.
        now: the time elevations are judged by (UTC); None for this moment.

    Raises:
        StrongroomError: git does not know a revision.
    """
    repository, environment = sources.repository, sources.environment
    at = now or datetime.now(UTC)
    base, head = repository.commit(sources.base), repository.commit(sources.head or "HEAD")
    with ExitStack() as stack:
        old = stack.enter_context(repository.files(base))
        before = Declared.read(old, environment, at)
        here = sources.head is None
        new = repository.checkout if here else stack.enter_context(repository.files(head))
        after = Declared.read(new, environment, at)
    history = repository.history(base, head, sources.merge)
    files = repository.changed(base, sources.head)
    change = Change(environment, before, after, preview, files, at)
    may = approvers(before)
    given = [*sources.approvals, *(history.approved_by if sources.trailers else ())]
    return Review(
        change=change,
        flags=flags(change),
        approvals=judged(given, may, _makers(sources, history)),
        may_approve=tuple(engineer.role for engineer in may),
        notes=tuple(_notes(sources, change, repository.behind(base, head))),
        base=base,
        head=head,
        tree=repository.tree(sources.head),
    )


def _makers(sources: Sources, history: History) -> list[Identity]:
    """Everyone who may have had a hand in the change."""
    return [*(named(author) for author in sources.authors), *history.makers]


def _notes(sources: Sources, change: Change, behind: int) -> Iterable[Words]:
    base = Value(sources.base)
    if problem := change.before.problem:
        why = " nothing can be read for this environment, so every right counts as new: "
        yield ("At ", base, why, Value(problem))
    if change.after.problem and not change.preview.errors:
        yield ("The change itself cannot be read: ", Value(change.after.problem))
    if behind:
        commits = "a commit" if behind == 1 else f"{behind} commits"
        remedy = ", and what they changed would be taken back. Bring the branch up to date."
        yield (f"This lacks {commits} of ", base, remedy)
    if sources.trailers and not sources.approvals:
        why = " lines of commits count as approvals here; whoever writes a commit writes those too."
        yield (Value("Approved-by"), why)
