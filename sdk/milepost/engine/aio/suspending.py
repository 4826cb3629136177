"""The end of an async body's slice: every task that has not ended gets the interrupt raised where it waits.

Newest task first, on the slice's thread and in the task's own context, straight into its coroutine: not through futures,
which would turn it into a result that gather() collects. `finally`, `with` and `except BaseException` run, as in def
functions; `except Exception` and `except CancelledError` do not see it. What they ask for then begins nothing: it only
yields, and the interrupt is raised again (docs/design/async.md rules 12, 13 and 17).
"""

import asyncio
from threading import Thread
from typing import Any, Final

from milepost.engine.aio.loop import BodyLoop
from milepost.engine.aio.tasks import BodyTask
from milepost.engine.interrupts import Suspend
from milepost.engine.slice import Slice
from milepost.errors import UsageError

MOST_THROWS: Final = 100
"""Times that a task may catch the interrupt and wait again."""

_stubborn: Final[list[Any]] = []
"""Coroutines that would not end. Dropping them would run their code at a time of the garbage collector's choice."""


def suspend_all(loop: BodyLoop, slice_: Slice, *, left_over: bool = False) -> None:
    """End every task that has not ended. `left_over`: the body has returned without waiting for them; then what nobody asked
    for is told, too.
    """
    loop.is_suspending = True
    open_tasks = [task for _, task in sorted(loop.tasks.items(), reverse=True) if not task.done()]
    if left_over and not slice_.is_silent(""):
        _warn(slice_, [task for task in open_tasks if task.scope is not None])
        for task in loop.tasks.values():
            _tell_of_error(slice_, task)
    loop.clear()
    for task in open_tasks:
        _end(loop, slice_, task)
        _let_threads_go(task)
    for task in open_tasks:  # what a task waits for holds the task, which holds it: that would be left to the garbage collector
        waiter: Any = getattr(task, "_fut_waiter", None)
        if waiter is not None:
            waiter.cancel()
    loop.tasks.clear()
    loop.clear()


def _warn(slice_: Slice, tasks: list[BodyTask]) -> None:
    if not tasks:
        return
    names = ", ".join(f"{task.get_name()} ({task.where})" for task in reversed(tasks[-10:]))
    slice_.worker.log.warning(
        "the body returned before all of its tasks had ended; they end here: await them, or use asyncio.TaskGroup",
        tasks=names,
        run_id=slice_.header.run,
        function=slice_.header.function,
    )


def _tell_of_error(slice_: Slice, task: BodyTask) -> None:
    """Of a task that has failed, when nobody has asked how it ended: asyncio says so when it is dropped, here that is too late."""
    if task.done() and getattr(task, "_log_traceback", False):
        error = task.exception()
        slice_.worker.log.error(
            "a task of the body failed, and nobody asked how it ended: await it, or use asyncio.TaskGroup",
            task=task.get_name(),
            error=f"{type(error).__name__}: {error}",
            run_id=slice_.header.run,
            function=slice_.header.function,
        )


def _end(loop: BodyLoop, slice_: Slice, task: BodyTask) -> None:
    task._log_destroy_pending = False  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - it is not lost: it is replayed
    coroutine: Any = task.get_coro()
    swallowed = False
    for _ in range(MOST_THROWS):
        where = task.where
        try:
            # The class, not an instance: among the arguments that would hold itself, by its traceback.
            task.own_context.run(loop.inside, task, coroutine.throw, Suspend)
        except Suspend:
            return
        except BaseExceptionGroup as group:  # a TaskGroup that had nothing left to wait for wraps it
            _, others = group.split(Suspend)
            if others is not None and not swallowed:
                _raised(slice_, where, others)
            return
        except StopIteration:
            _swallowed(slice_, where)
            return
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - of its finally: nobody else would hear of it
            if not swallowed:
                _raised(slice_, where, error)
            return
        swallowed = True
    _stubborn.append((task, coroutine))
    slice_.misused(
        UsageError(
            f"a task of {slice_.definition.name} does not end: it catches the BaseException that suspends it and waits again, "
            f"at {task.where}. Write `except Exception`, or raise it again"
        )
    )


def _let_threads_go(task: BodyTask) -> None:
    """A thread that a library keeps for as long as this task lives (anyio does, for to_thread) would keep the process, too."""
    callbacks: list[tuple[Any, Any]] = getattr(task, "_callbacks", None) or []
    for callback, _context in callbacks:
        if isinstance(getattr(callback, "__self__", None), Thread):
            callback(task)


def _swallowed(slice_: Slice, where: str) -> None:
    slice_.misused(
        UsageError(
            f"{slice_.definition.name} caught the BaseException that suspends it and returned, at {where}: write `except Exception`, "
            f"or raise it again ({Suspend.__doc__} See docs/concepts.md.)"
        )
    )


def _raised(slice_: Slice, where: str, error: BaseException) -> None:
    if not slice_.is_silent(""):
        slice_.worker.log.warning(
            "a task of the body raised an error while it was suspended",
            error=f"{type(error).__name__}: {error}",
            where=where,
            run_id=slice_.header.run,
            function=slice_.header.function,
        )


def deadlock(loop: BodyLoop, slice_: Slice) -> UsageError:
    """The error of a body that waits for nothing that could come."""
    tasks = [task for task in loop.tasks.values() if not task.done() and task.scope is not None]
    places = "; ".join(f"{task.get_name()} at {task.where}" for task in tasks[:10])
    return UsageError(
        f"{slice_.definition.name} waits for ever: no step, sleep, wait or timer of it is under way that could wake it. What works "
        f"elsewhere cannot: call that with step.run(name, function, ...). Its tasks: {places}"
    )
