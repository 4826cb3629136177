"""Async steps in a fixed order: a slice goes on when all that it has begun has ended, or waits for something real.

Without this the I/O loop's thread races the slice's, and two plays of one scenario would write at other times. Fakes that
answer without real input and output are as deterministic as a def; a real socket or `asyncio.sleep` is waited for as ever.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Final

from milepost.engine.aio.io import Ended, IoRunner, io_loop
from milepost.engine.pump import Job

PASSES: Final = 100
"""Of the I/O loop, that may go by before what is under way counts as waiting for something real."""


class SteadyRunner:
    """`Runner` of engine/pump.py."""

    def __init__(self, threads: Executor | None) -> None:
        self._io = IoRunner(threads)
        self._under_way = 0
        self._is_fresh = False

    def start(self, job: Job, ended: Ended, /) -> None:
        self._under_way += 1
        self._is_fresh = True

        def counted(job: Job, value: Any, error: BaseException | None) -> None:
            self._under_way -= 1
            ended(job, value, error)

        self._io.start(job, counted)

    def flush(self) -> None:
        """Let what was started go out, and wait until it has ended or got stuck."""
        self._io.flush()
        if self._is_fresh and self._under_way:
            settle_io(lambda: not self._under_way)
        self._is_fresh = False

    def retract(self) -> list[Job]:
        return self._io.retract()


def settle_io(is_done: Callable[[], bool] = lambda: False) -> None:
    """Wait until that is so, or the I/O loop has gone round a hundred times."""
    asyncio.run_coroutine_threadsafe(_passes(is_done), io_loop()).result()


async def _passes(is_done: Callable[[], bool]) -> None:
    for _ in range(PASSES):
        if is_done():
            return
        await asyncio.sleep(0)
