"""One thread on which all slices of async functions run, each in a greenlet, so that hundreds of runs share an fsync.

Owns that thread, its greenlets, and who of them waits for what. A slice is plain synchronous code and knows nothing of
this: where it would block, it is set aside, and others go on. When none can go on, what they want to commit is brought as
one entry to the group commit, and each is resumed with its own result or error::

    slice A  ─ commit ─┐                              ┌─ goes on ─ commit ...
    slice B      ─ commit ─┐                          ├─ goes on ─ waits for a step's body ...
    slice C          ─ waits for a signal             │
    hub                    └ one transaction, one fsync ┘  ... signals of other threads, times, new slices

Never blocks for one slice while another could go on, but where SQLite reads, and where a body's own asyncio loop is
running: a switch there would show the other slices a loop that is not theirs.
"""

import asyncio
import heapq
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Final, TypeVar

import msgspec
from greenlet import getcurrent, greenlet

from milepost.engine.aio.io import Ended, IoRunner
from milepost.engine.ports import Clock
from milepost.engine.pump import Job
from milepost.engine.worker import Signal, Worker
from milepost.local.group_commit import Operation, Part
from milepost.local.store import Store

T = TypeVar("T")

Take = Callable[[int], Sequence[Callable[[], None]]]
"""New slices, at most so many; called on the hub's thread. A slice raises nothing."""

_POKE: Final = None


class HubSignal:
    """`Signal` of engine/worker.py for a slice on the hub: waiting for it lets other slices run."""

    __slots__ = ("_hub", "_is_set", "waiter")

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._is_set = False
        self.waiter: greenlet | None = None

    def set(self) -> None:
        self._is_set = True  # before the look: a slice looks at this after it has said that it waits
        if self.waiter is not None:
            self._hub.inbox.put(self)

    def clear(self) -> None:
        self._is_set = False

    def is_set(self) -> bool:
        """Whether it is set."""
        return self._is_set

    def wait(self, timeout: float | None = None, /) -> bool:
        self.waiter = getcurrent()
        if not self._is_set:
            self._hub.park(self, timeout)
        self.waiter = None
        return self._is_set


class HubClock:
    """The clock of slices on the hub: letting time pass lets other slices run."""

    def __init__(self, clock: Clock, hub: "Hub") -> None:
        self._clock = clock
        self._hub = hub

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return self._clock.now_ms()

    def wait(self, ms: int) -> bool:
        """Let that much time pass (none for 0 or less), return True."""
        if ms > 0 and self._hub.has_slice():
            HubSignal(self._hub).wait(ms / 1000)
            return True
        return self._clock.wait(ms)


class HubRunner:
    """`Runner` of engine/pump.py: the work of all slices goes to the I/O loop together, when no slice can go on."""

    def __init__(self, io: IoRunner) -> None:
        self._io = io

    def start(self, job: Job, ended: Ended, /) -> None:
        self._io.start(job, ended)

    def flush(self) -> None:
        """The hub does it."""

    def retract(self) -> list[Job]:
        return self._io.retract()


class Hub:
    """Runs slices from `start` to `stop`, at most ``most`` at once. ``failed`` is told of what ends it before its time."""

    def __init__(
        self, store: Store, take: Take, *, most: int, failed: Callable[[BaseException], None], threads: Executor | None = None
    ) -> None:
        self._store = store
        self._io = IoRunner(threads)
        self._take = take
        self._most = most
        self._failed = failed
        self.inbox: queue.SimpleQueue[HubSignal | None] = queue.SimpleQueue()
        """Signals that were set while somebody waited for them, from any thread, and pokes."""
        self._is_poked = False
        self._is_stopping = False
        self._live = 0
        self._ready: deque[greenlet] = deque()
        self._parts: list[Part] = []
        self._committing: list[greenlet] = []
        self._is_durable = False
        self._times: list[tuple[float, int, HubSignal, greenlet]] = []
        self._serial = count()
        self._thread = threading.Thread(target=self._run, name="milepost hub", daemon=True)

    # ---- from any thread ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to take slices."""
        self._store.set_aside(self)
        self._thread.start()

    def poke(self) -> None:
        """There may be new slices to take."""
        if not self._is_poked:
            self._is_poked = True
            self.inbox.put(_POKE)

    def stop(self) -> None:
        """Take no more slices."""
        self._is_stopping = True
        self.inbox.put(_POKE)

    def join(self, within_s: float) -> bool:
        """After `stop`: wait until all slices have ended; False when some had not by then."""
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def worker(self, worker: Worker) -> Worker:
        """The same worker for slices on the hub."""
        ports = msgspec.structs.replace(worker.ports, clock=HubClock(worker.ports.clock, self))
        return replace(worker, ports=ports, signal=self.signal, runner=self._runner)

    def _runner(self, _threads: Executor | None) -> HubRunner:
        return HubRunner(self._io)

    def signal(self) -> Signal:
        """What a slice waits with; an Event where a wait has to block."""
        return HubSignal(self) if self.has_slice() else threading.Event()

    # ---- from a slice ------------------------------------------------------------------------------------------------

    def has_slice(self) -> bool:
        """Whether the caller is a slice on this hub that may be set aside."""
        if threading.get_ident() != self._thread.ident or getcurrent() is self._main:
            return False
        return asyncio._get_running_loop() is None  # noqa: SLF001 - the public one raises, at five times the price

    def commit(self, op: Operation[T], *, durable: bool) -> T:
        """`GroupCommit.commit` for a slice: together with those of the other slices."""
        part = Part(op)
        self._parts.append(part)
        self._committing.append(getcurrent())
        self._is_durable |= durable
        self._main.switch()
        if part.error is not None:
            raise part.error
        result: T = part.result
        return result

    def park(self, signal: HubSignal, timeout_s: float | None) -> None:
        """Set the slice aside until the signal is set, or the time is up."""
        if timeout_s is not None:
            heapq.heappush(self._times, (time.monotonic() + timeout_s, next(self._serial), signal, getcurrent()))
        self._main.switch()

    # ---- the hub's thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._main = getcurrent()
        try:
            while not self._is_over():
                self._hear()
                self._expire()
                self._begin()
                is_full = self._live >= self._most
                while self._ready:
                    self._ready.popleft().switch()
                self._io.flush()
                if self._parts:
                    self._commit()
                elif not (is_full and self._live < self._most) and not self._is_over():
                    self._sleep()  # if there is room again, there may be what could not be taken before
        except BaseException as error:  # noqa: BLE001 - for the thread that serves, which raises it
            self._failed(error)

    def _is_over(self) -> bool:
        return self._is_stopping and self._live == 0

    def _hear(self) -> None:
        for _ in range(self.inbox.qsize()):
            self._wake(self.inbox.get_nowait())

    def _wake(self, signal: HubSignal | None) -> None:
        if signal is None:
            self._is_poked = False
        elif signal.waiter is not None and signal.is_set():
            self._ready.append(signal.waiter)
            signal.waiter = None  # set twice, it still goes on once

    def _expire(self) -> None:
        now = time.monotonic()
        while self._times and self._times[0][0] <= now:
            _at, _serial, signal, waiter = heapq.heappop(self._times)
            if signal.waiter is waiter:
                self._ready.append(waiter)
                signal.waiter = None

    def _begin(self) -> None:
        if self._is_stopping or self._live >= self._most:
            return
        for call in self._take(self._most - self._live):
            self._live += 1
            slice_ = greenlet(partial(self._live_through, call))
            slice_.gr_context = copy_context()
            self._ready.append(slice_)

    def _live_through(self, call: Callable[[], None]) -> None:
        try:
            call()
        finally:
            self._live -= 1

    def _commit(self) -> None:
        """One entry for all that the slices want to write."""
        parts, self._parts = self._parts, []
        waiters, self._committing = self._committing, []
        durable, self._is_durable = self._is_durable, False
        try:
            self._store.commit_parts(parts, durable=durable)
        except sqlite3.Error as error:  # the file is closed: each slice is told, and ends
            for part in parts:
                part.error = error
        self._ready.extend(waiters)

    def _sleep(self) -> None:
        timeout = None if not self._times else max(0.0, self._times[0][0] - time.monotonic())
        try:
            self._wake(self.inbox.get(timeout=timeout))
        except queue.Empty:
            return
