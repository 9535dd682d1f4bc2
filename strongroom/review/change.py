"""A change as a review sees it: what two revisions declare, and what the engine would do."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from strongroom.review.declared import Declared
from strongroom.review.loosened import SettingChange, compared
from strongroom.review.preview import Preview
from strongroom.review.rights import Person, people
from strongroom.review.words import Words


@dataclass(frozen=True)
class Flag:
    """Something that needs an approval.

    Attributes:
        kind: what it is, for programs.
        words: a sentence for the reviewer.
    """

    kind: str
    words: Words


@dataclass(frozen=True)
class Change:
    """What a review is about.

    Attributes:
        environment: the stack.
        before: what the base declares.
        after: what the change declares.
        preview: what the engine would do.
        files: what differs from the base.
        now: the time of the review (UTC).
    """

    environment: str
    before: Declared
    after: Declared
    preview: Preview
    files: tuple[str, ...]
    now: datetime

    @cached_property
    def people(self) -> tuple[Person, ...]:
        """Everyone with a role, before and after."""
        return people(self.before, self.after)

    @cached_property
    def settings(self) -> tuple[SettingChange, ...]:
        """The settings that differ."""
        return compared(self.before.settings, self.after.settings)
