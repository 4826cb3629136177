"""The typed protocols of the durable steps of ``async def`` functions: `AsyncStep`, and what its `options` return. The
engine implements them.

What holds for the steps of a ``def`` function (docs/reference/steps.md) holds here: names, records, replays, mismatches, and
what a suspended run costs. This is different:

* A method claims its name when it is called, and returns a coroutine. The step starts when that is awaited or made a task, by
  ``asyncio.gather``, say, or a ``TaskGroup``. Arguments that cannot be raise UsageError at the call.
* Each task that the body makes is a scope of its own: that of the task which made it, and its ``name=``, or the name of its
  coroutine; the n-th of a name is ``name:n``. So tasks that use the same step names do not meet. In one scope, a name that is
  used again while its first use is unfinished is a UsageError.
* When no task can go on, the run suspends: a private BaseException is raised in each unfinished task where it waits, the
  newest task first. ``finally``, ``with`` and ``except BaseException`` run; ``except Exception``, ``except CancelledError`` and
  ``gather(return_exceptions=True)`` do not see it. No step begins any more.
* ``asyncio.sleep``, ``asyncio.timeout`` and ``asyncio.wait_for`` are durable timers: they survive a suspension, and on replay fire
  again where they fired. Their clock moves when the body is given a result; "never early" is promised by ``step.sleep`` alone.
* The body's loop does no I/O. Sockets, subprocesses, executors and ``asyncio.to_thread``, wake-ups from other threads and task
  factories are a UsageError that says to use ``step.run``; it fails the run also when it is swallowed.
* Steps are called from the body and its tasks: inside a step's function, from a loop's callbacks, or on another loop or
  thread they are a UsageError.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from typing import Any, Literal, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from milepost.definitions import Function
from milepost.errors import InvokeError, StepError
from milepost.events import KeyValue, Matched, WaitFor, Won
from milepost.options import Backoff, Completion, Lookback, Retry
from milepost.step import AnyStep

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")
E = TypeVar("E")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")
T6 = TypeVar("T6")
T7 = TypeVar("T7")
T8 = TypeVar("T8")

AsyncBranch: TypeAlias = Callable[["AsyncStep"], Awaitable[T]]
"""A branch of `AsyncStep.parallel` and `AsyncStep.race`: takes steps of its own."""


class AsyncStep(AnyStep, Protocol):
    """The durable steps of an ``async def`` function, or of a branch: those of `Step`, each to be awaited."""

    @overload
    def run(
        self, name: str, fn: Callable[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[object, object, R]: ...
    @overload
    def run(self, name: str, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, object, R]: ...
    def run(self, name: str, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Coroutine[object, object, Any]:
        """Call ``fn`` until it succeeds, record what it returns, and return the record for ever after.

        ``fn`` is an async function, which runs on one I/O loop that all steps of the process share (so a client made at module
        level serves all of them), or a ``def``, which runs in a thread; both in a copy of the caller's context. It runs at least once.
        The result is rebuilt by the return annotation of ``fn``, on the first run too; without one only JSON types are taken.
        Failures are tried again by the function's ``retries`` (see `options`); the last one is recorded and raised.

        When the task that awaits is cancelled, so is an async ``fn``; a thread's late result is dropped. Costs as `Step.run`.
        Raises StepError (also an instance of the original class), ValueNotStorable, CodecError, UsageError.
        """
        ...

    @overload
    def options(
        self,
        *,
        retry: Retry | None = None,
        once: bool = False,
        timeout: timedelta | None = None,
        compensate: Callable[[], object] | None = None,
    ) -> "AsyncStepOptions": ...
    @overload
    def options(
        self, *, retry: Retry | None = None, once: bool = False, timeout: timedelta | None = None, compensate: Callable[[T], object]
    ) -> "AsyncUndoableStep[T]": ...
    def options(
        self,
        *,
        retry: Retry | None = None,
        once: bool = False,
        timeout: timedelta | None = None,
        compensate: Callable[..., object] | None = None,
    ) -> Any:
        """Options for one step: ``await step.options(retry=Retry(retries=9)).run("charge", charge, order)``. Writes nothing.

        ``retry``, ``once`` and ``compensate`` are as in `Step.options`; what ``compensate`` names may be async or ``def``. ``timeout``: an
        attempt that takes longer counts as failed; an async function is cancelled, a thread cannot be stopped and its late
        result is dropped. Raises UsageError.
        """
        ...

    def sleep(self, name: str, duration: timedelta, /) -> Coroutine[object, object, None]:
        """Wait for ``duration``: never shorter; 0 to 366 days. The run suspends when nothing else in its body can go on.

        The instant is recorded before the run suspends: a crash, or a deploy, does not start the time again. ``asyncio.sleep`` in
        the body is a timer too, but counts from the last result that the body was given. Costs as `Step.sleep`. Raises UsageError.
        """
        ...

    def sleep_until(self, name: str, at: datetime, /) -> Coroutine[object, object, None]:
        """Wait until ``at``: aware, at most 366 days ahead; a past one does not wait. Costs and raises as `sleep`."""
        ...

    def wait_for_event(
        self,
        name: str,
        event: type[E],
        /,
        *,
        timeout: timedelta,
        where: Callable[[E], bool] | None = None,
        lookback: timedelta | Lookback = ...,
        **keys: KeyValue,
    ) -> Coroutine[object, object, E | None]:
        """Wait until an event comes whose keys are equal, or return None after ``timeout`` (up to 366 days).

        ``keys``: at least one key that the event's type declares. ``where``: a predicate on top, a plain ``def``; it must be pure, and
        is judged in the run. ``lookback``: as in `Step.wait_for_event`, as is which events count: those that the run had consumed
        when this wait was registered are ignored; waits pending at the same time each get the event.

        A matching event is delivered exactly once, even if it came first. Costs at most 10 write units and two queries.
        Raises UndeclaredWaitError for an event that is not in ``waits_for``, UsageError for keys, times and types that cannot be.
        """
        ...

    @overload
    def wait_for_any(
        self, name: str, w1: WaitFor[T1], /, *, timeout: timedelta, lookback: timedelta | Lookback = ...
    ) -> Coroutine[object, object, Matched[T1] | None]: ...
    @overload
    def wait_for_any(
        self, name: str, w1: WaitFor[T1], w2: WaitFor[T2], /, *, timeout: timedelta, lookback: timedelta | Lookback = ...
    ) -> Coroutine[object, object, Matched[T1 | T2] | None]: ...
    @overload
    def wait_for_any(
        self, name: str, w1: WaitFor[T1], w2: WaitFor[T2], w3: WaitFor[T3], /, *, timeout: timedelta, lookback: timedelta | Lookback = ...
    ) -> Coroutine[object, object, Matched[T1 | T2 | T3] | None]: ...
    @overload
    def wait_for_any(
        self,
        name: str,
        w1: WaitFor[T1],
        w2: WaitFor[T2],
        w3: WaitFor[T3],
        w4: WaitFor[T4],
        /,
        *,
        timeout: timedelta,
        lookback: timedelta | Lookback = ...,
    ) -> Coroutine[object, object, Matched[T1 | T2 | T3 | T4] | None]: ...
    @overload
    def wait_for_any(
        self,
        name: str,
        w1: WaitFor[T1],
        w2: WaitFor[T2],
        w3: WaitFor[T3],
        w4: WaitFor[T4],
        w5: WaitFor[T5],
        /,
        *,
        timeout: timedelta,
        lookback: timedelta | Lookback = ...,
    ) -> Coroutine[object, object, Matched[T1 | T2 | T3 | T4 | T5] | None]: ...
    @overload
    def wait_for_any(
        self,
        name: str,
        w1: WaitFor[T1],
        w2: WaitFor[T2],
        w3: WaitFor[T3],
        w4: WaitFor[T4],
        w5: WaitFor[T5],
        w6: WaitFor[T6],
        /,
        *,
        timeout: timedelta,
        lookback: timedelta | Lookback = ...,
    ) -> Coroutine[object, object, Matched[T1 | T2 | T3 | T4 | T5 | T6] | None]: ...
    @overload
    def wait_for_any(
        self,
        name: str,
        w1: WaitFor[T1],
        w2: WaitFor[T2],
        w3: WaitFor[T3],
        w4: WaitFor[T4],
        w5: WaitFor[T5],
        w6: WaitFor[T6],
        w7: WaitFor[T7],
        /,
        *,
        timeout: timedelta,
        lookback: timedelta | Lookback = ...,
    ) -> Coroutine[object, object, Matched[T1 | T2 | T3 | T4 | T5 | T6 | T7] | None]: ...
    @overload
    def wait_for_any(
        self,
        name: str,
        w1: WaitFor[T1],
        w2: WaitFor[T2],
        w3: WaitFor[T3],
        w4: WaitFor[T4],
        w5: WaitFor[T5],
        w6: WaitFor[T6],
        w7: WaitFor[T7],
        w8: WaitFor[T8],
        /,
        *,
        timeout: timedelta,
        lookback: timedelta | Lookback = ...,
    ) -> Coroutine[object, object, Matched[T1 | T2 | T3 | T4 | T5 | T6 | T7 | T8] | None]: ...
    @overload
    def wait_for_any(
        self,
        name: str,
        w1: WaitFor[T],
        w2: WaitFor[T],
        w3: WaitFor[T],
        w4: WaitFor[T],
        w5: WaitFor[T],
        w6: WaitFor[T],
        w7: WaitFor[T],
        w8: WaitFor[T],
        w9: WaitFor[T],
        /,
        *waits: WaitFor[T],
        timeout: timedelta,
        lookback: timedelta | Lookback = ...,
    ) -> Coroutine[object, object, Matched[T] | None]: ...
    def wait_for_any(
        self, name: str, /, *waits: WaitFor[Any], timeout: timedelta, lookback: timedelta | Lookback = ...
    ) -> Coroutine[object, object, Any]:
        """Wait until the first of several events comes: its WaitFor's index and the event, or None after ``timeout``.

        Each `WaitFor` is a wait of its own; when one is met the others are withdrawn. Otherwise as `wait_for_event`.
        """
        ...

    @overload
    def wait_for_callback(
        self, name: str, submit: Callable[[str], object], /, *, returns: type[T], timeout: timedelta, heartbeat: timedelta | None = None
    ) -> Coroutine[object, object, T]: ...
    @overload
    def wait_for_callback(
        self, name: str, submit: Callable[[str], object], /, *, returns: None = None, timeout: timedelta, heartbeat: timedelta | None = None
    ) -> Coroutine[object, object, Any]: ...
    def wait_for_callback(
        self,
        name: str,
        submit: Callable[[str], object],
        /,
        *,
        returns: type[Any] | None = None,
        timeout: timedelta,
        heartbeat: timedelta | None = None,
    ) -> Coroutine[object, object, Any]:
        """Hand a token to ``submit``, wait, and return what somebody answers by ``app.callback(token)``.

        ``submit(token)``, async or ``def``, runs as a step: at least once, with retries, always with the same token. ``returns``: the
        class that the answer is rebuilt as; without it JSON types. ``heartbeat``: the longest time between two heartbeats.
        The first answer counts, also one that comes before the run suspends; later ones change nothing.
        Raises WaitTimeout, StepError when the answer is a failure or ``submit`` failed, CodecError, UsageError.
        """
        ...

    @overload
    def wait_until(
        self, name: str, check: Callable[[], Coroutine[Any, Any, T | None]], /, *, every: Backoff, timeout: timedelta
    ) -> Coroutine[object, object, T]: ...
    @overload
    def wait_until(
        self, name: str, check: Callable[[], T | None], /, *, every: Backoff, timeout: timedelta
    ) -> Coroutine[object, object, T]: ...
    def wait_until(self, name: str, check: Callable[[], Any], /, *, every: Backoff, timeout: timedelta) -> Coroutine[object, object, Any]:
        """Poll: call ``check``, async or ``def``, until it returns something other than None and False; record and return that.

        ``every``: the time between polls. One record counts the polls and says when the next is due: a poll costs one write
        and, when the time between is longer than 2 s, a suspension. An exception of ``check`` is a failed attempt and retried.
        Raises WaitTimeout, StepError, ValueNotStorable, UsageError.
        """
        ...

    def invoke(
        self,
        name: str,
        function: Function[E, R],
        data: E,
        /,
        *,
        timeout: timedelta | None = None,
        on_cancel: Literal["cancel", "detach"] = "cancel",
    ) -> Coroutine[object, object, R]:
        """Start a run of another function, async or ``def``, and return its result. The child's id is made of run and step: it starts once.

        ``timeout``: up to 366 days; the child is then cancelled. ``on_cancel``: what becomes of the child when this run is
        cancelled. Raises InvokeError (with ``.cause``) when the child failed or was cancelled, WaitTimeout, EventError when
        ``data`` does not fit the function, CodecError, UsageError.
        """
        ...

    @overload
    def invoke_many(
        self, name: str, function: Function[E, R], items: Iterable[E], /, *, policy: None = None
    ) -> Coroutine[object, object, list[R]]: ...
    @overload
    def invoke_many(
        self, name: str, function: Function[E, R], items: Iterable[E], /, *, policy: Completion
    ) -> Coroutine[object, object, list[R | InvokeError]]: ...
    def invoke_many(
        self, name: str, function: Function[Any, Any], items: Iterable[Any], /, *, policy: Completion | None = None
    ) -> Coroutine[object, object, Any]:
        """Start a child run per item, wait until all have ended, and return their results in the order of the items.

        The items are materialised and their count recorded. Without ``policy`` the first failure is raised as InvokeError;
        with one, failures stand in the list, and what the policy allows decides. Raises as `invoke`.
        """
        ...

    @overload
    def map(
        self, name: str, fn: Callable[[T], Coroutine[Any, Any, R]], items: Iterable[T], /, *, concurrency: int = 16, policy: None = None
    ) -> Coroutine[object, object, list[R]]: ...
    @overload
    def map(
        self, name: str, fn: Callable[[T], Coroutine[Any, Any, R]], items: Iterable[T], /, *, concurrency: int = 16, policy: Completion
    ) -> Coroutine[object, object, list[R | StepError]]: ...
    @overload
    def map(
        self, name: str, fn: Callable[[T], R], items: Iterable[T], /, *, concurrency: int = 16, policy: None = None
    ) -> Coroutine[object, object, list[R]]: ...
    @overload
    def map(
        self, name: str, fn: Callable[[T], R], items: Iterable[T], /, *, concurrency: int = 16, policy: Completion
    ) -> Coroutine[object, object, list[R | StepError]]: ...
    def map(
        self, name: str, fn: Callable[[Any], Any], items: Iterable[Any], /, *, concurrency: int = 16, policy: Completion | None = None
    ) -> Coroutine[object, object, Any]:
        """One step per item, ``name/<i>``, at most ``concurrency`` at a time; the results in the order of the items.

        ``fn``: async or ``def``, as in `run`. Each item is recorded as it is done: a crash repeats only those under way. Items are
        materialised and their count recorded. Without ``policy`` the first failure is raised when the others under way have
        ended; with one, failures stand in the list. Raises StepError, and as `run`.
        """
        ...

    @overload
    def each(
        self,
        name: str,
        body: Callable[["AsyncStep", T], Awaitable[R]],
        items: Iterable[T],
        /,
        *,
        concurrency: int = 16,
        policy: None = None,
    ) -> Coroutine[object, object, list[R]]: ...
    @overload
    def each(
        self, name: str, body: Callable[["AsyncStep", T], Awaitable[R]], items: Iterable[T], /, *, concurrency: int = 16, policy: Completion
    ) -> Coroutine[object, object, list[R | StepError]]: ...
    def each(
        self,
        name: str,
        body: Callable[["AsyncStep", Any], Awaitable[Any]],
        items: Iterable[Any],
        /,
        *,
        concurrency: int = 16,
        policy: Completion | None = None,
    ) -> Coroutine[object, object, Any]:
        """As `map`, but ``await body(step, item)`` has steps of its own, in the scope ``name/<i>``; it may sleep and wait there.

        An item that waits does not disturb the others. The body's own result is not recorded: its steps are.
        """
        ...

    @overload
    def parallel(self, name: str, b1: AsyncBranch[T1], /) -> Coroutine[object, object, tuple[T1]]: ...
    @overload
    def parallel(self, name: str, b1: AsyncBranch[T1], b2: AsyncBranch[T2], /) -> Coroutine[object, object, tuple[T1, T2]]: ...
    @overload
    def parallel(
        self, name: str, b1: AsyncBranch[T1], b2: AsyncBranch[T2], b3: AsyncBranch[T3], /
    ) -> Coroutine[object, object, tuple[T1, T2, T3]]: ...
    @overload
    def parallel(
        self, name: str, b1: AsyncBranch[T1], b2: AsyncBranch[T2], b3: AsyncBranch[T3], b4: AsyncBranch[T4], /
    ) -> Coroutine[object, object, tuple[T1, T2, T3, T4]]: ...
    @overload
    def parallel(
        self, name: str, b1: AsyncBranch[T1], b2: AsyncBranch[T2], b3: AsyncBranch[T3], b4: AsyncBranch[T4], b5: AsyncBranch[T5], /
    ) -> Coroutine[object, object, tuple[T1, T2, T3, T4, T5]]: ...
    @overload
    def parallel(
        self,
        name: str,
        b1: AsyncBranch[T1],
        b2: AsyncBranch[T2],
        b3: AsyncBranch[T3],
        b4: AsyncBranch[T4],
        b5: AsyncBranch[T5],
        b6: AsyncBranch[T6],
        /,
    ) -> Coroutine[object, object, tuple[T1, T2, T3, T4, T5, T6]]: ...
    @overload
    def parallel(
        self,
        name: str,
        b1: AsyncBranch[T1],
        b2: AsyncBranch[T2],
        b3: AsyncBranch[T3],
        b4: AsyncBranch[T4],
        b5: AsyncBranch[T5],
        b6: AsyncBranch[T6],
        b7: AsyncBranch[T7],
        /,
    ) -> Coroutine[object, object, tuple[T1, T2, T3, T4, T5, T6, T7]]: ...
    @overload
    def parallel(
        self,
        name: str,
        b1: AsyncBranch[T1],
        b2: AsyncBranch[T2],
        b3: AsyncBranch[T3],
        b4: AsyncBranch[T4],
        b5: AsyncBranch[T5],
        b6: AsyncBranch[T6],
        b7: AsyncBranch[T7],
        b8: AsyncBranch[T8],
        /,
    ) -> Coroutine[object, object, tuple[T1, T2, T3, T4, T5, T6, T7, T8]]: ...
    @overload
    def parallel(
        self,
        name: str,
        b1: AsyncBranch[T],
        b2: AsyncBranch[T],
        b3: AsyncBranch[T],
        b4: AsyncBranch[T],
        b5: AsyncBranch[T],
        b6: AsyncBranch[T],
        b7: AsyncBranch[T],
        b8: AsyncBranch[T],
        b9: AsyncBranch[T],
        /,
        *branches: AsyncBranch[T],
    ) -> Coroutine[object, object, tuple[T, ...]]: ...
    def parallel(self, name: str, /, *branches: AsyncBranch[Any]) -> Coroutine[object, object, Any]:
        """Run branches at the same time and return their results in order. The scope of a branch is ``name/<i>``.

        A branch is an async function of a step. One that waits does not disturb its siblings. When one fails, its error is raised
        after the others have ended or suspended. The types of up to 8 branches are kept. ``asyncio.gather`` and ``TaskGroup`` do as
        well, with asyncio's own rules for failures.
        """
        ...

    @overload
    def race(self, name: str, b1: AsyncBranch[T1], /) -> Coroutine[object, object, Won[T1]]: ...
    @overload
    def race(self, name: str, b1: AsyncBranch[T1], b2: AsyncBranch[T2], /) -> Coroutine[object, object, Won[T1 | T2]]: ...
    @overload
    def race(
        self, name: str, b1: AsyncBranch[T1], b2: AsyncBranch[T2], b3: AsyncBranch[T3], /
    ) -> Coroutine[object, object, Won[T1 | T2 | T3]]: ...
    @overload
    def race(
        self, name: str, b1: AsyncBranch[T1], b2: AsyncBranch[T2], b3: AsyncBranch[T3], b4: AsyncBranch[T4], /
    ) -> Coroutine[object, object, Won[T1 | T2 | T3 | T4]]: ...
    @overload
    def race(
        self, name: str, b1: AsyncBranch[T1], b2: AsyncBranch[T2], b3: AsyncBranch[T3], b4: AsyncBranch[T4], b5: AsyncBranch[T5], /
    ) -> Coroutine[object, object, Won[T1 | T2 | T3 | T4 | T5]]: ...
    @overload
    def race(
        self,
        name: str,
        b1: AsyncBranch[T1],
        b2: AsyncBranch[T2],
        b3: AsyncBranch[T3],
        b4: AsyncBranch[T4],
        b5: AsyncBranch[T5],
        b6: AsyncBranch[T6],
        /,
    ) -> Coroutine[object, object, Won[T1 | T2 | T3 | T4 | T5 | T6]]: ...
    @overload
    def race(
        self,
        name: str,
        b1: AsyncBranch[T1],
        b2: AsyncBranch[T2],
        b3: AsyncBranch[T3],
        b4: AsyncBranch[T4],
        b5: AsyncBranch[T5],
        b6: AsyncBranch[T6],
        b7: AsyncBranch[T7],
        /,
    ) -> Coroutine[object, object, Won[T1 | T2 | T3 | T4 | T5 | T6 | T7]]: ...
    @overload
    def race(
        self,
        name: str,
        b1: AsyncBranch[T1],
        b2: AsyncBranch[T2],
        b3: AsyncBranch[T3],
        b4: AsyncBranch[T4],
        b5: AsyncBranch[T5],
        b6: AsyncBranch[T6],
        b7: AsyncBranch[T7],
        b8: AsyncBranch[T8],
        /,
    ) -> Coroutine[object, object, Won[T1 | T2 | T3 | T4 | T5 | T6 | T7 | T8]]: ...
    @overload
    def race(
        self,
        name: str,
        b1: AsyncBranch[T],
        b2: AsyncBranch[T],
        b3: AsyncBranch[T],
        b4: AsyncBranch[T],
        b5: AsyncBranch[T],
        b6: AsyncBranch[T],
        b7: AsyncBranch[T],
        b8: AsyncBranch[T],
        b9: AsyncBranch[T],
        /,
        *branches: AsyncBranch[T],
    ) -> Coroutine[object, object, Won[T]]: ...
    def race(self, name: str, /, *branches: AsyncBranch[Any]) -> Coroutine[object, object, Any]:
        """Run branches at the same time and return the first success. Its index is recorded: one write beside the branches' own.

        The losers are cancelled, with their waits and children; the late result of a thread is dropped.
        Raises RaceError, with one error per branch, when all of them failed.
        """
        ...

    def send_event(self, name: str, /, *events: object) -> Coroutine[object, object, list[str]]:
        """Send events, and return their ids. The ids are made of run and step: a repetition after a crash is no second event.

        ``events``: instances of registered classes, or EventOf. Costs one write. Raises EventError before anything is sent.
        """
        ...

    def patched(self, id: str, /) -> Coroutine[object, object, bool]:
        """Whether this run takes a code path that was added after some runs had begun: True for runs that come here first now.

        Recorded at the first call: costs one write. Runs whose history is already past this point get False.
        """
        ...


class AsyncStepOptions(Protocol):
    """What `AsyncStep.options` returns."""

    @overload
    def run(
        self, name: str, fn: Callable[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[object, object, R]: ...
    @overload
    def run(self, name: str, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, object, R]: ...
    def run(self, name: str, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Coroutine[object, object, Any]:
        """As `AsyncStep.run`, with these options."""
        ...


class AsyncUndoableStep(Protocol[T]):
    """What `AsyncStep.options` returns when ``compensate`` takes the step's result: ``fn`` must return that type."""

    @overload
    def run(
        self, name: str, fn: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[object, object, T]: ...
    @overload
    def run(self, name: str, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[object, object, T]: ...
    def run(self, name: str, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Coroutine[object, object, Any]:
        """As `AsyncStep.run`, with these options."""
        ...
