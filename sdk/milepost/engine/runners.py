"""Where the work of steps runs: on a thread lent by the worker, or on the slice's own."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import Context, copy_context
from threading import Lock, Thread
from typing import Any

from milepost.engine.pump import Job

Ended = Callable[[Job, Any, BaseException | None], None]


class ThreadRunner:
    """Runs work on threads, so much at once; without any, at once and on the slice's own.

    What is started queues up, and a thread that has done one thing takes the next: work that takes no time is done by one
    thread in a row, work that takes long calls in the next thread as soon as it has begun.
    """

    def __init__(self, threads: Executor | None, most: int) -> None:
        self._threads = threads
        self._most = most
        self._queue: deque[tuple[Job, Ended, Context]] = deque()
        self._busy = 0
        """Threads that take from the queue."""
        self._lock = Lock()

    def start(self, job: Job, ended: Ended, /) -> None:
        context = copy_context() if job.context is None else job.context.copy()
        if self._threads is None:
            context.run(run, job, ended)
        else:
            self._queue.append((job, ended, context))

    def flush(self) -> None:
        """Let what was started go out."""
        self._call_in()

    def retract(self) -> list[Job]:
        """Take back what has been started and not begun."""
        jobs: list[Job] = []
        while self._queue:
            try:
                jobs.append(self._queue.popleft()[0])
            except IndexError:  # a thread was faster
                break
        return jobs

    def _call_in(self) -> None:
        """One more thread, if there is work for it."""
        with self._lock:
            if self._threads is None or not self._queue or self._busy >= self._most:
                return
            self._busy += 1
        self._threads.submit(self._take)

    def _take(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._busy -= 1
                    return
                job, ended, context = self._queue.popleft()
            self._call_in()
            context.run(run, job, ended)


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
