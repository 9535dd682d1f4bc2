"""The folder a review leaves behind: what was reviewed, and the plan that holds an `up` to it."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from strongroom.errors import StrongroomError
from strongroom.review.markdown import rendered
from strongroom.review.page import page
from strongroom.review.preview import Preview
from strongroom.review.review import Review
from strongroom.review.words import visible

PREVIEW, PLAN, REVIEW = "preview.json", "plan.json", "review.json"
COMMENT, PAGE = "review.md", "review.html"
#: Days after which what was reviewed is too long ago to be what anybody remembers approving.
OLDEST = timedelta(days=7)
#: Resources named one by one.
_SHOWN = 6


@dataclass(frozen=True)
class Reviewed:
    """What a folder says was reviewed.

    Attributes:
        folder: the folder.
        environment: the stack.
        base: the commit it was compared with.
        tree: the hash of all files.
        at: when (UTC).
        intents: for each resource that would change a digest of what would be done.
        fingerprint: the same of all of them.
    """

    folder: Path
    environment: str
    base: str
    tree: str
    at: datetime
    intents: dict[str, str]
    fingerprint: str

    @property
    def plan(self) -> Path:
        """The engine's plan."""
        return self.folder / PLAN

    @classmethod
    def load(cls, folder: Path) -> "Reviewed":
        """Read a folder.

        Raises:
            StrongroomError: it holds no review that can be applied, or one whose plan is another.
        """
        try:
            content: dict[str, Any] = json.loads((folder / REVIEW).read_text())
            found = cls(
                folder=folder,
                environment=str(content["environment"]),
                base=str(content["base"]),
                tree=str(content["tree"]),
                at=datetime.fromisoformat(content["at"]).astimezone(UTC),
                intents={str(urn): str(what) for urn, what in content["intents"].items()},
                fingerprint=str(content["fingerprint"]),
            )
            plan = content["plan"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StrongroomError(
                f"{folder} holds no review ({type(error).__name__}: {error}), so it is not known "
                f"what was approved and nothing was changed. {_AGAIN}"
            ) from error
        if not plan:
            raise StrongroomError(
                f"The preview reviewed in {folder} failed, so there is no plan to apply and "
                f"nothing was changed. Put right what {folder / COMMENT} says first. {_AGAIN}"
            )
        if _hash(found.plan) != plan:
            raise StrongroomError(
                f"{found.plan} is not the plan that was reviewed, so nothing was changed. {_AGAIN}"
            )
        return found

    def refuse_other(self, environment: str, tree: str, now: datetime) -> None:
        """Stop before something else is applied than what was reviewed.

        Raises:
            StrongroomError: another stack, other files, or a review that is too old.
        """
        if environment != self.environment:
            raise StrongroomError(
                f"{self.folder} is a review of the stack {self.environment}, not of {environment}, "
                f"so nothing was changed. {_AGAIN}"
            )
        if tree != self.tree:
            raise StrongroomError(
                f"The files are not those that were reviewed (tree {tree[:12]}, reviewed was "
                f"{self.tree[:12]}), so nothing was changed. Go back to them, or have these "
                f"reviewed. {_AGAIN}"
            )
        if now - self.at > OLDEST:
            raise StrongroomError(
                f"The review is from {self.at:%Y-%m-%d %H:%M} UTC, longer ago than {OLDEST.days} "
                f"days, so nothing was changed. {_AGAIN}"
            )

    def refuse_moved(self, preview: Preview) -> None:
        """Stop when an `up` would do something else now than what was reviewed.

        Raises:
            StrongroomError: the world has moved; names what differs.
        """
        if preview.fingerprint == self.fingerprint:
            return
        now, drift = preview.intents, {step.urn: step.drift for step in preview.drifted}
        told = []
        for urn in sorted({*now, *self.intents}):
            if now.get(urn) != self.intents.get(urn):
                name = visible(urn.rsplit("::", 1)[-1])
                was, becomes = (_word(each.get(urn)) for each in (self.intents, now))
                why = f" ({'; '.join(map(visible, drift[urn]))})" if drift.get(urn) else ""
                told.append(f"{name}: reviewed was {was}, now it is {becomes}{why}")
        more = [f"and {len(told) - _SHOWN} more"] if len(told) > _SHOWN else []
        raise StrongroomError(
            "The world has moved since the review, so nothing was changed: "
            f"{'; '.join([*told[:_SHOWN], *more]) or 'protection of a resource'}. Find out who "
            f"changed it and why, then have it reviewed as it is now. {_AGAIN}"
        )


_AGAIN = "`make review` reviews again."


def write(folder: Path, review: Review, preview: str) -> None:
    """Leave a review in a folder, beside the plan that is there already.

    Args:
        folder: an existing folder; the plan is in it when the preview did not fail.
        review: the review.
        preview: what the engine printed.
    """
    plan = folder / PLAN
    content = {**review.dump(), "plan": _hash(plan) if plan.is_file() else ""}
    (folder / PREVIEW).write_text(preview)
    (folder / COMMENT).write_text(rendered(review))
    (folder / PAGE).write_text(page(review))
    (folder / REVIEW).write_text(json.dumps(content, indent=2) + "\n")


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _word(intent: str | None) -> str:
    return intent.partition(" ")[0] if intent else "no change"
