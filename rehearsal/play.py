"""The steps of a rehearsal: what a stack goes through from an empty account to its end."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from rehearsal.acts import Act, Tell, acts
from rehearsal.checkov import checked
from rehearsal.engine import Resource, exported
from rehearsal.reading import read_back
from rehearsal.result import Checked, Result, Step, Stored
from rehearsal.scene import Scene
from strongroom.errors import StrongroomError


class Play:
    """One rehearsal of one stack."""

    def __init__(
        self,
        scene: Scene,
        tell: Tell,
        *,
        with_checkov: bool = True,
        steps: Callable[[Scene, Tell], list[Act]] = acts,
    ) -> None:
        """Nothing happens yet.

        Args:
            scene: the stage.
            tell: is told the progress, a line each.
            with_checkov: whether checkov looks at the plan.
            steps: what the stack goes through.
        """
        self._acts = steps
        self._scene, self._tell = scene, tell
        self._with_checkov = with_checkov
        self._steps: list[Step] = []
        self._stored: Sequence[Stored] = ()
        self._passed: int | None = None
        self._checked: tuple[Checked, ...] = ()

    def run(self) -> Result:
        """All of it; a step that fails ends it, and what was found until then is told."""
        began = datetime.now(UTC).isoformat(timespec="seconds")
        wanted = [
            *self._acts(self._scene, self._tell),
            Act("reading back what was stored", 15, self._read),
        ]
        up = [act.title for act in wanted].index("up")
        wanted.insert(up + 1, wanted.pop())
        for number, act in enumerate(wanted, 1):
            self._tell(f"{number}/{len(wanted)} {act.title} (about {act.expected} s{act.because})")
            step = self._done(act)
            self._steps.append(step)
            for fact in step.facts:
                self._tell(f"    {fact}")
            for wrong in step.wrong:
                self._tell(f"    WRONG: {wrong}")
            self._tell(f"    {step.seconds:.0f} s")
            if step.wrong and act.needed:
                break
        return self._result(began)

    def _done(self, act: Act) -> Step:
        began = time.monotonic()
        try:
            facts, wrong = act.do()
        except StrongroomError as error:
            facts, wrong = [], [str(error)]
        took = round(time.monotonic() - began, 1)
        return Step(act.title, act.expected, took, tuple(facts), tuple(wrong))

    def _read(self) -> tuple[list[str], list[str]]:
        """What the API stored against what is declared, and what checkov thinks of it."""
        resources = exported(self._scene)
        self._stored = read_back(self._scene, resources)
        verdicts = Counter(each.verdict for one in self._stored for each in one.properties)
        properties = f"{verdicts['same']} properties stored as declared"
        facts = [
            f"{len(self._stored)} resources of AWS, {properties}, {verdicts['different']} otherwise"
        ]
        if self._with_checkov:
            facts.append(self._look(resources))
        return facts, []

    def _look(self, resources: Sequence[Resource]) -> str:
        ours = [each for each in resources if each.type.startswith("aws:")]
        self._passed, self._checked = checked(ours, self._scene.checkout, self._scene.stack)
        open_ones = sum(not each.explained for each in self._checked)
        return (
            f"checkov: {self._passed} passed, {len(self._checked) - open_ones} explained by name, "
            f"{open_ones} failed"
        )

    def _result(self, began: str) -> Result:
        calls = self._scene.simulator.calls
        counted = Counter(f"{each.service} {each.operation}" for each in calls)
        lacking = {
            f"{each.service} {each.operation}: {each.reason[:200]}"
            for each in calls
            if each.lacking
        }
        return Result(
            self._scene.stack,
            began,
            tuple(self._steps),
            tuple(self._stored),
            self._passed,
            self._checked,
            dict(sorted(counted.items())),
            tuple(sorted(lacking)),
        )
