"""What the programs did to the world and what they saw, as they said: the world's memory, which no crash of theirs touches.

Holds the laws that only bodies can tell of: a replay sees what was seen before, no step begins in a cancelled run that is
settled, a sleep is not over early.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from tests.sim.lambdas import Environment
from tests.sim.model import unsettled

if TYPE_CHECKING:
    from tests.sim.world import World

NOTICED_MS = 2_000
"""A holder looks at its header that often."""
_DURATIONS = (0, 0, 0, 1, 30, 800)


class Ledger:
    """`Outside` of bodies.py."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.programs: dict[str, tuple[int, str]] = {}
        """Program and key of each run whose body has begun."""
        self.executions: dict[str, Counter[str]] = {}
        self.seen: dict[str, dict[str, str]] = {}
        self.answers: dict[tuple[str, str], list[str]] = {}
        """What callbacks were answered."""
        self.tokens: list[tuple[str, str, str]] = []
        """Run, path and token of each callback."""

    # ---- what bodies tell --------------------------------------------------------------------------------------------

    def opens(self, run: str, index: int, key: str) -> None:
        self.programs[run] = (index, key)
        task = self._world.scheduler.current
        if task is not None and task.home is not None:
            task.home.drives = key

    def begin(self, run: str, path: str) -> int:
        world = self._world
        task = world.scheduler.current
        assert task is not None
        environment: Environment = task.home
        counts = self.executions.setdefault(run, Counter())
        counts[path] += 1
        number = counts[path]
        world.tell(environment.name, "runs {} (execution {})", path, number, run=run)
        self._may_begin(run, path, environment)
        environment.work(_DURATIONS[int(task.random.random() * len(_DURATIONS))])
        return number

    def _may_begin(self, run: str, path: str, environment: Environment) -> None:
        """A branch that has lost, whose guard had let the step pass before that, may begin it a moment after the end."""
        world = self._world
        now = world.scheduler.now_ms
        since = now - world.moment_ms - 2 * world.rates.skew_ms
        is_own = not path.startswith(("undo:", "on_"))  # what compensates is done by another run
        if is_own and environment.frozen_until < since and not world.laws.progress.holds(f"run#{run}", environment, since=since):
            raise world.broken("no step begins without the lease", f"{path} of run {run}, which another drives")
        if is_own and environment.frozen_until < since and world.laws.cancelled.get(f"run#{run}", now) < since - NOTICED_MS:
            raise world.broken("no step begins after a cancel", f"{path} of run {run}")
        settled_at = world.laws.settled.get(f"run#{run}")
        if settled_at is None or environment.was_frozen or not is_own or f"run#{run}" not in world.laws.cancelled:
            return  # the loser of a race may be a moment behind the end
        late = now - settled_at
        if late > world.moment_ms:
            raise world.broken("no step begins in what is settled", f"{path} of run {run}, settled {late} ms ago")

    def end(self, run: str, path: str) -> None:
        """Nothing more is to be known."""

    def saw(self, run: str, path: str, outcome: str) -> None:
        if self._is_astray(run):
            return
        seen = self.seen.setdefault(run, {})
        before = seen.setdefault(path, outcome)
        if before != outcome and not self._may_differ(run, path):
            raise self._world.broken("a replay sees what was recorded", f"{path} of run {run}: {before} and now {outcome}")
        world = self._world
        world.tell("", "sees {} = {}", path, outcome, run=run)
        self._not_early(run, path)

    def _is_astray(self, run: str) -> bool:
        """An async body that was frozen may be overtaken: then it goes on by the order that it knows, until it is fenced
        (GroupEnd of branches.py). Of what it sees nothing stays.
        """
        index, _key = self.programs[run]
        task = self._world.scheduler.current
        return self._world.plan.system.programs[index].is_async and task is not None and task.home is not None and task.home.was_frozen

    def _may_differ(self, run: str, path: str) -> bool:
        """A slice that died before it had written anything may have seen this otherwise."""
        index, _key = self.programs[run]
        return path in unsettled(self._world.plan.system.programs[index])

    def _not_early(self, run: str, path: str) -> None:
        world = self._world
        sleeps = world.laws.sleeps.get((f"run#{run}", path.rpartition("/")[2]))
        if sleeps is None:
            return
        place = re.sub(r"\.(\d+)/", r"/\1/", path)
        for sk, due_at in sleeps:
            early = due_at - world.scheduler.now_ms - world.rates.skew_ms
            if sk.endswith(place) and early > 0:
                raise self._world.broken("a sleep is not over early", f"{path} of run {run}: {early} ms early")

    def token(self, run: str, path: str, token: str) -> None:
        self.tokens.append((run, path, token))
        self._world.called_back(run, path, token)
