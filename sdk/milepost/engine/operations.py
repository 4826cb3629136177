"""Durable operations: what a step method does, apart from how a body waits for it.

An operation begins, and says in which state it is; the driver of the body (steps.py) brings it on:

    begin ──▶ Done        recorded, or nothing to wait for
          ──▶ Work        run this callable, then tell succeeded() or failed(), which say the next state
          ──▶ Again       due so soon that this thread waits, then begins again
          ──▶ Parked      the body waits: suspend

So every kind of step is written once, whoever drives the body.
"""

import inspect
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeAlias

import msgspec

from milepost.codec import arguments_digest, decode_arguments, return_codec
from milepost.engine.journal import completed, failed
from milepost.engine.ports import Absent
from milepost.engine.records import Failing, Kind, Record
from milepost.engine.slice import Pending, Slice, Undo, failing
from milepost.errors import (
    CodecError,
    ErrorInfo,
    MilepostError,
    RetryAfterError,
    StepError,
    StepInterrupted,
    WaitTimeout,
    WorkerCrashed,
    step_error,
)
from milepost.options import Backoff, Retry


class Done(msgspec.Struct, frozen=True):
    """It has a value."""

    value: Any


class Work(msgspec.Struct, frozen=True):
    """It wants this run."""

    call: Callable[[], Any]


class Again(msgspec.Struct, frozen=True):
    """It is due so soon that it can be waited for within the slice; if not, `pending` is what to suspend over."""

    at_ms: int
    pending: Pending


class Parked(msgspec.Struct, frozen=True):
    """The body waits for it."""

    pending: Pending


State: TypeAlias = Done | Work | Again | Parked


class Operation(Protocol):
    """One durable operation under a claimed path."""

    slice: Slice
    path: str

    def begin(self) -> State:
        """Where it stands. Raises the error it is recorded with."""
        ...

    def succeeded(self, value: Any, /) -> State:
        """The work returned this."""
        ...

    def failed(self, error: Exception, /) -> State:
        """The work raised this. Raises when that is final."""
        ...


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


def next_attempt(operation: "Retried", error: Exception, attempts: int) -> int | None:
    """When to try again, in epoch milliseconds; None: that was the last attempt."""
    retry = operation.retry
    if isinstance(error, RetryAfterError):
        if attempts > retry.retries:
            return None
        now = operation.slice.worker.now()
        if isinstance(error.when, datetime):
            return max(now, round(error.when.timestamp() * 1000))
        return now + round(error.when.total_seconds() * 1000)
    if isinstance(error, MilepostError) or isinstance(error, retry.give_up_on) or attempts > retry.retries:
        return None
    return operation.slice.worker.now() + retry.delay_ms(attempts, f"{operation.slice.header.run}/{operation.path}")


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


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Per-step options."""

    retry: Retry | None = None
    once: bool = False
    timeout_ms: int | None = None
    compensate: Callable[..., object] | None = None


NO_OPTIONS = RunOptions()


class RunOperation:
    """step.run: run to success once, record, return the record for ever after. One write, no read."""

    kind: Kind = "run"

    def __init__(
        self,
        slice_: Slice,
        path: str,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        options: RunOptions = NO_OPTIONS,
    ) -> None:
        self.slice = slice_
        self.path = path
        self._fn = fn
        self._args = args
        self._kwargs = kwargs
        self._options = options
        self._digest = arguments_digest(args, kwargs)
        self._record: Record | None = None

    @property
    def retry(self) -> Retry:
        return self._options.retry or self.slice.definition.retry

    @property
    def _what(self) -> str:
        return f"the result of step {self.path!r}"

    def begin(self) -> State:
        record = self.slice.journal.get(self.path)
        if record is None:
            return Work(self._work)
        self.slice.expect(record, self.kind)
        if record.digest is not None and record.digest != self._digest and self.slice.arguments is None:
            self._warn_arguments()
        if record.is_final:
            return self._final(record)
        self._record = record
        if record.detail.get("once"):
            return self._give_up(failing(_interrupted(self.path), self.path))
        if record.due_at is not None and not self.slice.is_due(record.due_at):
            return rest(self.slice, record)
        return Work(self._work)

    def _warn_arguments(self) -> None:
        self.slice.worker.log.warning(
            "a step is replayed with other arguments than it was recorded with; its recorded result is used",
            run_id=self.slice.header.run,
            function=self.slice.header.function,
            step=self.path,
        )

    def _work(self) -> Any:
        if self.slice.has_killed(self.path):
            raise _crashed(self.path, self.slice.worker.settings.max_deaths)
        args, kwargs = self._arguments()
        if self._options.once:
            self._begin_once()
        fn = self.slice.worker.stub(self.slice.header.function, self.path, self._fn)
        return fn(*args, **kwargs)

    def _arguments(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        edited = self.slice.arguments
        if edited is None or edited[0] != self.path:
            return self._args, self._kwargs
        return decode_arguments(self._fn, msgspec.json.decode(edited[1]), self.slice.definition.localns)

    def _begin_once(self) -> None:
        begun = msgspec.structs.replace(self._new(), detail={"once": True})
        stands = self.slice.journal.put(begun, Absent())
        if stands is not begun:
            raise _interrupted(self.path)
        self._record = begun

    def _new(self) -> Record:
        if self._record is None:
            self._record = self.slice.journal.record(self.path, self.kind, self.slice.worker.now(), self._digest)
            if self._options.compensate is not None:
                self._record = msgspec.structs.replace(self._record, undo=True)
        return self._record

    def succeeded(self, value: Any, /) -> State:
        try:
            raw, seen = return_codec(self._fn, self.slice.definition.localns).round_trip(value, self._what)
            packed = self.slice.pack(raw, self._what)
        except CodecError as error:
            return self.failed(error)
        record = self._new()
        ours = completed(record, packed, self.slice.worker.now())
        ours = msgspec.structs.replace(ours, attempts=record.attempts + 1, detail={})
        self.slice.check_branch(self.path)
        stands = self.slice.journal.put(ours)
        if stands is not ours:
            return self._final(stands)
        self._keep_undo(ours, seen)
        return Done(seen)

    def failed(self, error: Exception, /) -> State:
        record = self._new()
        attempts = record.attempts + 1
        due_at = None if self._options.once else next_attempt(self, error, attempts)
        if due_at is None:
            self._record = msgspec.structs.replace(record, attempts=attempts)
            return self._give_up(failing(error, self.path))
        resting = msgspec.structs.replace(record, attempts=attempts, due_at=due_at, error=failing(error, self.path))
        self.slice.check_branch(self.path)
        stands = self.slice.journal.put(resting)
        if stands.is_final:
            return self._final(stands)
        self._record = stands
        return rest(self.slice, stands)

    def _give_up(self, error: Failing) -> State:
        self.slice.check_branch(self.path)
        return self._final(self.slice.journal.put(failed(self._new(), error, self.slice.worker.now())))

    def _final(self, record: Record) -> State:
        if record.status == "failed":
            raise recorded_error(record)
        codec = return_codec(self._fn, self.slice.definition.localns)
        value = codec.decode(self.slice.unpack(record.value), self._what)
        self._keep_undo(record, value)
        return Done(value)

    def _keep_undo(self, record: Record, value: Any) -> None:
        compensate = self._options.compensate
        if compensate is not None:
            self.slice.has_undo = True
            self.slice.undos[self.path] = Undo((record.epoch, record.k), self.path, undo_call(compensate, value))


def undo_call(compensate: Callable[..., object], value: Any) -> Callable[[], object]:
    """A compensation takes the step's result, or nothing."""
    try:
        parameters = inspect.signature(compensate).parameters.values()
    except (TypeError, ValueError):  # a builtin that tells nothing of itself
        return lambda: compensate(value)
    takes = any(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL) for p in parameters)
    return (lambda: compensate(value)) if takes else compensate


def _interrupted(path: str) -> StepInterrupted:
    text = f"the worker died in step {path!r}, which runs at most once: nobody knows whether it had its effect"
    return StepInterrupted(path, ErrorInfo("milepost.errors.StepInterrupted", text, "", path))


def _crashed(path: str, deaths: int) -> WorkerCrashed:
    text = f"the worker died in step {path!r} {deaths} times: out of memory, out of time, or killed"
    return WorkerCrashed(path, ErrorInfo("milepost.errors.WorkerCrashed", text, "", path))


class SleepOperation:
    """step.sleep and sleep_until: one record when the run suspends, none when the time is past already."""

    kind: Kind = "sleep"

    def __init__(self, slice_: Slice, path: str, *, for_ms: int | None = None, until_ms: int = 0) -> None:
        self.slice = slice_
        self.path = path
        self._for_ms = for_ms
        self._until_ms = until_ms

    def begin(self) -> State:
        record = self.slice.journal.get(self.path)
        if record is not None:
            self.slice.expect(record, self.kind)
            if record.is_final or self.slice.is_due(record.due_at or 0):
                return Done(None)
            return Parked(Pending(record=record, recorded=True))
        now = self.slice.worker.now()
        due_at = self._until_ms if self._for_ms is None else now + self._for_ms
        if self.slice.is_due(due_at):
            return Done(None)
        record = self.slice.journal.record(self.path, self.kind, now)
        return Parked(Pending(record=msgspec.structs.replace(record, due_at=due_at), recorded=False))

    def succeeded(self, value: Any, /) -> State:
        return Done(value)

    def failed(self, error: Exception, /) -> State:
        raise error


class PollOperation:
    """step.wait_until: one record (count, next) while it polls, its value at the end."""

    kind: Kind = "poll"

    def __init__(self, slice_: Slice, path: str, check: Callable[[], Any], every: Backoff, timeout_ms: int) -> None:
        self.slice = slice_
        self.path = path
        self._check = check
        self._every = every
        self._timeout_ms = timeout_ms
        self._record: Record | None = None

    @property
    def retry(self) -> Retry:
        return self.slice.definition.retry

    @property
    def _what(self) -> str:
        return f"the answer of {self.path!r}"

    def begin(self) -> State:
        record = self.slice.journal.get(self.path)
        if record is None:
            return Work(self._check)
        self.slice.expect(record, self.kind)
        if record.is_final:
            return self._final(record)
        self._record = record
        if record.due_at is not None and not self.slice.is_due(record.due_at):
            return rest(self.slice, record)
        return Work(self._check)

    def _final(self, record: Record) -> State:
        if record.status == "failed":
            raise recorded_error(record)
        return Done(return_codec(self._check, self.slice.definition.localns).decode(self.slice.unpack(record.value), self._what))

    def _new(self) -> Record:
        if self._record is None:
            now = self.slice.worker.now()
            record = self.slice.journal.record(self.path, self.kind, now)
            self._record = msgspec.structs.replace(record, detail={"until": now + self._timeout_ms, "errors": 0})
        return self._record

    def succeeded(self, value: Any, /) -> State:
        record = self._new()
        if value is None or value is False:
            return self._not_yet(record)
        try:
            raw, seen = return_codec(self._check, self.slice.definition.localns).round_trip(value, self._what)
            packed = self.slice.pack(raw, self._what)
        except CodecError as error:
            return self.failed(error)
        ours = msgspec.structs.replace(completed(record, packed, self.slice.worker.now()), attempts=record.attempts + 1)
        self.slice.check_branch(self.path)
        stands = self.slice.journal.put(ours)
        return Done(seen) if stands is ours else self._final(stands)

    def _not_yet(self, record: Record) -> State:
        now = self.slice.worker.now()
        until = int(record.detail["until"])
        count = record.attempts + 1
        if now >= until:
            text = f"{self.path!r} was not true within {self._timeout_ms / 1000:g} s ({count} checks)"
            return self._put(failed(msgspec.structs.replace(record, attempts=count), failing(WaitTimeout(text), self.path), now))
        due_at = min(now + self._every.delay_ms(count), until)
        return self._put(msgspec.structs.replace(record, attempts=count, due_at=due_at, detail={**record.detail, "errors": 0}))

    def failed(self, error: Exception, /) -> State:
        record = self._new()
        errors = int(record.detail["errors"]) + 1
        due_at = next_attempt(self, error, errors)
        if due_at is None:
            return self._put(failed(record, failing(error, self.path), self.slice.worker.now()))
        detail = {**record.detail, "errors": errors}
        return self._put(msgspec.structs.replace(record, due_at=due_at, error=failing(error, self.path), detail=detail))

    def _put(self, record: Record) -> State:
        self.slice.check_branch(self.path)
        stands = self.slice.journal.put(record)
        self._record = stands
        return self._final(stands) if stands.is_final else rest(self.slice, stands)
