"""The I/O loop: one asyncio loop on one daemon thread of the process, on which the async bodies of steps run.

It lives as long as the process, so that a client made in one step (httpx, aiohttp, boto) still works in the next. The body
of a durable function never runs here: its own loop is passive (loop.py).
"""

import asyncio
import inspect
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context, copy_context
from functools import partial
from typing import Any

from milepost.engine.pump import Job
from milepost.engine.runners import run, too_long
from milepost.functions import is_async

Ended = Callable[[Job, Any, BaseException | None], None]


class _IoLoop:
    """The loop, made when it is first needed; anew in the child of a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def get(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            with self._lock:
                if self._loop is None:
                    loop = asyncio.new_event_loop()
                    threading.Thread(target=loop.run_forever, name="milepost I/O", daemon=True).start()
                    self._loop = loop
        return self._loop

    def forget(self) -> None:
        """In the child of a fork, which has the loop's memory but not its thread."""
        self._lock = threading.Lock()
        self._loop = None


_io = _IoLoop()
os.register_at_fork(after_in_child=_io.forget)


def io_loop() -> asyncio.AbstractEventLoop:
    """The loop, running: for who has to wait until nothing moves on it."""
    return _io.get()


class IoRunner:
    """Runs async work on the I/O loop and def work on threads, lent by the worker; without any, at once on the slice's own.
    What it starts on the loop goes out at `flush`, together.
    """

    def __init__(self, threads: Executor | None) -> None:
        self._threads = threads
        self._outgoing: list[tuple[Job, Ended, Context]] = []

    def start(self, job: Job, ended: Ended, /) -> None:
        context = copy_context() if job.context is None else job.context.copy()
        if job.call is not None and is_async(_function(job.call)):
            self._outgoing.append((job, ended, context))
        elif self._threads is None:
            context.run(run, job, partial(self._returned, ended))
        else:
            self._threads.submit(context.run, run, job, partial(self._returned, ended))

    def _returned(self, ended: Ended, job: Job, value: Any, error: BaseException | None) -> None:
        """A def may have made a coroutine all the same: ``lambda: fetch(url)``."""
        if error is None and inspect.isawaitable(value):
            job.call = partial(_awaited, value)
            # A copy: this thread may still be in the context when the loop enters it.
            _io.get().call_soon_threadsafe(_begin, [(job, ended, copy_context())])
        else:
            ended(job, value, _was_cancelled(job, error) if isinstance(error, asyncio.CancelledError) else error)

    def retract(self) -> list[Job]:
        """Nothing waits here once it has gone out."""
        return []

    def flush(self) -> None:
        """Let what was started go out."""
        if self._outgoing:
            outgoing, self._outgoing = self._outgoing, []
            _io.get().call_soon_threadsafe(_begin, outgoing)


def _function(call: Callable[[], Any]) -> Callable[..., Any]:
    while isinstance(call, partial):
        call = call.func
    return call


async def _awaited(awaitable: Any) -> Any:
    return await awaitable


# ---- on the I/O loop -------------------------------------------------------------------------------------------------


def _begin(jobs: list[tuple[Job, Ended, Context]]) -> None:
    loop = asyncio.get_running_loop()
    for job, ended, context in jobs:
        if job.call is None:
            continue  # dropped before it went out
        try:
            coroutine = context.run(job.call)
        except BaseException as error:  # noqa: BLE001 - told to the slice, which judges it
            ended(job, None, error)
            continue
        task = loop.create_task(_run(job, coroutine, ended), name=job.operation.path, context=context)
        job.stop = partial(_stop, loop, task)
        if job.is_dropped:
            task.cancel()


def _stop(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    loop.call_soon_threadsafe(task.cancel)


async def _run(job: Job, coroutine: Coroutine[Any, Any, Any], ended: Ended) -> None:
    try:
        if job.timeout_ms is None:
            value = await coroutine
        else:
            value = await _within(job.timeout_ms, coroutine, job.operation.path)
    except asyncio.CancelledError as error:  # of no interest when the body has cancelled it
        ended(job, None, _was_cancelled(job, error))
    except BaseException as error:  # noqa: BLE001 - told to the slice, which judges it
        ended(job, None, error)
    else:
        ended(job, value, None)


def _was_cancelled(job: Job, error: BaseException) -> RuntimeError:
    """A step that ends with CancelledError by itself has failed: raised in the body it would cancel the task that awaits it."""
    failure = RuntimeError(f"the function of step {job.operation.path!r} ended with CancelledError: it cancelled itself, or raised one")
    failure.__cause__ = error
    return failure


async def _within(timeout_ms: int, coroutine: Coroutine[Any, Any, Any], path: str) -> Any:
    limit = asyncio.timeout(timeout_ms / 1000)
    try:
        async with limit:
            return await coroutine
    except TimeoutError as error:
        if limit.expired():
            raise too_long(path, timeout_ms) from error
        raise
