"""Durable operations: what a step method does, apart from how a body waits for it.

An operation begins, and says in which state it is; the driver of the body (steps.py) brings it on:

    begin ──▶ Done        recorded, or nothing to wait for
          ──▶ Work        prepare, run what that gives, then tell succeeded() or failed(), which say the next state
          ──▶ Commit      put this record once, then tell which record stands
          ──▶ Again       due so soon that this slice waits, then begins again
          ──▶ Parked      the body waits: suspend

So every kind of step is written once, whoever drives the body: on a thread of its own and one at a time (steps.py), many
at once (pump.py).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeAlias

import msgspec

from milepost.engine.records import Failing, Record
from milepost.engine.slice import Pending, Slice
from milepost.errors import MilepostError, RetryAfterError, StepError, StepInterrupted, WaitTimeout, WorkerCrashed, step_error
from milepost.options import Retry
from milepost.timestamps import duration_ms, milliseconds


class Done(msgspec.Struct, frozen=True):
    """It has a value."""

    value: Any


class Work(msgspec.Struct, frozen=True):
    """It wants something run: what `prepare` gives, on whatever thread. `prepare` itself is called on the slice's own, and
    what it raises is what the work raised.
    """

    prepare: Callable[[], Callable[[], Any]]
    timeout_ms: int | None = None
    is_ours: bool = False
    """It is not the user's function: it asks a port, and need not leave the slice's thread."""


class Commit(msgspec.Struct, frozen=True):
    """It wants this record put once. `then` is told which record stands, and whether that is this one."""

    record: Record
    then: Callable[[Record, bool], "State"]


class Again(msgspec.Struct, frozen=True):
    """It is due so soon that it can be waited for within the slice; if not, `pending` is what to suspend over."""

    at_ms: int
    pending: Pending


class Parked(msgspec.Struct, frozen=True):
    """The body waits for it."""

    pending: Pending


State: TypeAlias = Done | Work | Commit | Again | Parked


class Operation(Protocol):
    """One durable operation under a claimed path."""

    slice: Slice
    path: str

    def begin(self) -> State:
        """Where it stands. Raises the error it is recorded with."""
        ...

    def replay(self) -> State:
        """Where it stands, the body having seen its end in a slice before."""
        ...

    def succeeded(self, value: Any, /) -> State:
        """The work returned this."""
        ...

    def failed(self, error: BaseException, /) -> State:
        """The work raised this. Raises when that is final."""
        ...


class Recorded:
    """The operations that leave a final record: what they are in a replay stands there."""

    __slots__ = ()

    def begin(self) -> State:
        raise NotImplementedError

    def replay(self) -> State:
        return self.begin()


class WithoutWork(Recorded):
    """The operations that run nothing of the user's: they wait, or ask the history."""

    def succeeded(self, value: Any, /) -> State:
        return Done(value)

    def failed(self, error: BaseException, /) -> State:
        raise error


_WAITS = {"milepost.errors.WaitTimeout": WaitTimeout}
_NAMED: dict[str, type[StepError]] = {
    "milepost.errors.StepInterrupted": StepInterrupted,
    "milepost.errors.WorkerCrashed": WorkerCrashed,
}


def recorded_error(record: Record) -> MilepostError:
    """The error that a failed record stands for: the same at the first run and at every replay."""
    stored = record.error or Failing(type="milepost.errors.StepError", message="")
    if (wait := _WAITS.get(stored.type)) is not None:
        return wait(stored.message)
    return step_error(record.path, stored.info(), _NAMED.get(stored.type, StepError))


def next_attempt(operation: "Retried", error: BaseException, attempts: int) -> int | None:
    """When to try again, in epoch milliseconds; None: that was the last attempt."""
    retry = operation.retry
    now = operation.slice.now()
    if isinstance(error, StepError) or attempts > retry.retries or retry.gives_up_on(error):
        return None
    if isinstance(error, RetryAfterError):
        return max(now, milliseconds(error.when)) if isinstance(error.when, datetime) else now + duration_ms(error.when)
    if isinstance(error, MilepostError):
        return None
    return now + retry.delay_ms(attempts, f"{operation.slice.header.run}/{operation.path}")


def rest(slice_: Slice, record: Record) -> State:
    """Wait for a recorded retry or poll: here when it is near, else suspended."""
    pending = Pending(record=record, recorded=True)
    due_at = record.due_at or 0
    near = due_at - slice_.worker.now() <= slice_.worker.settings.wait_in_slice_ms
    return Again(due_at, pending) if near else Parked(pending)


class Retried(Protocol):
    """What has a retry policy."""

    @property
    def slice(self) -> Slice: ...
    @property
    def path(self) -> str: ...
    @property
    def retry(self) -> Retry: ...
