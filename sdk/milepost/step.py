"""The typed protocols of the durable steps: `Step`, and what its `options` return. The engine implements them.

What holds for every step:

* ``name`` comes first and is positional only, as is what the step works on. It is the step's identity within its scope: the
  n-th use of a name is ``name:n``, and renaming a step makes it a new one. It is claimed when the method is called.
* A step that is recorded is never run again: its record is returned, on every replay, for ever. A step is one conditional
  write; when two workers race, both see the record of the one that was first.
* A replay that asks for a name as another kind of step than the history has raises NonDeterminismError and pauses the run;
  other arguments under the same name are a logged warning.
* A method that has to wait suspends the run: it raises a private BaseException through the body, so ``finally`` and ``with``
  run at each suspension and ``except Exception`` does not see it. A suspended run costs nothing but a look every
  seven days (docs/reference/costs.md).
* Arguments that cannot be raise UsageError at the call, before anything is written.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Literal, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from milepost.definitions import Function
from milepost.errors import InvokeError, StepError
from milepost.events import EventInfo, KeyValue, Matched, WaitFor, Won
from milepost.options import Backoff, Completion, Lookback, Retry

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

Branch: TypeAlias = Callable[["Step"], T]
"""A branch of `Step.parallel` and `Step.race`: takes steps of its own."""


class Log(Protocol):
    """A logger that is silent while replaying, so that each line is written once; keyword arguments become fields."""

    def debug(self, message: str, /, *args: object, **fields: object) -> None: ...
    def info(self, message: str, /, *args: object, **fields: object) -> None: ...
    def warning(self, message: str, /, *args: object, **fields: object) -> None: ...
    def error(self, message: str, /, *args: object, **fields: object) -> None: ...
    def exception(self, message: str, /, *args: object, **fields: object) -> None: ...


class AnyStep(Protocol):
    """What does not wait, and writes nothing."""

    @property
    def run_id(self) -> str:
        """The run's id: a hash of function, event name and event id."""
        ...

    @property
    def attempt(self) -> int:
        """The attempt of the body, from 1; a replay is none."""
        ...

    @property
    def event(self) -> EventInfo:
        """The envelope of the event that started the run."""
        ...

    @property
    def log(self) -> Log:
        """The run's logger, silent while replaying."""
        ...


class Step(AnyStep, Protocol):
    """The durable steps of a ``def`` function, or of a branch."""

    def run(self, name: str, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call ``fn`` until it succeeds, record what it returns, and return the record for ever after.

        The body of ``fn`` runs at least once: a crash after it took effect and before its record is written runs it again.
        The result is rebuilt by the return annotation of ``fn``, on the first run too; without one only JSON types are taken.
        Failures are tried again by the function's ``retries`` (see `options`); the last one is recorded and raised.

        Costs one write; each failed attempt that waits longer than 2 s costs one more, and a suspension.
        Raises StepError (also an instance of the original class), ValueNotStorable, CodecError, UsageError (``fn`` is async).
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
    ) -> "StepOptions": ...
    @overload
    def options(
        self, *, retry: Retry | None = None, once: bool = False, timeout: timedelta | None = None, compensate: Callable[[T], object]
    ) -> "UndoableStep[T]": ...
    def options(
        self,
        *,
        retry: Retry | None = None,
        once: bool = False,
        timeout: timedelta | None = None,
        compensate: Callable[..., object] | None = None,
    ) -> Any:
        """Options for one step: ``step.options(retry=Retry(retries=9)).run("charge", charge, order)``. Writes nothing.

        ``retry``: instead of the function's. ``once``: at most once: a note is written before the call, and a step whose
        worker died in it is not tried again but raises StepInterrupted; costs one write more. ``timeout``: an attempt that
        takes longer counts as failed; its thread cannot be stopped, its late result is dropped. ``compensate``: run if the
        run fails or is cancelled later, in reverse order of the steps, as a run of its own with retries; a function of the
        step's result or of nothing. Raises UsageError.
        """
        ...

    def sleep(self, name: str, duration: timedelta, /) -> None:
        """Suspend the run for ``duration``: never shorter; 0 to 366 days.

        The instant is recorded before the run suspends: a crash, or a deploy, does not start the time again.
        Costs at most 5 write units and one query; for each seven days that it lasts a look, 4 units and a query. Raises UsageError.
        """
        ...

    def sleep_until(self, name: str, at: datetime, /) -> None:
        """Suspend the run until ``at``: aware, at most 366 days ahead; a past one does not wait. Costs and raises as `sleep`."""
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
    ) -> E | None:
        """Suspend the run until an event comes whose keys are equal, or return None after ``timeout`` (up to 366 days).

        ``keys``: at least one key that the event's type declares. ``where``: a predicate on top; it must be pure, and is judged
        in the run. ``lookback``: an event that came before the wait counts when it was accepted within this time of now, or
        (SINCE_TRIGGER, the default) since ten seconds before the run's own event; the oldest first. Events that the run had
        consumed when this wait was registered are ignored; waits pending at the same time each get the event.

        A matching event is delivered exactly once, even if it came first. Costs at most 10 write units and two queries.
        Raises UndeclaredWaitError for an event that is not in ``waits_for``, UsageError for keys, times and types that cannot be.
        """
        ...

    @overload
    def wait_for_any(
        self, name: str, w1: WaitFor[T1], /, *, timeout: timedelta, lookback: timedelta | Lookback = ...
    ) -> Matched[T1] | None: ...
    @overload
    def wait_for_any(
        self, name: str, w1: WaitFor[T1], w2: WaitFor[T2], /, *, timeout: timedelta, lookback: timedelta | Lookback = ...
    ) -> Matched[T1 | T2] | None: ...
    @overload
    def wait_for_any(
        self, name: str, w1: WaitFor[T1], w2: WaitFor[T2], w3: WaitFor[T3], /, *, timeout: timedelta, lookback: timedelta | Lookback = ...
    ) -> Matched[T1 | T2 | T3] | None: ...
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
    ) -> Matched[T1 | T2 | T3 | T4] | None: ...
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
    ) -> Matched[T1 | T2 | T3 | T4 | T5] | None: ...
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
    ) -> Matched[T1 | T2 | T3 | T4 | T5 | T6] | None: ...
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
    ) -> Matched[T1 | T2 | T3 | T4 | T5 | T6 | T7] | None: ...
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
    ) -> Matched[T1 | T2 | T3 | T4 | T5 | T6 | T7 | T8] | None: ...
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
    ) -> Matched[T] | None: ...
    def wait_for_any(self, name: str, /, *waits: WaitFor[Any], timeout: timedelta, lookback: timedelta | Lookback = ...) -> Any:
        """Suspend the run until the first of several events comes: its WaitFor's index and the event, or None after ``timeout``.

        Each `WaitFor` is a wait of its own; when one is met the others are withdrawn. Otherwise as `wait_for_event`.
        """
        ...

    @overload
    def wait_for_callback(
        self, name: str, submit: Callable[[str], object], /, *, returns: type[T], timeout: timedelta, heartbeat: timedelta | None = None
    ) -> T: ...
    @overload
    def wait_for_callback(
        self, name: str, submit: Callable[[str], object], /, *, returns: None = None, timeout: timedelta, heartbeat: timedelta | None = None
    ) -> Any: ...
    def wait_for_callback(
        self,
        name: str,
        submit: Callable[[str], object],
        /,
        *,
        returns: type[Any] | None = None,
        timeout: timedelta,
        heartbeat: timedelta | None = None,
    ) -> Any:
        """Hand a token to ``submit``, suspend the run, and return what somebody answers by ``app.callback(token)``.

        ``submit(token)`` runs as a step: at least once, with retries, always with the same token. ``returns``: the class that
        the answer is rebuilt as; without it JSON types. ``heartbeat``: the longest time between two heartbeats.
        The first answer counts, also one that comes before the run suspends; later ones change nothing.
        Raises WaitTimeout, StepError when the answer is a failure or ``submit`` failed, CodecError, UsageError.
        """
        ...

    def wait_until(self, name: str, check: Callable[[], T | None], /, *, every: Backoff, timeout: timedelta) -> T:
        """Poll: call ``check`` until it returns something other than None and False, and record and return that.

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
    ) -> R:
        """Start a run of another function, suspend, and return its result. The child's id is made of run and step: it starts once.

        ``timeout``: up to 366 days; the child is then cancelled. ``on_cancel``: what becomes of the child when this run is
        cancelled. Raises InvokeError (with ``.cause``) when the child failed or was cancelled, WaitTimeout, EventError when
        ``data`` does not fit the function, CodecError, UsageError.
        """
        ...

    @overload
    def invoke_many(self, name: str, function: Function[E, R], items: Iterable[E], /, *, policy: None = None) -> list[R]: ...
    @overload
    def invoke_many(self, name: str, function: Function[E, R], items: Iterable[E], /, *, policy: Completion) -> list[R | InvokeError]: ...
    def invoke_many(self, name: str, function: Function[Any, Any], items: Iterable[Any], /, *, policy: Completion | None = None) -> Any:
        """Start a child run per item, suspend until all have ended, and return their results in the order of the items.

        The items are materialised and their count recorded. Without ``policy`` the first failure is raised as InvokeError;
        with one, failures stand in the list, and what the policy allows decides. Raises as `invoke`.
        """
        ...

    @overload
    def map(self, name: str, fn: Callable[[T], R], items: Iterable[T], /, *, concurrency: int = 16, policy: None = None) -> list[R]: ...
    @overload
    def map(
        self, name: str, fn: Callable[[T], R], items: Iterable[T], /, *, concurrency: int = 16, policy: Completion
    ) -> list[R | StepError]: ...
    def map(
        self, name: str, fn: Callable[[Any], Any], items: Iterable[Any], /, *, concurrency: int = 16, policy: Completion | None = None
    ) -> Any:
        """One step per item, ``name/<i>``, at most ``concurrency`` at a time; the results in the order of the items.

        Each item is recorded as it is done: a crash repeats only those under way. Items are materialised and their count
        recorded. Without ``policy`` the first failure is raised when the others under way have ended; with one, failures stand
        in the list. Raises StepError, and as `run`.
        """
        ...

    @overload
    def each(
        self, name: str, body: Callable[["Step", T], R], items: Iterable[T], /, *, concurrency: int = 16, policy: None = None
    ) -> list[R]: ...
    @overload
    def each(
        self, name: str, body: Callable[["Step", T], R], items: Iterable[T], /, *, concurrency: int = 16, policy: Completion
    ) -> list[R | StepError]: ...
    def each(
        self,
        name: str,
        body: Callable[["Step", Any], Any],
        items: Iterable[Any],
        /,
        *,
        concurrency: int = 16,
        policy: Completion | None = None,
    ) -> Any:
        """As `map`, but ``body(step, item)`` has steps of its own, in the scope ``name/<i>``; it may sleep and wait there.

        An item that suspends does not disturb the others. The body's own result is not recorded: its steps are.
        """
        ...

    @overload
    def parallel(self, name: str, b1: Branch[T1], /) -> tuple[T1]: ...
    @overload
    def parallel(self, name: str, b1: Branch[T1], b2: Branch[T2], /) -> tuple[T1, T2]: ...
    @overload
    def parallel(self, name: str, b1: Branch[T1], b2: Branch[T2], b3: Branch[T3], /) -> tuple[T1, T2, T3]: ...
    @overload
    def parallel(self, name: str, b1: Branch[T1], b2: Branch[T2], b3: Branch[T3], b4: Branch[T4], /) -> tuple[T1, T2, T3, T4]: ...
    @overload
    def parallel(
        self, name: str, b1: Branch[T1], b2: Branch[T2], b3: Branch[T3], b4: Branch[T4], b5: Branch[T5], /
    ) -> tuple[T1, T2, T3, T4, T5]: ...
    @overload
    def parallel(
        self, name: str, b1: Branch[T1], b2: Branch[T2], b3: Branch[T3], b4: Branch[T4], b5: Branch[T5], b6: Branch[T6], /
    ) -> tuple[T1, T2, T3, T4, T5, T6]: ...
    @overload
    def parallel(
        self, name: str, b1: Branch[T1], b2: Branch[T2], b3: Branch[T3], b4: Branch[T4], b5: Branch[T5], b6: Branch[T6], b7: Branch[T7], /
    ) -> tuple[T1, T2, T3, T4, T5, T6, T7]: ...
    @overload
    def parallel(
        self,
        name: str,
        b1: Branch[T1],
        b2: Branch[T2],
        b3: Branch[T3],
        b4: Branch[T4],
        b5: Branch[T5],
        b6: Branch[T6],
        b7: Branch[T7],
        b8: Branch[T8],
        /,
    ) -> tuple[T1, T2, T3, T4, T5, T6, T7, T8]: ...
    @overload
    def parallel(
        self,
        name: str,
        b1: Branch[T],
        b2: Branch[T],
        b3: Branch[T],
        b4: Branch[T],
        b5: Branch[T],
        b6: Branch[T],
        b7: Branch[T],
        b8: Branch[T],
        b9: Branch[T],
        /,
        *branches: Branch[T],
    ) -> tuple[T, ...]: ...
    def parallel(self, name: str, /, *branches: "Branch[Any]") -> Any:
        """Run branches at the same time, in threads, and return their results in order. The scope of a branch is ``name/<i>``.

        A branch that suspends does not disturb its siblings; the run suspends when none can go on. When one fails, its error
        is raised after the others have ended or suspended. The types of up to 8 branches are kept.
        """
        ...

    @overload
    def race(self, name: str, b1: Branch[T1], /) -> Won[T1]: ...
    @overload
    def race(self, name: str, b1: Branch[T1], b2: Branch[T2], /) -> Won[T1 | T2]: ...
    @overload
    def race(self, name: str, b1: Branch[T1], b2: Branch[T2], b3: Branch[T3], /) -> Won[T1 | T2 | T3]: ...
    @overload
    def race(self, name: str, b1: Branch[T1], b2: Branch[T2], b3: Branch[T3], b4: Branch[T4], /) -> Won[T1 | T2 | T3 | T4]: ...
    @overload
    def race(
        self, name: str, b1: Branch[T1], b2: Branch[T2], b3: Branch[T3], b4: Branch[T4], b5: Branch[T5], /
    ) -> Won[T1 | T2 | T3 | T4 | T5]: ...
    @overload
    def race(
        self, name: str, b1: Branch[T1], b2: Branch[T2], b3: Branch[T3], b4: Branch[T4], b5: Branch[T5], b6: Branch[T6], /
    ) -> Won[T1 | T2 | T3 | T4 | T5 | T6]: ...
    @overload
    def race(
        self, name: str, b1: Branch[T1], b2: Branch[T2], b3: Branch[T3], b4: Branch[T4], b5: Branch[T5], b6: Branch[T6], b7: Branch[T7], /
    ) -> Won[T1 | T2 | T3 | T4 | T5 | T6 | T7]: ...
    @overload
    def race(
        self,
        name: str,
        b1: Branch[T1],
        b2: Branch[T2],
        b3: Branch[T3],
        b4: Branch[T4],
        b5: Branch[T5],
        b6: Branch[T6],
        b7: Branch[T7],
        b8: Branch[T8],
        /,
    ) -> Won[T1 | T2 | T3 | T4 | T5 | T6 | T7 | T8]: ...
    @overload
    def race(
        self,
        name: str,
        b1: Branch[T],
        b2: Branch[T],
        b3: Branch[T],
        b4: Branch[T],
        b5: Branch[T],
        b6: Branch[T],
        b7: Branch[T],
        b8: Branch[T],
        b9: Branch[T],
        /,
        *branches: Branch[T],
    ) -> Won[T]: ...
    def race(self, name: str, /, *branches: "Branch[Any]") -> Any:
        """Run branches at the same time and return the first success. Its index is recorded: one write beside the branches' own.

        The losers' waits and children are cancelled; the late result of a losing thread is dropped.
        Raises RaceError, with one error per branch, when all of them failed.
        """
        ...

    def send_event(self, name: str, /, *events: object) -> list[str]:
        """Send events, and return their ids. The ids are made of run and step: a repetition after a crash is no second event.

        ``events``: instances of registered classes, or EventOf. Costs one write. Raises EventError before anything is sent.
        """
        ...

    def patched(self, id: str, /) -> bool:
        """Whether this run takes a code path that was added after some runs had begun: True for runs that come here first now.

        Recorded at the first call: costs one write. Runs whose history is already past this point get False.
        """
        ...


class StepOptions(Protocol):
    """What `Step.options` returns."""

    def run(self, name: str, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """As `Step.run`, with these options."""
        ...


class UndoableStep(Protocol[T]):
    """What `Step.options` returns when ``compensate`` takes the step's result: ``fn`` must return that type."""

    def run(self, name: str, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `Step.run`, with these options."""
        ...
