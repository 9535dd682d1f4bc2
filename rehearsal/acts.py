"""What is done in each step, and what has to come of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import botocore.exceptions
import yaml

from rehearsal import people
from rehearsal.engine import Plan, planned
from rehearsal.running import Run
from rehearsal.scene import Scene, pack
from rehearsal.secrecy import looked
from strongroom.engine import POLICIES

#: What came of a step: facts, and what was not as it should be.
Outcome = tuple[list[str], list[str]]
Tell = Callable[[str], None]

#: Seconds the provider waits for an instance to be made, changed or deleted, however quick it was:
#: a minute, and three looks 10 s apart (Terraform AWS provider, `waitDBInstanceAvailable`).
WAIT = 80
#: Why a step with such waits takes so long, for the progress.
WAITS = ", nearly all of it the provider's own waiting for instances"

#: Seconds it looks for a queue that is gone, 15 times in a row (`waitQueueDeleted`).
_QUEUE_WAIT = 130


@dataclass(frozen=True)
class Act:
    """One step.

    Attributes:
        title: what happens in it.
        expected: seconds it takes.
        do: does it.
        because: why so many seconds, for the progress.
        needed: whether nothing after it makes sense without it.
    """

    title: str
    expected: int
    do: Callable[[], Outcome]
    because: str = ""
    needed: bool = True


def acts(scene: Scene, tell: Tell) -> list[Act]:
    """The steps, for what the stack has; `tell` is told what goes on within one."""
    config = yaml.safe_load(scene.settings.read_text())["config"]
    delayed = bool(int(config.get("strongroom:replicaDelaySeconds", 0)))
    protected = str(config.get("strongroom:deletionProtection", True)).lower() == "true"
    # A replica with parameters of its own is made, changed and restarted.
    making = WAIT + 3 * WAIT if delayed else 2 * WAIT
    # The engine deletes in rows, each when all of the one before is gone: a queue in the primary's.
    queue = bool((config.get("strongroom:aws") or {}).get("breakGlassRoles"))
    ending = WAIT + (_QUEUE_WAIT if queue else WAIT)
    guarded = [
        Act("a change that would replace the primary", 10, lambda: _replace(scene), needed=False),
        Act("destroy, while it is protected", 5, lambda: _refused(scene), needed=False),
    ]
    also = ", and protection off by hand" if protected else ""
    return [
        Act("packing the function", 5, lambda: packed(scene)),
        Act("preview of an empty account", 15, lambda: _first(scene)),
        Act("up", making + 30, lambda: _up(scene, tell), WAITS),
        Act("looking for a secret that lies open", 5, lambda: looked(scene), needed=False),
        Act("preview again, with a refresh", 15, lambda: again(scene)),
        *(guarded if protected else ()),
        Act(f"a change of tier and of a setting{also}", 35, lambda: _update(scene, protected)),
        Act("destroy", ending + 20, lambda: _destroy(scene, tell), WAITS),
    ]


def failed(run: Run) -> list[str]:
    """Why a command that had to succeed did not."""
    if run.code == 0:
        return []
    said = run.problems or tuple(run.output.strip().splitlines()[-5:])
    return [f"{run.command} failed with exit code {run.code}: {' / '.join(said)[-1500:]}"]


def packed(scene: Scene) -> Outcome:
    """Pack the function."""
    run = pack(scene)
    return [run.output.strip().replace(str(scene.checkout), "")], failed(run)


def _counts(plan: Plan) -> list[str]:
    packages = {"aws": "of AWS", "postgresql": "roles and rights", "strongroom": "of Strongroom"}
    told = [f"{plan.of(name)} {words}" for name, words in packages.items()]
    return [f"{plan.counted} ({', '.join(told)})"]


def _first(scene: Scene) -> Outcome:
    plan = planned(scene, "--policy-pack", POLICIES)
    wrong = failed(plan.run)
    if not wrong and not plan.of("postgresql"):
        wrong = ["the very first preview shows no role of anybody"]
    return [*_counts(plan), "no policy that is mandatory here objects"], wrong


def _up(scene: Scene, tell: Tell) -> Outcome:
    run = scene.pulumi("up", "--yes", "--skip-preview", hear=instances_done(tell))
    facts = [run.changes, *people.signed_in(scene), *ran(scene)]
    if wrong := [*failed(run), *broken(scene)]:
        return facts, wrong
    return facts, people.missing(scene)


def instances_done(tell: Tell) -> Tell:
    """Tell of each instance when it is done, which takes most of the time."""

    def hear(line: str) -> None:
        found = re.search(r"aws:rds:Instance (\S+) ((?:cre|upd|del)\w+ed) \((\d+)s\)", line)
        if found:
            tell(f"    {found[1]} {found[2]} after {found[3]} s")

    return hear


def ran(scene: Scene) -> list[str]:
    """What the function did so far."""
    found = [f"{each.asked} in {each.seconds:.1f} s" for each in scene.simulator.functions.ran]
    return [f"the function was run: {', '.join(found)}"] if found else []


def broken(scene: Scene) -> list[str]:
    """What the function failed at."""
    done = scene.simulator.functions.ran
    return [f"the function failed at {each.asked}: {each.error}" for each in done if each.failed]


def again(scene: Scene) -> Outcome:
    """A preview right after an update, in which nothing is to change."""
    plan = planned(scene, "--refresh")
    artefacts = [each for each in plan.changes if each.artefact]
    facts = [
        plan.counted,
        *(f"the simulator's doing: {each} ({each.artefact})" for each in artefacts),
    ]
    wrong = [f"right after `up` it would {each}" for each in plan.changes if not each.artefact]
    return facts, [*failed(plan.run), *wrong]


def _update(scene: Scene, protected: bool) -> Outcome:
    """What is wanted, and on a protected stack what somebody did by hand, in one preview."""
    who, tier = people.promote(scene)
    scene.edit(scene.settings.name, _longer)
    by_hand = _by_hand(scene) if protected else []
    looking = ["--refresh"] if by_hand else []
    plan = planned(scene, *looking)
    seen = [each for each in plan.changes if each.properties == ("deletionProtection",)]
    if by_hand:
        # From now on it is declared as it is, so no instance has to be changed and waited for.
        scene.set("strongroom:deletionProtection", False)
    run = scene.pulumi("up", "--yes", "--skip-preview", *looking)
    facts = [
        f"{who} becomes {tier}",
        plan.counted,
        *(f"by hand, so it would {each}" for each in seen),
    ]
    wrong = [] if people.is_in(scene, who, tier) else [f"{who} does not have the rights of {tier}"]
    if len(seen) != len(by_hand):
        wrong.append(f"a preview sees {len(seen)} of {len(by_hand)} changes by hand")
    replaced = [f"it would {each}" for each in plan.changes if "replace" in each.operation]
    return [*facts, run.changes], [*failed(plan.run), *failed(run), *replaced, *wrong]


def _by_hand(scene: Scene) -> list[str]:
    """Take AWS's protection off every instance, as somebody might; returns which."""
    rds = scene.client("rds")
    names = [each["DBInstanceIdentifier"] for each in rds.describe_db_instances()["DBInstances"]]
    for name in names:
        rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
    return names


def _longer(content: dict[str, dict[str, Any]]) -> None:
    """Keep logs for another of CloudWatch's terms."""
    aws = content["config"].setdefault("strongroom:aws", {})
    aws["logDays"] = 731 if aws.get("logDays") != 731 else 545


def _replace(scene: Scene) -> Outcome:
    before = scene.settings.read_text()
    scene.set("strongroom:database", "another")
    run = scene.pulumi("preview")
    scene.settings.write_text(before)
    if run.code == 0:
        return [], ["another database's name would replace the primary, and preview lets it pass"]
    return [f"refused: {each}" for each in run.problems[:3]], []


def _refused(scene: Scene) -> Outcome:
    run = scene.pulumi("destroy", "--preview-only")
    facts, wrong = [], []
    protected = re.findall(r"resource \"?(\S+?)\"? cannot be deleted", run.output)
    if run.code == 0:
        wrong.append("the engine would destroy a protected stack")
    else:
        facts.append(f"the engine refuses: {(run.problems or (run.changes,))[0]}"[:300])
        facts += [f"{len(set(protected))} resources are protected"] if protected else []
    rds = scene.client("rds")
    for each in rds.describe_db_instances()["DBInstances"]:
        name = each["DBInstanceIdentifier"]
        try:
            rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
            wrong.append(f"AWS let {name} be deleted")
        except botocore.exceptions.ClientError as error:
            facts.append(f"AWS refuses to delete {name}: {error.response['Error']['Message']}")
    return facts, wrong


def _destroy(scene: Scene, tell: Tell) -> Outcome:
    run = scene.pulumi("destroy", "--yes", "--skip-preview", hear=instances_done(tell))
    snapshots = scene.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    kept = [f"kept: the snapshot {each['DBSnapshotIdentifier']}" for each in snapshots]
    wrong = [f"server {name} still runs" for name in scene.instances.servers]
    if run.code == 0 and not kept:
        wrong.append("the primary went without leaving a snapshot")
    return [run.changes, *kept], [*failed(run), *wrong]
