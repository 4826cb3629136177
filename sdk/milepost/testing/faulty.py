"""The box of one play of `crash_everywhere`: a Sandbox in which one fault happens, and which keeps count.

What is delivered, and in which order, is decided here; what a worker does with it is the Sandbox's.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, Self

import msgspec

from milepost.definitions import HasDefinitions
from milepost.engine.ambient import CURRENT, Ambient
from milepost.engine.deliver import Ack, Later, deliver
from milepost.engine.messages import Received
from milepost.testing.backends import MemoryBackend
from milepost.testing.crashes import mortal
from milepost.testing.faults import Crash, Duplicate, Fault, FaultFuse, Last, NewestFirst
from milepost.testing.sandbox import INVOCATION_MS, Sandbox
from milepost.testing.steady import SteadyRunner, settle_io
from milepost.testing.witness import StepKey, Witness

QUIET: Final = timedelta(minutes=10)
"""Nothing is due so long before the instant at which plays are compared, nor so long after it: a play that lost some minutes
to a crash is as far as the others by then."""
_QUIET_MS: Final = int(QUIET / timedelta(milliseconds=1))
_AFTER_LATE: Final = timedelta(minutes=5)
_ROUNDS: Final = 10
"""Due times that are waited for before that instant, at the most: a cron is due for ever."""
_MOST_DELIVERIES: Final = 100_000
_MANY: Final = 10_000


class Silent:
    """`Log` of step.py that writes nothing: a line of each of a hundred plays is no help."""

    def debug(self, message: str, /, *args: object, **fields: object) -> None:
        """Not written."""

    info = warning = error = exception = debug


class FaultyBox(Sandbox):
    """A Sandbox with a fault. ``left_out``: executions of steps that are not to happen, by step. ``is_brief``: workers log
    nothing, and are not metered, which saves a third of the time.
    """

    def __init__(
        self,
        app: HasDefinitions,
        fault: Fault,
        *,
        start: datetime | None = None,
        left_out: Mapping[StepKey, frozenset[int]] | None = None,
        is_brief: bool = False,
    ) -> None:
        super().__init__(app, start=start)
        self.fault = fault
        kills = (fault.first, fault.second) if isinstance(fault, Crash) else ()
        self._fuse = self.faults = FaultFuse(kill for kill in kills if kill is not None)
        self.witness = Witness(left_out or {}, self.faults.mark)
        self.begun_at_deaths: list[dict[StepKey, int]] = []
        """How often each step had been begun when a worker died."""
        self.is_used = False
        """The scenario did something with the box."""
        self.deliveries = 0
        self.contended: list[int] = []
        """Deliveries at which others could have been delivered, too."""
        self._is_brief = is_brief
        self._lost_ms = 0
        """Time that passed because a worker had died."""
        self._copies: list[tuple[int, Received]] = []
        """Messages to be delivered once more, and when."""
        self._late: list[Received] = []
        self._held: list[Received] = []
        """Messages that are in our hands, the next to be delivered last."""

    def __enter__(self) -> Self:
        super().__enter__()
        if not isinstance(self._backend, MemoryBackend):
            raise TypeError("faults are played in memory")
        self._mailbox = self._backend.mailbox
        worker = self._worker
        find = worker.stub

        def watched(function: str, path: str, fn: Callable[..., Any]) -> Callable[..., Any]:
            return self.witness.around(function, path, find(function, path, fn))

        self._worker = replace(
            worker,
            stub=watched,
            runner=SteadyRunner,
            ports=mortal(self._plain.ports, self.faults) if self._is_brief else worker.ports,
            log=Silent() if self._is_brief else worker.log,
        )
        if self._is_brief:
            CURRENT.set(Ambient(replace(self._outside, log=Silent()), "", -1))  # taken back with the Sandbox's own
        return self

    # ---- time --------------------------------------------------------------------------------------------------------

    def advance(self, by: timedelta, /) -> None:
        """As ever; and by the time that a crash has cost on the way, so that what is due in it is due in it still."""
        lost = self._lost_ms
        super().advance(by)
        while self._lost_ms > lost:
            by, lost = timedelta(milliseconds=self._lost_ms - lost), self._lost_ms
            super().advance(by)

    def settle(self, until_ms: int | None) -> int:
        """Let the scenario come to rest, by that time, or by one at which nothing is about to happen; then deliver what is
        to come late. Returns the time of the rest, in epoch milliseconds.
        """
        is_used = self.is_used
        self.run_until_idle()
        at = self._quiet_at() if until_ms is None else until_ms
        super().advance(timedelta(milliseconds=max(0, at - self._clock.now_ms())))
        if self._late:
            self._copies += [(self._clock.now_ms(), received) for received in self._late]
            self._late.clear()
            super().advance(_AFTER_LATE)
        self.is_used = is_used
        return at

    def _quiet_at(self) -> int:
        last = self._clock.now_ms()
        for _ in range(_ROUNDS):
            due = self._next_at()
            if due is None or due > last + 2 * _QUIET_MS:
                break
            super().advance(timedelta(milliseconds=max(0, due - self._clock.now_ms())))
            last = self._clock.now_ms()
        return last + _QUIET_MS

    def _next_at(self) -> int | None:
        """The sweeper comes when time passes anyhow: no run needs it to get over a crash."""
        times = [at for at in (self._backend.next_at(with_sweeper=False), *(at for at, _ in self._copies)) if at is not None]
        return min(times, default=None)

    # ---- deliveries --------------------------------------------------------------------------------------------------

    def run_until_idle(self) -> None:
        """Deliver everything that is deliverable now, in this play's order."""
        self.is_used = True
        for _ in range(_MOST_DELIVERIES):
            self._tend()
            copied = self._take_copy()
            if copied is not None:
                self._handle_copy(copied)
                continue
            received = self._take()
            if received is None:
                return
            self._handle(received)
        raise RuntimeError(f"{_MOST_DELIVERIES} messages were delivered at {self.now} and there are more: two functions feed each other")

    def _take(self) -> Received | None:
        now = self._clock.now_ms()
        if isinstance(self.fault, NewestFirst):
            self._held += self._mailbox.receive(now, _MANY)
            return self._held.pop() if self._held else None
        while received := self._mailbox.receive(now, 1):
            if not (isinstance(self.fault, Last) and self.fault.delivery == self.deliveries + 1 and not self._held):
                if self._mailbox.has_visible(now):
                    self.contended.append(self.deliveries + 1)
                return received[0]
            self._held += received
        return self._held.pop() if self._held else None

    def _handle(self, received: Received) -> None:
        self.deliveries += 1
        number, before, deaths = self.deliveries, self._clock.now_ms(), len(self.faults.deaths)
        super()._handle(received)
        self.faults.mark()
        self._lost_ms += self._clock.now_ms() - before  # nothing else lets time pass in a delivery
        if len(self.faults.deaths) > deaths:
            self._bury()
        if isinstance(self.fault, Duplicate) and self.fault.delivery == number:
            copy = msgspec.structs.replace(received, deliveries=received.deliveries + 1)
            if self.fault.is_late:
                self._late.append(copy)
            else:
                self._copies.append((self._clock.now_ms(), copy))

    def _bury(self) -> None:
        """What the dead worker had under way on the I/O loop is dead, too, before another goes on."""
        if any(definition.is_async for definition in self._definitions.functions.values()):
            settle_io()
        self.begun_at_deaths.append(dict(self.witness.begun))

    def _take_copy(self) -> Received | None:
        now = self._clock.now_ms()
        for index, (at, received) in enumerate(self._copies):
            if at <= now:
                del self._copies[index]
                return received
        return None

    def _handle_copy(self, received: Received) -> None:
        verdict = deliver(received, self._worker, self._clock.now_ms() + INVOCATION_MS)
        match verdict:
            case Ack():
                pass
            case Later(at_ms):
                self._copies.append((at_ms, msgspec.structs.replace(received, deliveries=received.deliveries + 1)))
