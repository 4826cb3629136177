"""What an async body waits for: an operation, or a timer of its event loop, on its way to be handed out."""

import asyncio
from contextvars import Context
from typing import Any, Protocol

import msgspec

from milepost.engine.aio.loop import BodyLoop, BodyTimer
from milepost.engine.interrupts import Interrupt
from milepost.engine.operations import Done, Operation
from milepost.engine.pump import Job, Owner, Pump
from milepost.engine.records import Record
from milepost.engine.sleeping import SleepOperation
from milepost.engine.slice import Pending, Slice
from milepost.errors import NonDeterminismError


class Request(Job):
    """An operation that a task of the body waits for."""

    __slots__ = ("error", "future", "is_handed", "is_over", "path", "value")

    is_fan = False

    def __init__(self, operation: Operation, owner: Owner, context: Context | None = None) -> None:
        super().__init__(operation, owner, context)
        self.path = operation.path
        self.future: asyncio.Future[Any] | None = None
        self.value: Any = None
        self.error: BaseException | None = None
        self.is_over = False
        """It has a value or an error."""
        self.is_handed = False
        """The body has it."""

    def __lt__(self, other: object) -> bool:
        return False  # in a heap those of the same place are equal

    @property
    def slice(self) -> Slice:
        return self.operation.slice

    @property
    def is_over_when_due(self) -> bool:
        """When it is due it is over; else it has to be begun again to know."""
        return isinstance(self.operation, SleepOperation)

    def completed_at(self) -> int | None:
        """When it was completed by others, or was due, as the history says; None when it was not."""
        record = self.slice.journal.peek(self.path)
        if record is None or record.status == "cancelled":
            return None
        if record.is_final:
            return record.ended_at or 0
        is_over = record.kind == "sleep" and self.is_over_when_due and self.slice.is_due(record.due_at or 0)
        return record.due_at if is_over else None

    def begin(self, pump: Pump) -> None:
        """Bring it on. Raises the interrupt that keeps it from beginning."""
        record = self.slice.journal.peek(self.path)
        if record is not None and record.status == "cancelled":
            raise self.slice.misused(
                NonDeterminismError(
                    f"run {self.slice.header.run} of {self.slice.header.function}: the body cancelled {self.path!r} before, and now waits "
                    "for it. Branch with step.patched(), then deploy: the run goes on by itself."
                )
            )
        pump.begin(self)

    def hand_out(self) -> None:
        """Give the body what became of it."""
        self.resolve()
        future = self.future
        if future is None or future.done():
            return
        if self.error is None:
            future.set_result(self.value)
        else:
            future.set_exception(self.error)

    def resolve(self) -> None:
        """Know what became of it: from now on the body has it."""
        self.is_handed = True
        if not self.is_over:
            self.is_over = True
            try:
                self.value = value_of(self.operation)
            except Interrupt:
                raise
            except Exception as error:  # noqa: BLE001 - raised where the body waits
                self.error = error

    def drop(self, pump: Pump) -> None:
        """Stop what is its own besides the work."""

    def pendings(self) -> list[Pending]:
        """What it waits for when the slice suspends."""
        return [] if self.pending is None else [self.pending]

    def left_behind(self) -> list[Record]:
        """The records of what waits for others, and must not do so any longer."""
        stored = self.slice.journal.peek(self.path)
        if stored is not None:
            return [] if stored.is_final else [stored]
        record = None if self.pending is None else self.pending.record
        return [record] if record is not None and self.path in self.slice.registered else []


def value_of(operation: Operation) -> Any:
    """The value that the history says it has. Raises its error; NonDeterminismError when the history does not say."""
    state = operation.replay()
    if not isinstance(state, Done):
        raise operation.slice.misused(_without_record(operation.slice, operation.path))
    return state.value


def _without_record(slice_: Slice, path: str) -> NonDeterminismError:
    return NonDeterminismError(
        f"run {slice_.header.run} of {slice_.header.function}: the body went past {path!r} before, but its record is gone, or is one of "
        "another kind of step. Was the state edited? Rerun from that step: milepost rerun RUN --from STEP."
    )


class TimerKeeper(Protocol):
    """Who is told that a timer waits."""

    loop: BodyLoop

    def waits(self, job: Any, /) -> None: ...


class _TimerOperation:
    """What the path of a timer stands for: nothing but time."""

    def __init__(self, slice_: Slice, path: str) -> None:
        self.slice = slice_
        self.path = path

    def begin(self) -> Done:
        return Done(None)

    replay = begin

    def succeeded(self, value: Any, /) -> Done:
        return Done(value)

    def failed(self, error: BaseException, /) -> Done:
        raise error


class TimerRequest(Request):
    """A timer of the body's loop. It has a row only if a slice suspended over it."""

    __slots__ = ("_keeper", "timer")

    def __init__(self, timer: BodyTimer, slice_: Slice, keeper: Any) -> None:
        super().__init__(_TimerOperation(slice_, timer.path), keeper)
        self.timer = timer
        self._keeper: TimerKeeper = keeper
        record = slice_.journal.peek(timer.path)
        if record is not None:
            slice_.expect(record, "timer")
        self.due_at = timer.due_at if record is None or record.due_at is None else record.due_at

    @property
    def is_over_when_due(self) -> bool:
        return True

    def completed_at(self) -> int | None:
        due_at = self.due_at or 0
        return due_at if self.slice.is_due(due_at) else None

    def begin(self, pump: Pump) -> None:  # noqa: ARG002 - nothing to bring on
        self._keeper.waits(self)

    def hand_out(self) -> None:
        self.is_handed = self.is_over = True
        self._keeper.loop.fire(self.timer)

    def pendings(self) -> list[Pending]:
        journal = self.slice.journal
        stored = journal.peek(self.path)
        if stored is not None:
            return [Pending(record=stored, recorded=True)]
        record = journal.record(self.path, "timer", self.slice.worker.now())
        return [Pending(record=msgspec.structs.replace(record, due_at=self.due_at), recorded=False)]

    def left_behind(self) -> list[Record]:
        return []  # nobody completes it, and a suspended slice arms what it still waits for
