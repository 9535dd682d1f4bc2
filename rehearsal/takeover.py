"""A stack that takes over an instance somebody made by hand, as docs/production.md tells it."""

import json
from dataclasses import dataclass
from typing import Any

import psycopg

from rehearsal import byhand, people
from rehearsal.acts import (
    WAIT,
    WAITS,
    Act,
    Outcome,
    Tell,
    again,
    broken,
    failed,
    instances_done,
    packed,
    ran,
)
from rehearsal.engine import planned
from rehearsal.offered import offered
from rehearsal.scene import Scene
from rehearsal.secrecy import looked
from strongroom.engine import POLICIES
from strongroom.tiers import APP_OWNER

#: What of the stack is there already, as the program calls it.
_THERE = ("primary-instance", "primary-log-postgresql")
_ADOPTED = "adopted"
#: What `strongroom adopt` exits with when something has no place in a roster.
_WITHOUT_A_PLACE = 3
#: Roles and rights, which come last.
_RIGHTS = ("--exclude", "**::access*", "--exclude", "**::review*")


def acts(scene: Scene, tell: Tell) -> list[Act]:
    """The steps; `tell` is told what goes on within one."""
    way = _Way(scene, tell)
    return [
        Act("an instance that grew by hand", 15, way.begin),
        Act("what it has is adopted into a roster", 5, way.adopt),
        Act("packing the function", 10, lambda: packed(scene)),
        Act("a preview says what does not fit", 15, way.refused),
        Act("a preview that fits", 15, way.preview),
        Act("import", 10, way.bring_in),
        Act("preview: nothing is replaced", 15, way.compare),
        Act("everything but roles and rights", 3 * WAIT + 60, way.foundation, WAITS),
        Act("import of roles and schemas", 15, way.bring_roles),
        Act("root hands tables over", 5, way.hand_over),
        Act("up", 60, way.up),
        Act("looking for a secret that lies open", 5, lambda: looked(scene), needed=False),
        Act("preview again, with a refresh", 20, lambda: again(scene)),
        Act("what was there is there", 5, way.compare_all),
    ]


@dataclass
class _Way:
    """From the instance as it was found to the stack that has it."""

    scene: Scene
    tell: Tell
    before: byhand.Found | None = None

    def begin(self) -> Outcome:
        facts = byhand.make(self.scene)
        self.before = byhand.found(self.scene)
        rows = " and ".join(map(str, self.before.rows))
        owned = ", ".join(f"{table} ({who})" for table, who in byhand.owners(self.scene).items())
        return [*facts, f"{rows} rows in {owned}"], []

    def adopt(self) -> Outcome:
        dsn = " ".join(f"{name}={value}" for name, value in byhand.way(self.scene).items())
        run = self.scene.run(
            *("strongroom", "adopt", dsn, "--stack", self.scene.stack, "--output", _ADOPTED),
            environment={**self.scene.environment(), "PGPASSWORD": byhand.PASSWORD},
        )
        if run.code not in (0, _WITHOUT_A_PLACE):
            return [], failed(run)
        folder = self.scene.checkout / _ADOPTED
        roster = folder / "engineers.yaml"
        (self.scene.checkout / "stacks" / roster.name).write_text(roster.read_text())
        report = (folder / "adopt.md").read_text()
        left = report.partition("## Not placed")[2].partition("##")[0].strip()
        return [run.output.strip(), *left.splitlines()], []

    def refused(self) -> Outcome:
        self._settle(existing={"identifier": byhand.IDENTIFIER})
        plan = planned(self.scene)
        told = " ".join(plan.run.problems)
        reasons = (
            f"its master is called '{byhand.MASTER}'",
            f"it listens on port {byhand.PORT}",
            f"it is a {byhand.CLASS}",
            f"it has {byhand.GIB} GiB",
        )
        wrong = [f"it does not say that {each}" for each in reasons if each not in told]
        self._settle(
            existing={"identifier": byhand.IDENTIFIER, "master": byhand.MASTER},
            instanceClass=byhand.CLASS,
            storageGb=byhand.GIB,
            storageMaxGb=4 * byhand.GIB,
        )
        self.scene.set("strongroom:port", byhand.PORT)
        return [f"refused: {each}" for each in plan.run.problems], wrong

    def _settle(self, **settings: Any) -> None:
        self.scene.edit(
            self.scene.settings.name,
            lambda content: content["config"]["strongroom:aws"].update(settings),
        )

    def preview(self) -> Outcome:
        run = self.scene.pulumi("preview")
        lines = dict.fromkeys(line.strip() for line in run.output.splitlines())
        notes = [line for line in lines if line.startswith(f"{byhand.IDENTIFIER}: ")]
        return notes, failed(run)

    def bring_in(self) -> Outcome:
        told = self.scene.run("strongroom", "existing", "--stack", self.scene.stack)
        if wrong := failed(told):
            return [], wrong
        file = self.scene.checkout / "import.json"
        file.write_text(told.output)
        run = self.scene.pulumi("import", "--file", file.name, "--generate-code=false", "--yes")
        return [run.changes], failed(run)

    def compare(self) -> Outcome:
        plan = planned(self.scene, "--policy-pack", POLICIES)
        ours = [each for each in plan.changes if each.name in _THERE]
        wrong = [f"it would {each}" for each in plan.changes if _ends(each.operation)]
        wrong += [f"{name} would be made" for name in _THERE if name not in {e.name for e in ours}]
        wrong += [f"it would {each}" for each in ours if each.operation != "update"]
        return [plan.counted, *map(str, ours)], [*failed(plan.run), *wrong]

    def foundation(self) -> Outcome:
        run = self.scene.pulumi(
            *("up", *_RIGHTS, "--yes", "--skip-preview"), hear=instances_done(self.tell)
        )
        facts, wrong = [run.changes, *ran(self.scene)], [*failed(run), *broken(self.scene)]
        try:
            byhand.connect(self.scene).close()
            wrong.append("the master's old password still opens the instance")
        except psycopg.OperationalError:
            facts.append("the master's old password opens nothing any more")
        return facts, wrong

    def bring_roles(self) -> Outcome:
        run = self.scene.pulumi(
            *("import", "--file", f"{_ADOPTED}/import.json"),
            *("--protect=false", "--generate-code=false", "--yes"),
        )
        return [run.changes], failed(run)

    def hand_over(self) -> Outcome:
        client = self.scene.client("secretsmanager")
        secret = f"strongroom/{self.scene.stack}/root"
        password = json.loads(client.get_secret_value(SecretId=secret)["SecretString"])["password"]
        dsn = " ".join(f"{name}={value}" for name, value in byhand.way(self.scene).items())
        run = self.scene.run(
            *(str(offered().bin / "psql"), "--no-psqlrc", "-v", "ON_ERROR_STOP=1"),
            *("-f", f"{_ADOPTED}/handover.sql", dsn),
            environment={**self.scene.environment(), "PGPASSWORD": password},
        )
        owned = ", ".join(f"{table} ({who})" for table, who in byhand.owners(self.scene).items())
        return [owned], failed(run)

    def up(self) -> Outcome:
        run = self.scene.pulumi("up", "--yes", "--skip-preview", hear=instances_done(self.tell))
        wrong = [*failed(run), *broken(self.scene), *people.missing(self.scene)]
        audit = self.scene.run("strongroom", "audit", "--stack", self.scene.stack)
        return [run.changes, *audit.output.strip().splitlines()], [*wrong, *failed(audit)]

    def compare_all(self) -> Outcome:
        facts, wrong = byhand.calls(self.scene)
        now = byhand.found(self.scene)
        if now != self.before:
            wrong.append(f"it was {self.before} and is {now}")
        else:
            facts.append(f"the same instance, started {now.started}, with every row")
        owned = byhand.owners(self.scene)
        wrong += [f"{table} is {who}'s" for table, who in owned.items() if who != APP_OWNER]
        return facts, wrong


def _ends(operation: str) -> bool:
    return "replace" in operation or "delete" in operation
