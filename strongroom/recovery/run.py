"""A recovery, step by step; each can be killed and is done again, or goes on, at the next run."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from strongroom.cluster import snapshots
from strongroom.errors import StrongroomError
from strongroom.provider.local.primary import Primary
from strongroom.provider.local.replica import Replica, ReplicaInputs
from strongroom.provider.resource import Context
from strongroom.reconcile.noted import note
from strongroom.recovery import copying, exchange, plan
from strongroom.recovery.copying import SourceLostError
from strongroom.recovery.footing import alone, refuse_overtaken, stand, still_wanted
from strongroom.recovery.journal import Journal, path_of
from strongroom.recovery.plan import Plan, Way
from strongroom.recovery.record import Outcome, keep
from strongroom.recovery.recovered import Recovered
from strongroom.recovery.situation import Situation
from strongroom.recovery.sources import Kind
from strongroom.recovery.tables import Tables
from strongroom.recovery.transfer import Transfer


class Progress(Protocol):
    """Who follows a run."""

    def step(self, number: int, count: int, title: str) -> None:
        """A step begins."""

    def note(self, text: str) -> None:
        """What is worked on within it; often."""

    def keep(self, text: str) -> None:
        """Something worth remembering."""


@dataclass
class Run:
    """One recovery under way."""

    situation: Situation
    journal: Journal
    progress: Progress

    @classmethod
    def begin(cls, situation: Situation, wanted: Plan, progress: Progress) -> "Run":
        """Write the plan down; nothing else is changed yet.

        Raises:
            StrongroomError: another recovery was begun or done since it was planned.
        """
        with alone(situation.stack):
            refuse_overtaken(situation.stack, wanted.made)
            journal = Journal(path_of(situation.stack), wanted)
            inputs = situation.declared.replicas.items()
            journal.note(replicas={name: replica.dump() for name, replica in inputs})
        return cls(situation, journal, progress)

    @property
    def plan(self) -> Plan:
        """What is done."""
        return self.journal.plan

    @property
    def recovered(self) -> Recovered:
        """The copy."""
        return Recovered.beside(self.situation.primary)

    @property
    def transfer(self) -> Transfer:
        """The way of the database into the primary."""
        primary, note = self.situation.primary, self.progress.note
        return Transfer(self.recovered, primary, self.plan.database, note)

    @property
    def steps(self) -> dict[str, tuple[str, Callable[[], None]]]:
        """The steps by their names, with their titles."""
        common = {
            "copy": (f"copying {self.plan.source}", self._copy),
            "replay": ("replaying WAL up to the target", self._replay),
            "check": ("looking at what was recovered", self._check),
        }
        if self.plan.way is Way.SWAP:
            back = {
                "exchange": ("exchanging the primary", self._exchange),
                "agree": ("starting the new primary as declared", self._agree),
                "replicas": ("making the replicas anew", self._replicas),
                "snapshot": ("taking a full snapshot of the new timeline", self._snapshot),
            }
        elif self.plan.tables:
            back = {
                "dump": ("dumping the tables", self._dump_tables),
                "restore": ("putting the tables back", self._restore_tables),
                "agree": ("checking ownership and guards", self._agree),
            }
        else:
            back = {
                "dump": (f"dumping {self.plan.database}", self.transfer.dump),
                "restore": (f"restoring it as {self.transfer.arriving}", self._restore),
                "rename": (f"giving it the name {self.plan.database}", self._rename),
                "agree": ("checking ownership and guards", self._agree),
            }
        return {**common, **back, "tidy": ("removing the copy", self._tidy)}

    def go(self) -> Outcome:
        """Do what is left to do.

        Raises:
            StrongroomError: a step failed; the next run begins with it.
        """
        begun = time.monotonic()
        served = begun
        with alone(self.situation.stack):
            self.journal = still_wanted(self.journal, self.situation.stack)
            steps = self.steps
            for number, (name, (title, act)) in enumerate(steps.items(), start=1):
                if name in self.journal.done:
                    continue
                self.progress.step(number, len(steps), title)
                stand(name, title, self.transfer, act)
                self.journal.finish(name)
                if name == "agree":
                    served = time.monotonic()
            ended = time.monotonic()
            remarks = tuple(self.journal.facts.get("remarks", ()))
            outcome = Outcome(round(served - begun, 2), round(ended - begun, 2), remarks)
            keep(self.situation.stack, self.plan, outcome, self.journal.facts)
            self.journal.end()
        return outcome

    def _copy(self) -> None:
        recovered, situation = self.recovered, self.situation
        recovered.prepare(situation.stack.authority, situation.primary)
        # It gets its name when it is whole.
        while not recovered.exists():
            try:
                self._copy_source()
            except SourceLostError as error:
                self._take_another(str(error))  # each is marked, so there is an end to it

    def _copy_source(self) -> None:
        source, vault = self.plan.source, self.situation.declared.vault
        if source.kind is Kind.SNAPSHOT:
            if vault is None:
                raise StrongroomError("The stack declares no vault, so there is no snapshot.")
            copying.from_snapshot(self.recovered, vault, source.name, self.progress.note)
            return
        by_name = {each.directory.name: each for each in self.situation.replicas}
        if source.name not in by_name:
            raise SourceLostError(f"The replica {source.name} is gone.")
        replica, primary = by_name[source.name], self.situation.primary
        copying.from_replica(self.recovered, replica, primary, self.plan.target, self.plan.consume)

    def _take_another(self, problem: str) -> None:
        before = self.plan.source
        now = Situation(self.situation.declared)
        source, others = plan.choose(now, self.plan.target, None)
        if source.name == before.name or self.plan.consume:
            raise StrongroomError(f"{problem} Nothing was changed. Make another plan.")
        self.progress.keep(f"{problem} Taking {source} instead.")
        self.journal.plan = replace(self.plan, source=source, others=others)
        self.journal.save()

    def _replay(self) -> None:
        wal = self.situation.wal
        extra = {
            **self.situation.declared.primary.settings,
            "restore_command": wal.restore_command(),
            "recovery_target_timeline": str(self.plan.timeline),
            "recovery_target_action": "promote",
        }
        if self.plan.target:
            extra |= {
                "recovery_target_lsn": self.plan.target,
                "recovery_target_inclusive": "off",
            }
        self.recovered.recover(extra, self.progress.note)

    def _check(self) -> None:
        database = self.plan.database
        state = plan.database_state(self.recovered, database)
        if state != "there":
            raise StrongroomError(
                f"At {self.plan.target or 'the end of the WAL'} the database {database} is "
                f"{state}, so this point does not bring it back and nothing was changed. Remove "
                "the copy with `strongroom recover --abandon` and give an earlier point: "
                "`strongroom incident` names the one before the drop."
            )
        for remark in note(self.situation, self.recovered, self.journal):
            self._remark(remark)
        with self.recovered.root.connect(database) as here:
            query = (
                "SELECT count(*) FILTER (WHERE relkind = 'r'), pg_database_size(current_database())"
                " FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace "
                "WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
            )
            tables, size = here.execute(query.encode()).fetchone() or (0, 0)
        self.progress.keep(f"{database}: {tables} tables, {size / 1e6:,.0f} MB, recovered")

    def _restore(self) -> None:
        with self.situation.primary.locked():
            self.transfer.restore()

    def _rename(self) -> None:
        with self.situation.primary.locked():
            lost = self.transfer.exchange()
        if lost:
            self._remark(f"what {self.plan.database} was before is kept as the database {lost}")

    def _dump_tables(self) -> None:
        tables = Tables(self.transfer, self.plan.tables)
        self.journal.note(landing=tables.dump())

    def _restore_tables(self) -> None:
        with self.situation.primary.locked():
            landing = self.journal.facts["landing"]
            for remark in Tables(self.transfer, self.plan.tables).restore(landing):
                self._remark(remark)

    def _exchange(self) -> None:
        exchange.exchange(self.situation, self.recovered, self.plan.target)
        kept = sorted(self.situation.stack.final_snapshots.glob("primary-*"))
        if kept:
            self._remark(f"the primary before is kept whole in {kept[-1]}")

    def _agree(self) -> None:
        inputs = self.situation.declared.primary
        if self.plan.way is Way.MIGRATE and inputs.database != self.plan.database:
            self.situation.primary.start()
            state = plan.database_state(self.situation.primary, inputs.database)
            if state != "there":
                # Ownership and guards are those of a database that was lost as well.
                self._remark(f"{inputs.database} is {state}, too: recover it next")
                return
        Primary().update(self._context(), inputs.directory, {}, inputs)

    def _replicas(self) -> None:
        aside: dict[str, Any] = self.journal.facts.setdefault("aside", {})
        for name, values in self.journal.facts["replicas"].items():
            inputs = ReplicaInputs.model_validate(values)
            cluster = replace(self.situation.primary, directory=Path(inputs.directory))
            if name not in aside:
                kept = exchange.set_aside(self.situation.stack, cluster)
                self.journal.note(aside={**aside, name: str(kept)})
                self._remark(f"the replica {name} is made anew; the one before is in {kept}")
            Replica().update(self._context(), inputs.directory, {}, inputs)

    def _snapshot(self) -> None:
        vault = self.situation.declared.vault
        if vault is not None:
            vault.prepare()
            # An incremental one could not be built on those of the timeline before.
            taken = snapshots.take(vault, self.situation.primary, full=True)
            self.progress.keep(f"snapshot {taken.name} taken")

    def _tidy(self) -> None:
        if self.recovered.directory.exists():
            self.recovered.stop()
            shutil.rmtree(self.recovered.directory)

    def _remark(self, text: str) -> None:
        self.progress.keep(text)
        known = self.journal.facts.get("remarks", [])
        if text not in known:
            self.journal.note(remarks=[*known, text])

    def _context(self) -> Context:
        def say(message: str, **_: bool) -> None:
            self.progress.note(message)

        return Context(urn="recover::primary", say=say)
