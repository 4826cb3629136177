"""Where the work of steps runs: on a thread lent by the worker, or on the slice's own."""

from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import copy_context
from threading import Thread
from typing import Any

from milepost.engine.pump import Job

Ended = Callable[[Job, Any, BaseException | None], None]


class ThreadRunner:
    """Runs work on threads; without any, at once and on the slice's own."""

    def __init__(self, threads: Executor | None) -> None:
        self._threads = threads

    def start(self, job: Job, ended: Ended, /) -> None:
        context = copy_context() if job.context is None else job.context.copy()
        if self._threads is None:
            context.run(run, job, ended)
        else:
            self._threads.submit(context.run, run, job, ended)

    def flush(self) -> None:
        """Everything has gone out already."""


def run(job: Job, ended: Ended) -> None:
    """Run a job's work on this thread, and tell how it ended."""
    call = job.call
    if call is None:
        return  # dropped before it began
    try:
        value = call() if job.timeout_ms is None else within(job.timeout_ms, call, job.operation.path)
    except BaseException as error:  # noqa: BLE001 - told to the slice, which judges it
        ended(job, None, error)
    else:
        ended(job, value, None)


def within(timeout_ms: int, call: Callable[[], Any], path: str) -> Any:
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
        raise too_long(path, timeout_ms)
    succeeded, value = box[0]
    if succeeded:
        return value
    raise value


def too_long(path: str, timeout_ms: int) -> TimeoutError:
    """The error of a step whose time is up."""
    return TimeoutError(f"step {path!r} took longer than {timeout_ms / 1000:g} s")
