"""What a rule is: a name, what it says, and a function that finds what does not satisfy it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from policy.resource import Resource
from policy.stack import Stack

#: Finds what is wrong with one resource: a sentence without its full stop for each thing.
Judge = Callable[[Resource, Stack], Iterable[str]]
#: The same for the whole stack; each sentence with the resource it is about, if it is about one.
WholeJudge = Callable[["Resources", Stack], Iterable[tuple[Resource | None, str]]]


@dataclass(frozen=True)
class Resources:
    """All resources of a stack."""

    all: tuple[Resource, ...]

    def of(self, *types: str) -> tuple[Resource, ...]:
        """Those of some types."""
        return tuple(each for each in self.all if each.type in types)


@dataclass(frozen=True)
class Objection:
    """What one rule says against a resource or the stack.

    Attributes:
        rule: the rule.
        message: what is wrong, what to do, and which controls say so.
        urn: the resource; empty for the stack as a whole.
    """

    rule: "Rule"
    message: str
    urn: str = ""


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule.

    Attributes:
        name: as the engine prints it; unique in the pack.
        title: what holds when it is satisfied.
        remedy: what to do when it is not.
        controls: the published controls it covers, such as ``RDS.3``.
        on: the resource types it is about; empty for every type. A rule for the whole stack has
            nothing to judge in a stack without any of them.
        judge: for one resource.
        judge_whole: for the whole stack; exactly one of both is there.
    """

    name: str
    title: str
    remedy: str
    controls: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    judge: Judge | None = None
    judge_whole: WholeJudge | None = None

    @property
    def about(self) -> str:
        """What it is judged on, in a word."""
        return "stack" if self.judge_whole else "resource"

    def is_about(self, resource: Resource) -> bool:
        """Whether it has something to say of a resource of this type."""
        return not self.on or resource.type in self.on

    def objections(self, resource: Resource, stack: Stack) -> Iterator[Objection]:
        """What it has against one resource."""
        if self.judge and self.is_about(resource):
            for found in self.judge(resource, stack):
                yield self._objection(found, resource.urn)

    def objections_to_all(self, resources: Resources, stack: Stack) -> Iterator[Objection]:
        """What it has against the stack as a whole."""
        if self.judge_whole and any(map(self.is_about, resources.all)):
            for resource, found in self.judge_whole(resources, stack):
                yield self._objection(found, resource.urn if resource else "")

    def _objection(self, found: str, urn: str) -> Objection:
        by = f" ({', '.join(self.controls)})" if self.controls else ""
        return Objection(self, f"{found}. {self.remedy}{by}", urn)


def rule(
    name: str, title: str, *, remedy: str, controls: tuple[str, ...] = (), on: tuple[str, ...] = ()
) -> Callable[[Judge], Rule]:
    """Make a rule for single resources out of the function that judges one."""
    return lambda judge: Rule(name, title, remedy, controls, on, judge=judge)


def stack_rule(
    name: str, title: str, *, remedy: str, on: tuple[str, ...], controls: tuple[str, ...] = ()
) -> Callable[[WholeJudge], Rule]:
    """Make a rule for the whole stack out of the function that judges it."""
    return lambda judge: Rule(name, title, remedy, controls, on, judge_whole=judge)
