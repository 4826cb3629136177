"""What the outside has done and been told: what the model judges the ends of runs by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from milepost.engine import keys
from milepost.engine.reading import Reader
from milepost.engine.worker import Worker
from milepost.runs import Run, RunStatus
from tests.sim.bodies import awaited
from tests.sim.effects import effects
from tests.sim.facts import Answer, Facts, Telling
from tests.sim.laws import Broken
from tests.sim.model import differs, differs_at
from tests.sim.plan import Action, Plan
from tests.sim.programs import flat

if TYPE_CHECKING:
    from tests.sim.world import World


class Outside:
    """The record of one play."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.facts = Facts()
        self.accepted: dict[str, Action] = {}
        """By run: the event that was accepted for it."""
        self._firm = {
            one.key: one
            for action in world.plan.actions
            if action.kind == "ask"
            for one in awaited(world.plan.system, action.index, action.key)
            if one.is_firm
        }
        self._words = 0
        self._detached = {
            (program.name, node.name)
            for program in world.plan.system.programs
            for node in flat(program.root)
            if node.op == "invoke" and node.mode == "detach"
        }
        self.poison = {action.id for action in world.plan.actions if action.kind == "poison"}

    def run_of(self, index: int, event_id: str) -> str:
        """The run that an event starts."""
        return keys.run_id(self._world.plan.system.programs[index].name, "sim/asked", event_id)

    def told(self, action: Action) -> None:
        """An event for a wait is about to be sent."""
        one = action.awaited
        assert one is not None
        telling = Telling(action.id, action.good, one.is_shown)
        told = self.facts.told.setdefault(one.key, [])
        if telling not in told:
            told.append(telling)

    def answered(self, run: str, path: str, text: str, *, is_failure: bool) -> None:
        """A callback is about to be answered."""
        _index, key = self._world.ledger.programs[run]
        self.facts.answers.setdefault(f"{key}:{path}", []).append(Answer(text, is_failure))

    def died(self, key: str | None) -> None:
        """A slice of this run did not end as it should."""
        if key is not None:
            self.facts.deaths[key] = self.facts.deaths.get(key, 0) + 1

    def cancelled(self, key: str) -> None:
        """Somebody is about to cancel the run of this key."""
        self.facts.cancelled[key] = None

    def last_words(self, plan: Plan, now_ms: int) -> list[Action]:
        """What the outside does when the faults are over, so that everything can end."""
        actions: list[Action] = []
        for action in plan.actions:
            if action.kind == "pause":
                actions.append(Action(kind="resume", at_ms=now_ms, index=action.index, key=action.key))
            if action.kind == "ask":
                for number, one in enumerate(awaited(plan.system, action.index, action.key)):
                    if one.is_firm:
                        ids = [f"last {action.key} {number} {copy}" for copy in range(3)]
                        actions += [Action(kind="tell", at_ms=now_ms, key=action.key, id=id, awaited=one) for id in ids]
        return list({action.name: action for action in actions}.values())

    def late_words(self, keys: dict[str, str], now_ms: int) -> list[Action]:
        """Somebody has begun to wait when the faults were over: what he waits for comes."""
        one = self._firm.get(keys.get("key", ""))
        if one is None:
            return []
        self._words += 1
        return [Action(kind="tell", at_ms=now_ms + 1_000, key=one.run, id=f"late {one.key} {self._words}", awaited=one)]

    def _is_detached(self, function: str, path: str) -> bool:
        """The child goes on when its parent has ended."""
        return (function, path.rpartition("/")[2].partition(":")[0]) in self._detached

    def check(self, worker: Worker) -> None:
        """Every run has ended as it may, and has done what it must. Raises Broken."""
        reader = Reader(worker)
        system, ledger = self._world.plan.system, self._world.ledger
        laws = self._world.laws
        for orphan in laws.families.orphans(self._world.cloud.table.all_items(), laws.settled, self._is_detached):
            raise Broken("no child is an orphan", orphan)
        for run, action in self.accepted.items():
            if self._world.cloud.table.get(keys.header(run)) is None:
                raise Broken("an accepted event starts its run", f"{action.id}: there is no run {run}")
        for run, (index, key) in ledger.programs.items():
            handle: Run[Any] = Run(run, reader)
            status = handle.status
            result = handle.result if status is RunStatus.COMPLETED else None
            wrong = differs(system, index, key, status.value, result, handle.error, facts=self.facts)
            did: Mapping[str, int] = ledger.executions.get(run, {})
            wrong = wrong or effects(system, index, key, status.value, result, handle.error, did, facts=self.facts)
            if wrong is not None:
                raise Broken("a run ends as it may", f"{key} ({run[:6]}), {status}: {wrong}")
            for path, outcome in ledger.seen.get(run, {}).items():
                wrong = differs_at(system, index, key, path, msgspec.json.decode(outcome), facts=self.facts)
                if wrong is not None:
                    raise Broken("a body sees what may be", f"{key} ({run[:6]}): {wrong}")
