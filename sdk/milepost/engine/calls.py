"""What a step method takes and does, apart from how a body waits: names are claimed, what the user gives is checked, and the
operations that are to be done are made.

`steps.py` drives them for `def` bodies, `aio/steps.py` for `async def` ones. What each kind of step records, and when, is
in running.py, waits.py, children.py and the like.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from milepost.engine import replay_log
from milepost.engine.branches import Broke, Errored, Group, Outcome, Returned, Waits, allowed_failures
from milepost.engine.callbacks import CallbackOperation
from milepost.engine.children import InvokeOperation
from milepost.engine.inputs import awaited_of, child_data
from milepost.engine.operations import Operation
from milepost.engine.polling import PollOperation
from milepost.engine.running import NO_OPTIONS, RunOperation, RunOptions, without_result
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


class StepCalls(ABC):
    """The methods of a step. A subclass says how an operation is brought on: to a value, or to a coroutine of it."""

    def __init__(self, slice_: Slice) -> None:
        self._slice = slice_

    # ---- the driver --------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def _prefix(self) -> str:
        """The scope that the caller is in, as the beginning of its steps' paths."""

    @abstractmethod
    def _claim(self, name: object) -> str:
        """The path of the next use of this name in the caller's scope. Raises UsageError."""

    @abstractmethod
    def _drive(self, *operations: Operation, then: Callable[[Any], Any] | None = None) -> Any:
        """Bring the operations on, one after the other; what `then` makes of the last one's value."""

    @abstractmethod
    def _fan_out(self, group: Group, make: Callable[[int], Operation], then: Callable[[list[Outcome]], Any]) -> Any:
        """Bring as many operations on as the group counts, so many at once; what `then` makes of their outcomes."""

    @abstractmethod
    def _branch_out(self, group: Group, bodies: Callable[[int], Callable[[Any], Any]], then: Callable[[list[Outcome]], Any]) -> Any:
        """Run bodies with steps of their own, so many at once; what `then` makes of the outcomes."""

    @abstractmethod
    def _check_function(self, what: str, name: str, fn: Callable[..., Any]) -> None:
        """Refuse what cannot be a step's function here. Raises UsageError."""

    def _refuse(self, text: str) -> UsageError:
        """The error, noted: a body that swallows it fails all the same."""
        error = UsageError(text)
        self._slice.misused(error)
        return error

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
        return replay_log.ReplayLog(self._slice, self._prefix)

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
        if compensate is not None:
            self._check_function("options", "compensate", compensate)
        if once and retry is not None and retry.retries:
            raise self._refuse("options(once=True) runs a step at most once: it cannot have retries")
        return StepWithOptions(self._run, RunOptions(retry=retry, once=once, timeout_ms=timeout_ms, compensate=compensate))

    def _run(self, name: str, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], options: RunOptions) -> Any:
        return self._run_at(self._claim(name), name, fn, args, kwargs, options)

    def _run_at(
        self, path: str, name: str, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], options: RunOptions
    ) -> Any:
        if not callable(fn):
            raise self._refuse(f"step {name!r}: step.run takes a function and its arguments, not {type(fn).__name__}")
        self._check_function("step", name, fn)
        return self._drive(RunOperation(self._slice, path, fn, args, kwargs, options))

    def sleep(self, name: str, duration: timedelta, /) -> Any:
        for_ms = self._checked_ms(duration, f"sleep {name!r}", timedelta(0))
        return self._drive(SleepOperation(self._slice, self._claim(name), for_ms=for_ms))

    def sleep_until(self, name: str, at: datetime, /) -> Any:
        try:
            until_ms = milliseconds(check_instant(at, f"sleep_until {name!r}"))
            check_duration(instant(until_ms) - instant(self._slice.worker.now()), f"sleep_until {name!r}", minimum=timedelta.min)
        except UsageError as error:
            raise self._slice.misused(error) from None
        return self._drive(SleepOperation(self._slice, self._claim(name), until_ms=until_ms))

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
        return self._wait(
            name, (WaitFor(event, where=where, **keys),), timeout, lookback, lambda found: None if found is None else found[1]
        )

    def wait_for_any(self, name: str, /, *waits: WaitFor[Any], timeout: timedelta, lookback: timedelta | Lookback = SINCE_TRIGGER) -> Any:
        return self._wait(name, waits, timeout, lookback, lambda found: None if found is None else Matched(found[0], found[1]))

    def _wait(
        self, name: str, waits: tuple[WaitFor[Any], ...], timeout: timedelta, lookback: timedelta | Lookback, then: Callable[[Any], Any]
    ) -> Any:
        awaited = [awaited_of(self._slice, name, wait) for wait in waits]
        if not awaited:
            raise self._refuse(f"wait_for_any {name!r} needs at least one WaitFor")
        timeout_ms = self._checked_ms(timeout, f"wait {name!r} (timeout=)")
        lookback_ms = None if isinstance(lookback, Lookback) else self._checked_ms(lookback, f"wait {name!r} (lookback=)", timedelta(0))
        wait = WaitOperation(self._slice, self._claim(name), awaited, timeout_ms=timeout_ms, lookback_ms=lookback_ms)
        return self._drive(wait, then=then)

    def wait_for_callback(
        self, name: str, submit: Callable[[str], object], /, *, returns: Any = None, timeout: timedelta, heartbeat: timedelta | None = None
    ) -> Any:
        timeout_ms = self._checked_ms(timeout, f"callback {name!r} (timeout=)")
        heartbeat_ms = None if heartbeat is None else self._checked_ms(heartbeat, f"callback {name!r} (heartbeat=)")
        self._check_function("callback", name, submit)
        path = self._claim(name)
        operation = CallbackOperation(self._slice, path, returns=returns, timeout_ms=timeout_ms, heartbeat_ms=heartbeat_ms)
        if self._slice.journal.passes(f"{path}~submit", operation.is_answered):
            return self._drive(operation)
        return self._drive(RunOperation(self._slice, f"{path}~submit", without_result(submit), (operation.token,), {}), operation)

    def wait_until(self, name: str, check: Callable[[], Any], /, *, every: Backoff, timeout: timedelta) -> Any:
        timeout_ms = self._checked_ms(timeout, f"wait_until {name!r} (timeout=)")
        self._check_function("wait_until", name, check)
        return self._drive(PollOperation(self._slice, self._claim(name), check, every, timeout_ms))

    def send_event(self, name: str, /, *events: object) -> Any:
        return self._drive(SendOperation(self._slice, self._claim(name), events))

    def patched(self, id: str, /) -> Any:
        return self._drive(PatchOperation(self._slice, id, self._prefix))

    # ---- children and branches ---------------------------------------------------------------------------------------

    def invoke(
        self, name: str, function: Function[Any, Any], data: Any, /, *, timeout: timedelta | None = None, on_cancel: str = "cancel"
    ) -> Any:
        timeout_ms = None if timeout is None else self._checked_ms(timeout, f"invoke {name!r} (timeout=)")
        if on_cancel not in ("cancel", "detach"):
            raise self._refuse(f"invoke {name!r}: on_cancel is 'cancel' or 'detach', not {on_cancel!r}")
        path = self._claim(name)
        return self._drive(self._invocation(path, function, data, timeout_ms=timeout_ms, detach=on_cancel == "detach"))

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

    def invoke_many(self, name: str, function: Function[Any, Any], items: Iterable[Any], /, *, policy: Completion | None = None) -> Any:
        data = list(items)
        crowd = len(data) > self._slice.worker.settings.crowd
        group = self._many(name, len(data), len(data), policy)
        return self._fan_out(group, lambda index: self._invocation(f"{group.path}/{index}", function, data[index], crowd=crowd), _results)

    def map(
        self, name: str, fn: Callable[[Any], Any], items: Iterable[Any], /, *, concurrency: int = 16, policy: Completion | None = None
    ) -> Any:
        data = list(items)
        self._check_function("map", name, fn)
        group = self._many(name, len(data), self._checked_limit(name, concurrency), policy)
        return self._fan_out(group, lambda index: RunOperation(self._slice, f"{group.path}/{index}", fn, (data[index],), {}), _results)

    def each(
        self,
        name: str,
        body: Callable[[Any, Any], Any],
        items: Iterable[Any],
        /,
        *,
        concurrency: int = 16,
        policy: Completion | None = None,
    ) -> Any:
        data = list(items)
        group = self._many(name, len(data), self._checked_limit(name, concurrency), policy)
        return self._branch_out(group, lambda index: lambda step: body(step, data[index]), _results)

    def parallel(self, name: str, /, *branches: Callable[[Any], Any]) -> Any:
        group = Group(self._slice, self._claim(name), "parallel", count=len(branches), limit=len(branches), allowed=0)
        return self._branch_out(group, branches.__getitem__, lambda outcomes: tuple(_results(outcomes)))

    def race(self, name: str, /, *branches: Callable[[Any], Any]) -> Any:
        if not branches:
            raise self._refuse(f"race {name!r} needs at least one branch")
        count = len(branches)
        group = Group(self._slice, self._claim(name), "race", count=count, limit=count, allowed=count, race=True)
        return self._branch_out(group, branches.__getitem__, _winner)

    def _checked_limit(self, name: str, concurrency: int) -> int:
        try:
            return check_count(concurrency, f"{name!r} (concurrency=)", minimum=1, error=UsageError)
        except UsageError as error:
            raise self._slice.misused(error) from None

    def _many(self, name: str, count: int, limit: int, policy: Completion | None) -> Group:
        allowed = allowed_failures(policy, count)
        if allowed < 0:
            raise self._refuse(f"{name!r} has {count} items: min_success={policy and policy.min_success} can never be reached")
        return Group(self._slice, self._claim(name), "map", count=count, limit=limit, allowed=allowed, is_counted=True)


def _results(outcomes: list[Outcome]) -> list[Any]:
    return [
        outcome.error if isinstance(outcome, Errored) else outcome.value for outcome in outcomes if not isinstance(outcome, Waits | Broke)
    ]


def _winner(outcomes: list[Outcome]) -> Won[Any]:
    """Of a race only the winner's outcome is left."""
    [outcome] = outcomes
    if not isinstance(outcome, Returned):
        raise TypeError(f"a race was won by {outcome!r}")
    return Won(outcome.index, outcome.value)


class StepWithOptions:
    """step.options(...): the next step's own retries, time limit, once, compensation."""

    def __init__(self, run: Callable[..., Any], options: RunOptions) -> None:
        self._run = run
        self._options = options

    def run(self, name: str, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return self._run(name, fn, args, kwargs, self._options)
