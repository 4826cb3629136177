"""The engine on the caller's thread, without loop, threads and real time: for what processor and memory alone decide.

The same ports and the same `deliver` as the local cloud; the clock stands still until it is told to move.
"""

import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from milepost import App, Run
from milepost.engine.client import Client
from milepost.engine.deliver import Ack, deliver
from milepost.engine.ports import Table
from milepost.functions import Function
from milepost.local.assembly import ports_on, worker_on
from milepost.local.mailbox import Mailbox
from milepost.local.store import Store
from milepost.testing.clock import VirtualClock

_INVOCATION_MS = 900_000


class Bare:
    """One store, in memory or on a file, and whoever delivers its messages: the caller of `deliver_all`."""

    def __init__(self, app: App, path: Path | None = None, *, seen_as: Callable[[Table], Table] = lambda table: table) -> None:
        self.store = Store(path)
        self._clock = VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))
        ports = ports_on(self.store, self._clock, app.definitions)
        self._worker = worker_on(msgspec.structs.replace(ports, table=seen_as(ports.table)), app.definitions)
        self._mailbox = Mailbox(self.store, self._clock)
        ids = count()
        self._client = Client(self._worker, new_id=lambda: f"event-{next(ids)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /) -> None:
        self.store.close()

    def invoke(self, function: Function[Any, Any], data: object) -> Run[Any]:
        """Send the start; `deliver_all` runs it."""
        return self._client.invoke(function, data)

    def advance(self, by: timedelta) -> None:
        """Let time pass; what is due then waits for `deliver_all`."""
        self._clock.move_to(self._clock.now_ms() + int(by.total_seconds() * 1000))

    def deliver_all(self) -> None:
        """Deliver what is deliverable now, one message after the other."""
        while received := self._mailbox.receive(self._clock.now_ms(), 1):
            [message] = received
            match deliver(message, self._worker, self._clock.now_ms() + _INVOCATION_MS):
                case Ack():
                    self._mailbox.ack(message.id)
                case later:
                    self._mailbox.retry(message.id, later.at_ms)


def timed_ms(call: Callable[[], object]) -> float:
    """Wall time."""
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1000


def cpu_us(call: Callable[[], object]) -> float:
    """Processor time of the whole process, in user and kernel, in microseconds."""
    begun = time.process_time()
    call()
    return (time.process_time() - begun) * 1_000_000


def peak_bytes(call: Callable[[], object]) -> int:
    """What Python allocated at most, above what there was before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        call()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before
