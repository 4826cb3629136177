"""The steps of an `async def` body: each call claims its name at once and returns a coroutine."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextvars import copy_context
from functools import partial
from typing import Any

from milepost.engine.aio.fans import FanRequest
from milepost.engine.aio.requests import Request, value_of
from milepost.engine.aio.tasks import BodyTask, TaskScope
from milepost.engine.aio.turns import Turns
from milepost.engine.branches import Broke, Group, GroupEnd, Outcome, Returned, outcome_of
from milepost.engine.calls import StepCalls
from milepost.engine.interrupts import Unserved
from milepost.engine.operations import Operation
from milepost.engine.slice import Slice
from milepost.errors import MilepostError


class AsyncBodyStep(StepCalls):
    """What an `async def` body, and each branch of one, is given as its step. Its scope is that of the task that uses it."""

    def __init__(self, slice_: Slice, turns: Turns) -> None:
        super().__init__(slice_)
        self._turns = turns
        self._loop = turns.loop
        self._scope: TaskScope | None = None
        """Of the call that claims a name now."""

    @property
    def _prefix(self) -> str:
        scope = self._loop.scope()
        return "" if scope is None else scope.prefix

    def _claim(self, name: object) -> str:
        loop = self._loop
        if loop.is_suspending:
            return "~suspended"
        scope = loop.scope() if loop.is_here else None
        if scope is None:
            raise self._refuse(f"step {name!r} is used {self._where()}: the body's own tasks use steps, nobody else")
        self._scope = scope
        return scope.claim(self._slice, name)

    def _where(self) -> str:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            return "on another thread than its body's, or inside a step's body (use step.invoke, or call it from the body)"
        if running is self._loop and asyncio.current_task(running) is not None:
            return "in a task that was made past the event loop (use asyncio.create_task, gather or TaskGroup)"
        if running is self._loop:
            return "in a callback of the event loop"
        return "inside a step's body, or on another event loop (a step's body cannot have steps of its own: use step.invoke)"

    def _check_function(self, what: str, name: str, fn: Callable[..., Any]) -> None:
        """Def and async def are both welcome."""

    # ---- operations --------------------------------------------------------------------------------------------------

    def perform(self, operation: Operation) -> Coroutine[Any, Any, Any]:
        """Bring an operation on until it has a value."""
        return self._drive(operation)

    def _drive(self, *operations: Operation, then: Callable[[Any], Any] | None = None) -> Coroutine[Any, Any, Any]:
        if self._loop.is_suspending:
            return _only_yields()
        return _perform(self._turns, self._scope, operations, then)

    def _fan_out(self, group: Group, make: Callable[[int], Operation], then: Callable[[list[Outcome]], Any]) -> Coroutine[Any, Any, Any]:
        if self._loop.is_suspending:
            return _only_yields()
        return _join(self._turns, self._scope, self._slice, group, make, then)

    # ---- branches ----------------------------------------------------------------------------------------------------

    def _branch_out(
        self, group: Group, bodies: Callable[[int], Callable[[Any], Any]], then: Callable[[list[Outcome]], Any]
    ) -> Coroutine[Any, Any, Any]:
        if self._loop.is_suspending:
            return _only_yields()
        return self._branches(self._scope, group, bodies, then)

    async def _branches(
        self,
        scope: TaskScope | None,
        group: Group,
        bodies: Callable[[int], Callable[[Any], Any]],
        then: Callable[[list[Outcome]], Any],
    ) -> Any:
        try:
            _count(self._turns, self._slice, group)
            branches = _Branches(self._turns, group, lambda index: _branch(bodies(index), self))
            return then(await branches.run(self._slice))
        finally:
            _release(scope, group.path)


class _Branches:
    """The branches of a group, each a task of its own."""

    def __init__(self, turns: Turns, group: Group, body: Callable[[int], Coroutine[Any, Any, Any]]) -> None:
        self._turns = turns
        self._group = group
        self._body = body
        self._left = iter(range(group.count))
        self._outcomes: list[Outcome | None] = [None] * group.count
        self._open: dict[int, BodyTask] = {}
        self._is_over = False
        self._over = turns.loop.create_future()

    async def run(self, slice_: Slice) -> list[Outcome]:
        """Run them all. Raises what the group ends with."""
        for _ in range(min(self._group.limit, self._group.count)):
            self._begin()
        try:
            if self._open:
                await self._over
        finally:
            self._is_over = True
            for task in self._open.values():
                task.cancel()
        index = self._decisive()
        while self._open:  # the losers may have something to clean up
            self._over = self._turns.loop.create_future()
            await self._over
        broken = next((outcome.error for outcome in self._outcomes if isinstance(outcome, Broke)), None)
        if broken is not None and index is None:
            raise broken
        if index is None:
            return self._group.ended(self._outcomes)
        outcome = self._outcomes[index]
        value = await _perform(self._turns, None, (GroupEnd(slice_, self._group, index, outcome),), None)
        return [Returned(value, index)]

    def _decisive(self) -> int | None:
        return None if any(isinstance(outcome, Broke) for outcome in self._outcomes) else self._group.decisive(self._outcomes)

    def _begin(self) -> None:
        index = next(self._left, None)
        if index is None:
            return
        task = self._turns.loop.spawn(self._body(index), f"{self._group.path}/{index}/", name=f"{self._group.path}/{index}")
        self._open[index] = task
        task.add_done_callback(partial(self._ended, index))

    def _ended(self, index: int, task: asyncio.Task[Any]) -> None:
        del self._open[index]
        outcome: Outcome | None = None
        if not task.cancelled():
            error = task.exception()
            outcome = Returned(task.result(), index) if error is None else outcome_of(error)
        elif not self._is_over:
            outcome = Broke(asyncio.CancelledError(f"branch {index} of {self._group.path!r} was cancelled"))
        if not self._is_over:
            self._outcomes[index] = outcome
            decided = isinstance(outcome, Broke) or self._group.decisive(self._outcomes) is not None
            if not decided:
                self._begin()
            if not (decided or not self._open):
                return
        elif self._open:
            return
        if not self._over.done():
            self._over.set_result(None)


async def _branch(body: Callable[[Any], Any], step: AsyncBodyStep) -> Any:
    return await body(step)


async def _perform(turns: Turns, scope: TaskScope | None, operations: tuple[Operation, ...], then: Callable[[Any], Any] | None) -> Any:
    try:
        value: Any = None
        for operation in operations:
            if _is_its_turn(turns, operation.path):
                try:
                    value = value_of(operation)
                except Unserved:  # raised here it would be the task's own end, which others may await
                    await asyncio.Future(loop=turns.loop)
            else:
                value = await _wait(turns, Request(operation, turns, None if scope is None else scope.context))
        return value if then is None else then(value)
    finally:
        if scope is not None:
            scope.release(operations[-1].path)


async def _join(
    turns: Turns,
    scope: TaskScope | None,
    slice_: Slice,
    group: Group,
    make: Callable[[int], Operation],
    then: Callable[[list[Outcome]], Any],
) -> Any:
    try:
        _count(turns, slice_, group)
        return then(await _wait(turns, FanRequest(slice_, group, make, turns, None if scope is None else scope.context)))
    finally:
        _release(scope, group.path)


def _is_its_turn(turns: Turns, path: str) -> bool:
    task = asyncio.current_task(turns.loop)
    return task is not None and not task.cancelling() and turns.is_next(path)


async def _wait(turns: Turns, request: Request) -> Any:
    request.future = asyncio.Future(loop=turns.loop)  # without a serial number: what is handed out at once needs no future
    turns.ask(request)
    try:
        return await request.future
    except asyncio.CancelledError:
        turns.withdraw(request)
        raise


def _count(turns: Turns, slice_: Slice, group: Group) -> None:
    """How many items there are is recorded before the first of them begins. Raises NonDeterminismError."""
    if group.recorded() is None and group.is_counted and not slice_.frozen:
        turns.write_first(group.fresh())


def _release(scope: TaskScope | None, path: str) -> None:
    if scope is not None:
        scope.release(path)


class _Yield:
    def __await__(self) -> Generator[None, None, None]:
        yield


async def _only_yields() -> Any:
    """What a step is while the slice is being suspended: nothing that it asks for begins."""
    while True:
        await _Yield()


async def perform_all(step: AsyncBodyStep, operations: Sequence[Operation]) -> list[MilepostError]:
    """Bring operations on, one after the other, whatever becomes of those before; the errors of those that failed."""
    failures: list[MilepostError] = []
    for operation in operations:
        try:
            await step.perform(operation)
        except MilepostError as error:
            failures.append(error)
    return failures


OWN_CODE = frozenset({_perform.__code__, _join.__code__, _only_yields.__code__})


def run_async(slice_: Slice, call: Callable[[AsyncBodyStep], Coroutine[Any, Any, Any]]) -> Any:
    """Run an async body as far as it goes. Raises what it raises, or the interrupt that ends the slice."""
    order = slice_.journal.order
    if order is None:
        raise TypeError(f"{slice_.definition.name} is no async function: its history was read without its order")
    turns = Turns(slice_, order)
    turns.loop.own_code = OWN_CODE
    return turns.run(call(AsyncBodyStep(slice_, turns)), copy_context())
