"""The steps of a `def` body: one thing at a time on the body's own thread, branches and maps on lent ones.

What a step's methods take is calls.py's, what each kind of step records and when is in running.py, waits.py and so on: this
is only the driver.
"""

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, NoReturn

from milepost.engine.branches import Group, Outcome
from milepost.engine.calls import StepCalls
from milepost.engine.fan import run_fan
from milepost.engine.interrupts import Suspend
from milepost.engine.operations import Again, Commit, Done, Operation, Parked, State, Work
from milepost.engine.pump import Pump
from milepost.engine.runners import ThreadRunner, within
from milepost.engine.running import NO_OPTIONS, NOT_RECORDED, recall
from milepost.engine.scope import Scope
from milepost.engine.slice import Slice


class BodyStep(StepCalls):
    """What a `def` body, or a branch of one, is given as its step."""

    def __init__(self, slice_: Slice, prefix: str = "") -> None:
        super().__init__(slice_)
        self._scope = Scope(prefix)

    @property
    def _prefix(self) -> str:
        return self._scope.prefix

    def _claim(self, name: object) -> str:
        return self._scope.claim(self._slice, name)

    def _check_function(self, what: str, name: str, fn: Callable[..., Any]) -> None:
        is_async = fn.__code__.co_flags & inspect.CO_COROUTINE if type(fn) is FunctionType else inspect.iscoroutinefunction(fn)
        if is_async:
            raise self._refuse(f"{what} {name!r}: {getattr(fn, '__name__', fn)!r} is async; a def function's steps run def functions")

    def run(self, name: str, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        path = self._scope.claim(self._slice, name)
        value = recall(self._slice, path, fn, args, kwargs)
        if value is NOT_RECORDED:
            return self._run_at(path, name, fn, args, kwargs, NO_OPTIONS)
        return value

    # ---- one operation at a time -------------------------------------------------------------------------------------

    def _drive(self, *operations: Operation, then: Callable[[Any], Any] | None = None) -> Any:
        value: Any = None
        for operation in operations:
            value = self.perform(operation)
        return value if then is None else then(value)

    def perform(self, operation: Operation) -> Any:
        """Bring an operation on until it has a value. Raises its error, or the interrupt that ends the slice."""
        if self._slice.leaves(operation.path):
            self._suspend()
        state: State = operation.begin()
        while True:
            if type(state) is Done:  # the quickest of ways to ask, for what is asked most
                return state.value
            match state:
                case Done(value):
                    return value
                case Work():
                    if self._slice.frozen:
                        raise Suspend
                    self._slice.guard(operation.path)
                    state = self._work(operation, state)
                case Commit(record, then):
                    self._slice.check_branch(operation.path)
                    stands, is_ours = self._slice.journal.put(record)
                    if stands.status == "cancelled":
                        self._slice.refuse_cancelled(operation.path)
                    state = then(stands, is_ours)
                case Again(at_ms, pending):
                    state = self._begin_again(operation) if self._slice.wait_here(at_ms) else Parked(pending)
                case Parked(pending):
                    self._slice.park(pending)
                    self._suspend()

    def _begin_again(self, operation: Operation) -> State:
        self._slice.check_branch(operation.path)  # it may have lost meanwhile, and what it waits for is cancelled
        return operation.begin()

    def _suspend(self) -> NoReturn:
        self._scope.is_suspended = True
        raise Suspend

    def _work(self, operation: Operation, work: Work) -> State:
        self._scope.busy = operation.path
        misuse = self._slice.misuse
        try:
            call = work.prepare()
            value = call() if work.timeout_ms is None else within(work.timeout_ms, call, operation.path)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a step raises is its failure, sys.exit() too
            return operation.failed(error)
        finally:
            self._scope.busy = None
        if self._slice.misuse is not None and misuse is None:
            return operation.failed(self._slice.misuse)  # swallowed: a slice after a crash would know nothing of it
        return operation.succeeded(value)

    # ---- many at once ------------------------------------------------------------------------------------------------

    def _fan_out(self, group: Group, make: Callable[[int], Operation], then: Callable[[list[Outcome]], Any]) -> Any:
        if self._slice.leaves(group.path):
            self._suspend()
        if group.is_counted:
            group.count_items()
        threads = self._slice.worker.threads

        def go() -> list[Outcome | None]:
            runner = ThreadRunner(threads, group.limit)
            return run_fan(self._slice, Pump(self._slice, runner), group, make, 1 if threads is None else 2 * group.limit)

        return then(self._group(lambda: group.run(lambda index: self.perform(make(index)), go), group.path))

    def _branch_out(self, group: Group, bodies: Callable[[int], Callable[[Any], Any]], then: Callable[[list[Outcome]], Any]) -> Any:
        if group.is_counted:
            group.count_items()

        def branch(index: int) -> Any:
            step = BodyStep(self._slice, f"{group.path}/{index}/")
            value = bodies(index)(step)
            step.require_not_swallowed()
            return value

        return then(self._group(lambda: group.run(branch), group.path))

    def _group(self, run: Callable[[], list[Outcome]], path: str) -> list[Outcome]:
        self._scope.busy = path
        self._scope.is_suspended = False
        waits = False
        try:
            return run()
        except Suspend:
            waits = True
            raise
        finally:
            self._scope.busy = None
            self._scope.is_suspended = waits

    def require_not_swallowed(self) -> None:
        """Refuse a body that caught its own suspension and went on. Raises UsageError."""
        if self._scope.is_suspended:
            raise self._refuse(
                "the body caught the BaseException that suspends it and returned: write `except Exception`, or raise it again "
                f"({Suspend.__doc__} See docs/concepts.md.)"
            )
