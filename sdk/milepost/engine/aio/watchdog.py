"""The watchdog: tells of a body that blocks the thread its event loop is on.

One daemon thread for the process, which is there only while slices of async functions run. A slice pays with two attribute
writes a turn. The watchdog reads no clock: it counts its own ticks, so that time in which the whole process was frozen does
not count.
"""

import os
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from milepost.engine.aio.places import where_is
from milepost.engine.slice import Slice

_TICKS: Final = 5
"""In the time that a body may block: it is told of at most a tick late."""
_IDLE_S: Final = 1.0
"""The thread ends when it has had nothing to watch for this long."""


class Watch:
    """One slice, as the watchdog sees it. The slice's thread writes what has no underscore, the watchdog the rest."""

    __slots__ = ("_seen", "_slice", "_stood_ms", "beats", "is_busy", "limit_ms", "thread")

    def __init__(self, slice_: Slice) -> None:
        self.beats = 0
        """Goes on with every turn."""
        self.is_busy = False
        """The body runs, not the engine."""
        self.thread = threading.get_ident()
        self.limit_ms = slice_.worker.settings.watchdog_ms
        self._slice = slice_
        self._seen = -1
        self._stood_ms = 0.0

    def look(self, passed_ms: float) -> None:
        """See whether the body has come on since the last look."""
        beats = self.beats
        if not self.is_busy or beats != self._seen:
            self._seen, self._stood_ms = beats, 0
            return
        before = self._stood_ms
        self._stood_ms += passed_ms
        if before < self.limit_ms <= self._stood_ms:
            self._tell()

    def _tell(self) -> None:
        header = self._slice.header
        self._slice.worker.log.warning(
            "the body blocks its thread: other runs, and the concurrent tasks of its own, wait for it. Put what takes time into a "
            "function, and call it with step.run(name, function, ...)",
            at=where_is(_stack_of(self.thread)),
            blocked_for_ms=round(self._stood_ms),
            run_id=header.run,
            function=header.function,
        )


def _stack_of(thread: int) -> FrameType | None:
    stacks: Callable[[], dict[int, FrameType]] = vars(sys)["_current_frames"]  # the one way to another thread's stack
    return stacks().get(thread)


class _Watchdog:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watches: set[Watch] = set()
        self._thread: threading.Thread | None = None
        self._hurry = threading.Event()
        self._tick_s = _IDLE_S

    def add(self, watch: Watch) -> None:
        with self._lock:
            self._watches.add(watch)
            if self._thread is None:
                self._tick_s = watch.limit_ms / 1000 / _TICKS
                self._thread = threading.Thread(target=self._run, name="milepost watchdog", daemon=True)
                self._thread.start()
            elif watch.limit_ms / 1000 / _TICKS < self._tick_s:
                self._hurry.set()

    def remove(self, watch: Watch) -> None:
        with self._lock:
            self._watches.discard(watch)

    def forget(self) -> None:
        """In the child of a fork, which has no such thread."""
        self._lock = threading.Lock()
        self._watches = set()
        self._thread = None

    def _run(self) -> None:
        idle_s = 0.0
        while idle_s < _IDLE_S or not self._is_over():
            hurried = self._hurry.wait(self._tick_s)
            self._hurry.clear()
            with self._lock:
                watches = list(self._watches)
                passed_s = 0 if hurried else self._tick_s
                self._tick_s = min([_IDLE_S, *(watch.limit_ms / 1000 / _TICKS for watch in watches)])
            for watch in watches:
                watch.look(passed_s * 1000)
            idle_s = 0.0 if watches else idle_s + passed_s

    def _is_over(self) -> bool:
        with self._lock:
            if self._watches:
                return False
            self._thread = None
            return True


_watchdog = _Watchdog()
os.register_at_fork(after_in_child=_watchdog.forget)


@contextmanager
def watched(watch: Watch) -> Generator[None]:
    """Watch a slice, on its own thread, for as long as it is driven."""
    _watchdog.add(watch)
    try:
        yield
    finally:
        _watchdog.remove(watch)
