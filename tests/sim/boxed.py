"""The cloud of a box: the simulator's, with a case's app in the place of programs, and faults that a case can bear.

    gentle   what nobody outside can tell: duplicates, other orders, environments side by side that give the baton back at every
             port call, cold starts, calls that are refused or whose answer is lost and that the adapter repeats, a stale index.
             It takes no time, and no step is executed twice.
    rough    what makes a step be executed again and takes time besides: crashes, freezes, delays, calls that fail for good,
             clocks that differ.

Owns what is late, and since when it has been: by that a box knows how much time the faults have cost.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from random import Random
from typing import Any, Final, cast

import msgspec

from milepost import App
from milepost.definitions import HasDefinitions
from milepost.engine.worker import Worker
from milepost.local.assembly import LOCAL
from milepost.log import Logger
from milepost.testing.crashes import mortal
from milepost.testing.stubs import Stubs
from milepost.timestamps import instant
from tests.sim.bodies import Built
from tests.sim.boxed_fleet import BoxedFleet, BoxedMail
from tests.sim.boxed_worker import Adapter, BoxFuse, FuseOf, Runner, UnwaitedClock
from tests.sim.faults import HOUR, MINUTE, SECOND, Faults, Rates
from tests.sim.fleet import UnreliableTimers
from tests.sim.lambdas import PORTS, Environment
from tests.sim.memory import MemoryCloud
from tests.sim.names import Call
from tests.sim.plan import Plan
from tests.sim.programs import System
from tests.sim.scheduler import Task
from tests.sim.world import World

MOST_RECEIVES: Final = 100
"""More than any message needs that can be read."""
MOST_DEATHS: Final = 2
"""Of environments in a box: a step that has seen a fourth death has failed."""
MOST_GIVEN_UP: Final = 1
"""Slices that end because a call failed for good: that may count as a death, too."""
_GIVES_UP: Final = 0.2
"""Of calls that failed, in a rough box, so many end the slice."""
_TOLD: Final = 80
"""Lines of what happened."""
_OFTEN: Final = (0.02, 0.1, 0.3)
_SELDOM: Final = (0.005, 0.02, 0.06)


def gentle(random: Random) -> Rates:
    """A seed's mixture of what nobody outside can tell."""

    def sometimes(*rates: float) -> float:
        return random.choice(rates) if random.random() < 0.6 else 0

    return Rates(
        refused=sometimes(*_OFTEN),
        index_lag_ms=int(sometimes(500, 30 * SECOND)),
        duplicated=sometimes(0.1, 0.3),
        duplicate_ms=random.choice((0, 0, 3 * HOUR)),
        cold=random.choice((0.05, 0.3, 1.0)),
        concurrency=random.choice((2, 4, 8)),
        most_receives=MOST_RECEIVES,
        sweeper_overlaps=random.random() < 0.5,
    )


def rough(random: Random) -> Rates:
    """A seed's mixture with what takes time, and makes steps be executed again."""

    def sometimes(*rates: float) -> float:
        return random.choice(rates) if random.random() < 0.5 else 0

    return msgspec.structs.replace(
        gentle(random),
        crash_before=sometimes(*_SELDOM),
        crash_after=random.choice(_SELDOM),
        freeze=sometimes(*_SELDOM),
        freeze_ms=random.choice((20 * SECOND, 3 * MINUTE)),
        slow=sometimes(*_SELDOM),
        slow_ms=random.choice((500, 10 * SECOND)),
        delayed=sometimes(0.05, 0.3),
        delay_ms=random.choice((200, 10 * SECOND, 2 * MINUTE)),
        duplicate_ms=random.choice((0, 100, MINUTE, 3 * HOUR)),
        ack_lost=sometimes(*_SELDOM),
        ambiguous=sometimes(*_SELDOM),
        repeated=sometimes(*_SELDOM),
        partial=sometimes(0.05, 0.2),
        skew_ms=int(sometimes(100, 5 * SECOND)),
    )


class BoxedWorld(World):
    """A world of one app, in which no program runs but what a case does."""

    def __init__(self, app: HasDefinitions, *, seed: int, is_rough: bool, start_ms: int, stubs: Stubs, fuse: BoxFuse) -> None:
        self._app = Built(cast(App, app), ())
        self.is_rough = is_rough
        self._given_up = 0
        self.is_stuck = False
        self._calls: list[tuple[int, str, Call]] = []
        self._stubs = stubs
        self._fuse = fuse
        random = Random(seed)
        self.untold = random.choice((0, *_OFTEN))
        """How often an adapter asks again for what was done, of so many chances."""
        rates = (rough if is_rough else gentle)(random)
        super().__init__(Plan(seed=seed, system=System(()), rates=rates, actions=()))
        self.scheduler.now_ms = self._swept_at = self._expired_at = start_ms
        self.settings = msgspec.structs.replace(LOCAL, skew_ms=2 * rates.skew_ms)
        self.log = cast(Any, Logger(app.definitions.app))
        self.faults = BoxedFaults(rates)
        self.fleet: BoxedFleet = BoxedFleet(self)
        if not is_rough:
            self._latencies = (0,)

    def _make_cloud(self) -> MemoryCloud:
        self.built = (self._app, self._app)
        cloud = super()._make_cloud()
        self.mail: BoxedMail = BoxedMail(self)
        cloud = MemoryCloud(cloud.clock, self._app.app.definitions, mail=self.mail, timers=UnreliableTimers(self, self.mail, cloud.clock))
        cloud.table.on_write = self._wrote
        if self.rates.index_lag_ms:
            cloud.table.index_view = self._index_lag
        return cloud

    def _index_lag(self) -> int:
        """The test itself sees what is so."""
        return 0 if self.scheduler.current is None else self.random.randrange(self.rates.index_lag_ms)

    def called(self, environment: Environment, task: Task, call: Call) -> None:
        """A port call has had its effect; there may be any number."""
        if not environment.name.startswith("sweeper"):
            self._calls.append((self.scheduler.now_ms, environment.name, call))

    def told(self) -> str:
        """What happened, one line for each call of a port; the last ones."""
        faults = ", ".join(fault.kind for fault in self.faults.struck)
        lines = [f"{instant(at):%m-%d %H:%M:%S.%f} {who}: {call}"[:300] for at, who, call in self._calls[-_TOLD:]]
        return "\n".join([f"faults: {faults or 'none'}", *lines])

    # ---- workers -----------------------------------------------------------------------------------------------------

    def equipped(self, worker: Worker, environment: Environment) -> Worker:
        """As a Sandbox has it: with stubs, mortal, and with a clock that nobody waits by."""
        ports = msgspec.structs.replace(
            worker.ports,
            clock=UnwaitedClock(worker.ports.clock),
            **{name: Adapter(self, environment, getattr(worker.ports, name)) for name in PORTS},
        )
        return self._stubs.on(replace(worker, ports=mortal(ports, FuseOf(self._fuse, environment)), runner=partial(Runner, environment)))

    def gives_up(self) -> bool:
        """Whether an adapter does, after a call that failed: the slice is then at its end, as if it had died."""
        if not self.is_rough or self.random.random() >= _GIVES_UP or self._given_up >= MOST_GIVEN_UP:
            return False
        self._given_up += 1
        return True

    # ---- time --------------------------------------------------------------------------------------------------------

    def settle(self, until_ms: int) -> None:
        """Let everything happen that is to happen by then, as late as it may come."""
        self.is_stuck = True
        self.scheduler.run(until_ms)
        while (at := self._next_late()) is not None:
            self.scheduler.run(at)
        self._expire()
        self.is_stuck = False

    def close(self) -> None:
        """End what goes on. When a test was interrupted because something waits for ever by a real clock, it cannot be ended."""
        if not self.is_stuck or self.scheduler.failure is not None:
            self.scheduler.close()

    def _next_late(self) -> int | None:
        if not self.fleet.is_busy:
            return self.mail.next_late(self.scheduler.now_ms)
        at = self.scheduler.next_at
        assert at is not None, "somebody works, and nothing will happen"
        return at

    def lost_since(self, since_ms: int) -> int:
        """In how many milliseconds since then something was late."""
        lost, seen = 0, since_ms
        for meant, done in sorted(self.mail.late):
            lost += max(0, done - max(seen, meant))
            seen = max(seen, done)
        return lost

    def _sweep(self) -> None:
        super()._sweep()
        self._expire()

    def _expire(self) -> None:
        now = self.scheduler.now_ms
        if now - self._expired_at < MINUTE:
            return
        self._expired_at = now
        table = self.cloud.table
        table.on_write, on_write = None, table.on_write  # that what has expired goes is no write of the engine's
        while table.expire(now // 1000):
            pass
        table.on_write = on_write


class BoxedFaults(Faults):
    """No more deaths than a step survives."""

    def strikes(self, task: Task, kind: str, rate: float, at_ms: int) -> bool:
        is_deadly = kind.startswith(("crash", "freeze"))
        if is_deadly and sum(fault.kind.startswith(("crash", "freeze")) for fault in self.struck) >= MOST_DEATHS:
            rate = 0
        return super().strikes(task, kind, rate, at_ms)
