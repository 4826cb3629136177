"""The steps of a `def` body: claims names, makes operations, brings them on, suspends.

What each kind of step records and when is in operations.py, waits.py, children.py and branches.py; this is only the
driver, and the check of what the user's code gives to it.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from contextvars import copy_context
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

from milepost.engine import replay_log
from milepost.engine.branches import Errored, Group, Outcome, Returned, Waits, allowed_failures
from milepost.engine.callbacks import CallbackOperation, submit_call
from milepost.engine.children import InvokeOperation
from milepost.engine.inputs import awaited_of, child_data
from milepost.engine.interrupts import Suspend
from milepost.engine.operations import Again, Done, Operation, Parked, State, Work
from milepost.engine.polling import PollOperation
from milepost.engine.running import NO_OPTIONS, RunOperation, RunOptions
from milepost.engine.scope import Scope
from milepost.engine.sending import PatchOperation, SendOperation
from milepost.engine.sleeping import SleepOperation
from milepost.engine.slice import Slice
from milepost.engine.waits import WaitOperation
from milepost.errors import UsageError
from milepost.events import EventInfo, Matched, WaitFor, Won
from milepost.functions import Function
from milepost.options import SINCE_TRIGGER, Backoff, Completion, Lookback, Retry, check_count, check_duration, check_instant
from milepost.step import Log
from milepost.timestamps import duration_ms, instant, milliseconds

_SHORTEST = timedelta(milliseconds=1)


class BodyStep:
    """What a `def` body, or a branch of one, is given as its step."""

    def __init__(self, slice_: Slice, prefix: str = "") -> None:
        self._slice = slice_
        self._scope = Scope(prefix)

    # ---- what does not wait ------------------------------------------------------------------------------------------

    @property
    def run_id(self) -> str:
        return self._slice.header.run

    @property
    def attempt(self) -> int:
        return self._slice.header.attempt

    @property
    def event(self) -> EventInfo:
        header = self._slice.header
        return EventInfo(id=header.event_id, name=header.event_name, at=instant(header.event_at), source=header.event_source)

    @property
    def log(self) -> Log:
        return replay_log.ReplayLog(self._slice, self._scope.prefix)

    # ---- the driver --------------------------------------------------------------------------------------------------

    def _claim(self, name: object) -> str:
        return self._scope.claim(self._slice, name)

    def perform(self, operation: Operation, timeout_ms: int | None = None) -> Any:
        """Bring an operation on until it has a value. Raises its error, or the interrupt that ends the slice."""
        state: State = operation.begin()
        while True:
            match state:
                case Done(value):
                    return value
                case Work(call):
                    if self._slice.frozen:
                        raise Suspend
                    self._slice.guard(operation.path)
                    state = self._work(operation, call, timeout_ms)
                case Again(at_ms, pending):
                    state = operation.begin() if self._slice.wait_here(at_ms) else Parked(pending)
                case Parked(pending):
                    self._slice.park(pending)
                    self._scope.is_suspended = True
                    raise Suspend

    def _work(self, operation: Operation, call: Callable[[], Any], timeout_ms: int | None) -> State:
        self._scope.busy = operation.path
        try:
            value = call() if timeout_ms is None else _within(timeout_ms, call, operation.path)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a step raises is its failure, sys.exit() too
            return operation.failed(error)
        finally:
            self._scope.busy = None
        return operation.succeeded(value)

    def _checked_ms(self, value: timedelta, what: str, minimum: timedelta = _SHORTEST) -> int:
        try:
            return duration_ms(check_duration(value, what, minimum=minimum))
        except UsageError as error:
            raise self._slice.misused(error) from None

    # ---- one thing at a time -----------------------------------------------------------------------------------------

    def run(self, name: str, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return self._run(name, fn, args, kwargs, NO_OPTIONS)

    def options(
        self,
        *,
        retry: Retry | None = None,
        once: bool = False,
        timeout: timedelta | None = None,
        compensate: Callable[..., object] | None = None,
    ) -> "StepWithOptions":
        timeout_ms = None if timeout is None else self._checked_ms(timeout, "options(timeout=)")
        if once and retry is not None and retry.retries:
            raise self._slice.misused(UsageError("options(once=True) runs a step at most once: it cannot have retries"))
        return StepWithOptions(self._run, RunOptions(retry=retry, once=once, timeout_ms=timeout_ms, compensate=compensate))

    def _run(self, name: str, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], options: RunOptions) -> Any:
        if not callable(fn):
            raise self._slice.misused(UsageError(f"step {name!r}: step.run takes a function and its arguments, not {type(fn).__name__}"))
        if inspect.iscoroutinefunction(fn):
            raise self._slice.misused(
                UsageError(f"step {name!r}: {getattr(fn, '__name__', fn)!r} is async; a def function's steps run def functions")
            )
        return self.perform(RunOperation(self._slice, self._claim(name), fn, args, kwargs, options), options.timeout_ms)

    def sleep(self, name: str, duration: timedelta, /) -> None:
        for_ms = self._checked_ms(duration, f"sleep {name!r}", timedelta(0))
        self.perform(SleepOperation(self._slice, self._claim(name), for_ms=for_ms))

    def sleep_until(self, name: str, at: datetime, /) -> None:
        try:
            until_ms = milliseconds(check_instant(at, f"sleep_until {name!r}"))
            check_duration(instant(until_ms) - instant(self._slice.worker.now()), f"sleep_until {name!r}", minimum=timedelta.min)
        except UsageError as error:
            raise self._slice.misused(error) from None
        self.perform(SleepOperation(self._slice, self._claim(name), until_ms=until_ms))

    def wait_for_event(
        self,
        name: str,
        event: type[Any],
        /,
        *,
        timeout: timedelta,
        where: Callable[[Any], bool] | None = None,
        lookback: timedelta | Lookback = SINCE_TRIGGER,
        **keys: Any,
    ) -> Any:
        found = self._wait(name, (WaitFor(event, where=where, **keys),), timeout, lookback)
        return None if found is None else found[1]

    def wait_for_any(self, name: str, /, *waits: WaitFor[Any], timeout: timedelta, lookback: timedelta | Lookback = SINCE_TRIGGER) -> Any:
        found = self._wait(name, waits, timeout, lookback)
        return None if found is None else Matched(found[0], found[1])

    def _wait(self, name: str, waits: tuple[WaitFor[Any], ...], timeout: timedelta, lookback: timedelta | Lookback) -> Any:
        awaited = [awaited_of(self._slice, name, wait) for wait in waits]
        if not awaited:
            raise self._slice.misused(UsageError(f"wait_for_any {name!r} needs at least one WaitFor"))
        timeout_ms = self._checked_ms(timeout, f"wait {name!r} (timeout=)")
        lookback_ms = None if isinstance(lookback, Lookback) else self._checked_ms(lookback, f"wait {name!r} (lookback=)", timedelta(0))
        return self.perform(WaitOperation(self._slice, self._claim(name), awaited, timeout_ms=timeout_ms, lookback_ms=lookback_ms))

    def wait_for_callback(
        self, name: str, submit: Callable[[str], object], /, *, returns: Any = None, timeout: timedelta, heartbeat: timedelta | None = None
    ) -> Any:
        timeout_ms = self._checked_ms(timeout, f"callback {name!r} (timeout=)")
        heartbeat_ms = None if heartbeat is None else self._checked_ms(heartbeat, f"callback {name!r} (heartbeat=)")
        path = self._claim(name)
        operation = CallbackOperation(self._slice, path, returns=returns, timeout_ms=timeout_ms, heartbeat_ms=heartbeat_ms)
        if operation.is_answered:
            self._slice.journal.pass_over(f"{path}~submit")
        else:
            self.perform(RunOperation(self._slice, f"{path}~submit", submit_call(submit), (operation.token,), {}))
        return self.perform(operation)

    def wait_until(self, name: str, check: Callable[[], Any], /, *, every: Backoff, timeout: timedelta) -> Any:
        timeout_ms = self._checked_ms(timeout, f"wait_until {name!r} (timeout=)")
        return self.perform(PollOperation(self._slice, self._claim(name), check, every, timeout_ms))

    def send_event(self, name: str, /, *events: object) -> list[str]:
        ids: list[str] = self.perform(SendOperation(self._slice, self._claim(name), events))
        return ids

    def patched(self, id: str, /) -> bool:
        known: bool = self.perform(PatchOperation(self._slice, id, self._scope.prefix))
        return known

    # ---- children and branches ---------------------------------------------------------------------------------------

    def invoke(
        self, name: str, function: Function[Any, Any], data: Any, /, *, timeout: timedelta | None = None, on_cancel: str = "cancel"
    ) -> Any:
        timeout_ms = None if timeout is None else self._checked_ms(timeout, f"invoke {name!r} (timeout=)")
        if on_cancel not in ("cancel", "detach"):
            raise self._slice.misused(UsageError(f"invoke {name!r}: on_cancel is 'cancel' or 'detach', not {on_cancel!r}"))
        path = self._claim(name)
        return self.perform(self._invocation(path, function, data, timeout_ms=timeout_ms, detach=on_cancel == "detach"))

    def _invocation(
        self,
        path: str,
        function: Function[Any, Any],
        data: Any,
        *,
        timeout_ms: int | None = None,
        detach: bool = False,
        crowd: bool = False,
    ) -> InvokeOperation:
        target, raw, event_name = child_data(self._slice, path, function, data)
        return InvokeOperation(self._slice, path, target, raw, event_name=event_name, timeout_ms=timeout_ms, detach=detach, crowd=crowd)

    def invoke_many(
        self, name: str, function: Function[Any, Any], items: Iterable[Any], /, *, policy: Completion | None = None
    ) -> list[Any]:
        data = list(items)
        crowd = len(data) > self._slice.worker.settings.crowd

        def branch(index: int, path: str) -> Any:
            return self.perform(self._invocation(f"{path}/{index}", function, data[index], crowd=crowd))

        return self._many(name, branch, len(data), 1, policy)

    def map(
        self, name: str, fn: Callable[[Any], Any], items: Iterable[Any], /, *, concurrency: int = 16, policy: Completion | None = None
    ) -> list[Any]:
        data = list(items)
        if inspect.iscoroutinefunction(fn):
            raise self._slice.misused(
                UsageError(f"map {name!r}: {getattr(fn, '__name__', fn)!r} is async; a def function's steps run def functions")
            )

        def branch(index: int, path: str) -> Any:
            return BodyStep(self._slice, f"{path}/{index}/").perform(RunOperation(self._slice, f"{path}/{index}", fn, (data[index],), {}))

        return self._many(name, branch, len(data), self._checked_limit(name, concurrency), policy)

    def each(
        self,
        name: str,
        body: Callable[["BodyStep", Any], Any],
        items: Iterable[Any],
        /,
        *,
        concurrency: int = 16,
        policy: Completion | None = None,
    ) -> list[Any]:
        data = list(items)

        def branch(index: int, path: str) -> Any:
            return self._branch(f"{path}/{index}/", lambda step: body(step, data[index]))

        return self._many(name, branch, len(data), self._checked_limit(name, concurrency), policy)

    def parallel(self, name: str, /, *branches: Callable[["BodyStep"], Any]) -> tuple[Any, ...]:
        path = self._claim(name)
        group = Group(self._slice, path, "parallel", count=len(branches), limit=len(branches), allowed=0)
        outcomes = self._group(group, lambda index: self._branch(f"{path}/{index}/", branches[index]), path)
        return tuple(outcome.value for outcome in outcomes if isinstance(outcome, Returned))

    def race(self, name: str, /, *branches: Callable[["BodyStep"], Any]) -> Won[Any]:
        if not branches:
            raise self._slice.misused(UsageError(f"race {name!r} needs at least one branch"))
        path = self._claim(name)
        group = Group(self._slice, path, "race", count=len(branches), limit=len(branches), allowed=len(branches), race=True)
        won: Won[Any] = self._group(group, lambda index: Won(index, self._branch(f"{path}/{index}/", branches[index])), path)[0].value
        return won

    def _branch(self, prefix: str, call: Callable[["BodyStep"], Any]) -> Any:
        """One branch with steps of its own."""
        step = BodyStep(self._slice, prefix)
        value = call(step)
        step.require_not_swallowed()
        return value

    def require_not_swallowed(self) -> None:
        """Refuse a body that caught its own suspension and went on. Raises UsageError."""
        if self._scope.is_suspended:
            raise self._slice.misused(
                UsageError(
                    "the body caught the BaseException that suspends it and returned: write `except Exception`, or raise it again "
                    f"({Suspend.__doc__} See docs/concepts.md.)"
                )
            )

    def _checked_limit(self, name: str, concurrency: int) -> int:
        try:
            return check_count(concurrency, f"{name!r} (concurrency=)", minimum=1, error=UsageError)
        except UsageError as error:
            raise self._slice.misused(error) from None

    def _many(self, name: str, branch: Callable[[int, str], Any], count: int, limit: int, policy: Completion | None) -> list[Any]:
        allowed = allowed_failures(policy, count)
        if allowed < 0:
            raise self._slice.misused(
                UsageError(f"{name!r} has {count} items: min_success={policy and policy.min_success} can never be reached")
            )
        path = self._claim(name)
        group = Group(self._slice, path, "map", count=count, limit=limit, allowed=allowed)
        group.count_items()
        outcomes = self._group(group, lambda index: branch(index, path), path)
        return [outcome.error if isinstance(outcome, Errored) else outcome.value for outcome in outcomes if not isinstance(outcome, Waits)]

    def _group(self, group: Group, branch: Callable[[int], Any], path: str) -> list[Any]:
        self._scope.busy = path
        self._scope.is_suspended = False
        waits = False
        try:
            outcomes: list[Outcome] = group.run(branch)
        except Suspend:
            waits = True
            raise
        finally:
            self._scope.busy = None
            self._scope.is_suspended = waits
        return outcomes


class StepWithOptions:
    """step.options(...): the next step's own retries, time limit, once, compensation."""

    def __init__(self, run: Callable[..., Any], options: RunOptions) -> None:
        self._run = run
        self._options = options

    def run(self, name: str, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return self._run(name, fn, args, kwargs, self._options)


def _within(timeout_ms: int, call: Callable[[], Any], path: str) -> Any:
    """Run it on a thread of its own; when its time is up its late result is dropped, for a thread cannot be stopped."""
    box: list[tuple[bool, Any]] = []

    def target() -> None:
        try:
            box.append((True, call()))
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread, which raises it
            box.append((False, error))

    thread = Thread(target=copy_context().run, args=(target,), daemon=True, name=f"milepost step {path}")
    thread.start()
    thread.join(timeout_ms / 1000)
    if not box:
        raise TimeoutError(f"step {path!r} took longer than {timeout_ms / 1000:g} s")
    succeeded, value = box[0]
    if succeeded:
        return value
    raise value
