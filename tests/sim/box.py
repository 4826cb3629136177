"""A Sandbox whose cloud is the simulator's: what a test does with it is the same, and what happens is what a seed holds in store.

Its clock is moved no further than the test says, unless something is late by then: that is waited for, and the time that passes
for it is not counted as the test's own.
"""

from contextvars import ContextVar
from datetime import datetime, timedelta
from types import TracebackType
from typing import ClassVar, Final, Self

import msgspec

from milepost.definitions import HasDefinitions
from milepost.engine.ambient import CURRENT, Ambient
from milepost.engine.client import Client
from milepost.engine.schedules import Schedules
from milepost.local.assembly import worker_on
from milepost.options import check_duration
from milepost.testing import Sandbox
from milepost.testing.clock import VirtualClock
from milepost.testing.meter import MeteredTable
from milepost.timestamps import duration_ms
from tests.sim.boxed import BoxedWorld
from tests.sim.boxed_worker import BoxFuse


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What befalls the boxes that are opened."""

    seed: int
    is_rough: bool = False


PROFILE: Final[ContextVar[Profile]] = ContextVar("profile")


class SimulatedBox(Sandbox):
    """A Sandbox in the simulator, with the faults of the present profile."""

    opened: ClassVar["SimulatedBox | None"] = None
    """The last one: what happened in it is what a failure is explained by."""

    def __init__(self, app: HasDefinitions, /, *, start: datetime | None = None) -> None:
        super().__init__(app, start=start)
        self._app = app
        self._profile = PROFILE.get()
        self._fuse: BoxFuse = BoxFuse()

    def __enter__(self) -> Self:
        SimulatedBox.opened = self
        self.world = world = BoxedWorld(
            self._app,
            seed=self._profile.seed,
            is_rough=self._profile.is_rough,
            start_ms=self._clock.now_ms(),
            stubs=self._stubs,
            fuse=self._fuse,
        )
        self._clock = _Scheduled(world)
        plain = world.cloud.ports
        metered = msgspec.structs.replace(plain, table=MeteredTable(plain.table, self._meter))
        world.cloud.ports = metered
        self._outside = worker_on(metered, self._definitions, observe=world.observe)
        self._client = Client(self._outside, new_id=lambda: f"event-{next(self._ids)}")
        self._reader = Client(worker_on(plain, self._definitions), new_id=str)
        self._schedules = Schedules(self._outside)
        self._expect_cron()
        self._ambient = CURRENT.set(Ambient(self._outside, "", -1))
        self._is_open = True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /) -> None:
        self._is_open = False
        CURRENT.reset(self._ambient)
        self.world.close()

    def run_until_idle(self) -> None:
        """Deliver everything that is deliverable now, and wait for what is late."""
        self.world.settle(self._clock.now_ms())

    def advance(self, by: timedelta, /) -> None:
        """Let time pass; and so much more as something was late on the way, so that what is due in it is due in it still."""
        self.run_until_idle()
        ms = duration_ms(check_duration(by, "advance", maximum=timedelta(days=36_500)))
        began = self._clock.now_ms()
        slack = 2 * self.world.rates.skew_ms if ms else 0
        while (until := began + ms + slack + self.world.lost_since(began)) > self._clock.now_ms():
            self.world.settle(until)

    def told(self) -> str:
        """What happened in it."""
        return f"{self._profile}\n{self.world.told()}"

    # ---- crons -------------------------------------------------------------------------------------------------------

    def _expect_cron(self) -> None:
        at = self._schedules.next_at()
        if at is not None:
            self.world.scheduler.call_at(at, self._tick)

    def _tick(self) -> None:
        self._schedules.fire()
        self._expect_cron()


class _Scheduled(VirtualClock):
    """The scheduler's time."""

    def __init__(self, world: BoxedWorld) -> None:
        self._world = world

    def now_ms(self) -> int:
        return self._world.scheduler.now_ms

    def move_to(self, at_ms: int) -> None:
        raise AssertionError("only the scheduler moves the time")
