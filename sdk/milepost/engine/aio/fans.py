"""map and invoke_many in an async body: many operations, handed out once, at their join."""

from collections.abc import Callable
from contextvars import Context
from typing import Any, Protocol

from milepost.engine.aio.requests import Request
from milepost.engine.branches import Broke, Group, GroupEnd, Outcome, Returned, Waits, outcome_of
from milepost.engine.fan import Fan
from milepost.engine.interrupts import Interrupt
from milepost.engine.operations import Done, Operation, State
from milepost.engine.pump import Job, Owner, Pump
from milepost.engine.records import Record
from milepost.engine.slice import Pending, Slice


class Keeper(Owner, Protocol):
    """Who is asked to wake a job that rests, and to go on with a fan."""

    def keep_going(self, fan: "FanRequest", /) -> None: ...
    def wake(self, request: Request, /) -> None: ...


class _Join:
    """What the path of a fan stands for: all its items together."""

    def __init__(self, slice_: Slice, group: Group, make: Callable[[int], Operation]) -> None:
        self.slice = slice_
        self.path = group.path
        self._group = group
        self._make = make

    def replay(self) -> State:
        record = self._group.recorded()
        if record is not None and record.is_final:
            self._make(int(record.detail["index"])).replay()
            raise TypeError(f"{self.path} was decided by an item that has not failed")
        outcomes = [replayed(self._make(index), index) for index in range(self._group.count)]
        self.slice.journal.pass_over(f"{self.path}/")
        return Done(self._group.ended(outcomes))

    begin = replay

    def succeeded(self, value: Any, /) -> State:
        return Done(value)

    def failed(self, error: BaseException, /) -> State:
        raise error


class FanRequest(Request):
    """A fan that a task waits for."""

    __slots__ = ("_context", "_fan", "_group", "_keeper", "_make", "_pump", "_resting", "is_through")

    is_fan = True

    def __init__(self, slice_: Slice, group: Group, make: Callable[[int], Operation], keeper: Any, context: Context | None) -> None:
        super().__init__(_Join(slice_, group, make), keeper, context)
        self._group = group
        self._make = make
        self._keeper: Keeper = keeper
        self._fan: Fan | None = None
        self._resting: dict[Job, None] = {}
        self.is_through = False
        """All that can happen in this slice has."""

    def begin(self, pump: Pump) -> None:
        self._keeper.waits(self)
        self._fan = Fan(self.slice, pump, self._group, self._make, self._group.limit, self._rest, self.context)
        self._pump = pump
        self._keeper.keep_going(self)

    def go_on(self) -> Interrupt | None:
        """Begin more items where there is room; conclude when all have ended. Returns what ends the slice."""
        fan = self._fan
        if fan is None or self.is_through or self.is_dropped:  # dropped: no item of it begins any more
            return None
        fan.go_on()
        if fan.is_drained and fan.interrupt is None:
            self.is_through = True
            self._conclude(fan.outcomes)
        return fan.interrupt

    def _conclude(self, outcomes: list[Outcome | None]) -> None:
        broken = next((outcome.error for outcome in outcomes if isinstance(outcome, Broke)), None)
        index = self._group.decisive(outcomes)
        if broken is not None:
            self.owner.raised(self, broken, is_committed=False)
        elif index is not None:
            self.operation = GroupEnd(self.slice, self._group, index, outcomes[index], self._make)
            self._pump.begin(self)
        elif not any(outcome is None or isinstance(outcome, Waits) for outcome in outcomes):
            self.owner.done(self, self._group.ended(outcomes), is_committed=False)

    # ---- items that rest ---------------------------------------------------------------------------------------------

    def _rest(self, job: Job) -> None:
        self._resting[job] = None
        self._keeper.wake(_Rested(self, job))

    def again(self, job: Job) -> None:
        """A job that rested is due."""
        if self._fan is not None and job in self._resting and not self.is_dropped:
            del self._resting[job]
            self._fan.again(job)

    # ---- the end -----------------------------------------------------------------------------------------------------

    def drop(self, pump: Pump) -> None:
        self._resting.clear()
        self.slice.withdraw(self.path)  # what its items wait for has not been asked of anybody yet
        if self._fan is not None:
            for job in self._fan.jobs:
                pump.drop(job)

    def pendings(self) -> list[Pending]:
        return [job.pending for job in self._resting if job.pending is not None]

    def left_behind(self) -> list[Record]:
        return [record for record in self.slice.journal.under(f"{self.path}/") if not record.is_final]


class _Rested(Request):
    """An item of a fan that is to be begun again."""

    __slots__ = ("_fan", "_job")

    def __init__(self, fan: FanRequest, job: Job) -> None:
        super().__init__(job.operation, fan.owner)
        self._fan = fan
        self._job = job
        self.due_at = job.due_at

    def begin(self, pump: Pump) -> None:  # noqa: ARG002 - the fan has its own way to it
        self._fan.again(self._job)


def replayed(operation: Operation, index: int) -> Outcome:
    """How an item had ended."""
    try:
        state = operation.replay()
    except Interrupt:
        raise
    except Exception as error:  # noqa: BLE001 - an outcome like any other
        return outcome_of(error)
    return Returned(state.value, index) if isinstance(state, Done) else Waits()
