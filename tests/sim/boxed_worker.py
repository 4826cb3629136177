"""What a worker in a box has around it: adapters that ask again, the fuse of a test, a clock that nobody waits by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from contextvars import copy_context
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final

from milepost.engine.ports import ConditionFailed, PortError
from milepost.engine.pump import Job
from milepost.engine.runners import too_long, within
from milepost.narrowing import is_dict
from milepost.testing.crashes import Fuse, WorkerKilled
from tests.sim.lambdas import Environment

if TYPE_CHECKING:
    from tests.sim.boxed import BoxedWorld

_TRIES: Final = 30
"""Of an adapter, for one call."""
_UNTOLD: Final = ("put", "write_many", "send", "publish", "arm")
"""What an adapter does again when it was not told that it was done."""
_SEVERAL: Final = ("write_many", "send", "publish")


class BoxFuse(Fuse):
    """The fuse of `Sandbox.crash_after`, for whichever environment makes the last of the calls."""

    def burns(self) -> bool:
        """A call has taken effect; whether it was the last."""
        try:
            self.count()
        except WorkerKilled:
            self.renew()
            return True
        return False


class FuseOf(Fuse):
    def __init__(self, fuse: BoxFuse, environment: Environment) -> None:
        super().__init__()
        self._fuse = fuse
        self._environment = environment

    def count(self) -> None:
        if self._fuse.burns():
            self._environment.die("as the test wants it")
            raise WorkerKilled


class Adapter:
    """A port as an adapter makes it of a service: what was refused, or not answered, is asked for again."""

    def __init__(self, world: BoxedWorld, environment: Environment, port: Any) -> None:
        self._world = world
        self._environment = environment
        self._port = port

    def __getattr__(self, method: str) -> Any:
        call = getattr(self._port, method)

        def asked(*args: Any, **kwargs: Any) -> Any:
            is_first = self._world.fleet.knocks(self._environment)
            for some in self._half_done(method, args):
                with suppress(ConditionFailed, PortError):
                    call(*some)
            for _ in range(_TRIES):
                try:
                    return call(*args, **kwargs)
                except PortError:
                    if is_first or self._world.gives_up():
                        raise
            raise PortError(f"{method} was refused {_TRIES} times")

        return asked

    def _half_done(self, method: str, args: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        """What was done of it, or all of it, when its answer was lost."""
        world = self._world
        task = world.scheduler.current
        assert task is not None
        if method in _UNTOLD and not _is_birth(method, args[0]) and world.faults.strikes(task, "untold", world.untold, 0):
            if method in _SEVERAL and task.random.random() < 0.5:
                yield ([one for one in args[0] if task.random.random() < 0.5],)
            else:
                yield args


def _is_birth(method: str, item: Any) -> bool:
    """Who is not told that a run is his waits until his lease is over: that takes time."""
    return method == "put" and is_dict(item) and item["sk"] == "run"


class UnwaitedClock:
    """A clock by which nobody waits: who has to wait suspends, and the test lets the time pass."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock

    def now_ms(self) -> int:
        now: int = self._clock.now_ms()
        return now

    def wait(self, ms: int) -> bool:
        return ms <= 0


class Runner:
    """Runs the work of an async body's steps, each in a task of its own; what it really waits for it waits for alone."""

    def __init__(self, environment: Environment, _threads: Executor | None) -> None:
        self._environment = environment

    def start(self, job: Job, ended: Callable[[Job, Any, BaseException | None], None], /) -> None:
        context = copy_context() if job.context is None else job.context.copy()

        def work() -> None:
            if job.call is None:
                return
            try:
                value = context.run(_result, job.call, job.timeout_ms, job.operation.path)
            except WorkerKilled:
                raise
            except BaseException as error:  # noqa: BLE001 - told to the slice, which judges it
                ended(job, None, error)
            else:
                ended(job, value, None)

        self._environment.spawn(job.operation.path, work)

    def flush(self) -> None:
        """What was started is on its way."""

    def retract(self) -> list[Job]:
        return []


def _result(call: Callable[[], Any], timeout_ms: int | None, path: str) -> Any:
    value = call() if timeout_ms is None else within(timeout_ms, call, path)
    return asyncio.run(_awaited(value, timeout_ms, path)) if isawaitable(value) else value


async def _awaited(awaitable: Any, timeout_ms: int | None, path: str) -> Any:
    limit = asyncio.timeout(None if timeout_ms is None else timeout_ms / 1000)
    try:
        async with limit:
            return await awaitable
    except TimeoutError as error:
        if limit.expired():
            raise too_long(path, timeout_ms or 0) from error
        raise
    except asyncio.CancelledError as error:
        raise RuntimeError(f"the function of step {path!r} ended with CancelledError: it cancelled itself, or raised one") from error
