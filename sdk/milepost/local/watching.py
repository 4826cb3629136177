"""Waiting for what runs do: told by the worker of this process at once, asked of the table for what others do."""

import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Final

from milepost.engine.worker import Moved

_ASK_S: Final = 0.05


class Watch:
    """Who waits for which runs. `moved` is the worker's observer."""

    def __init__(self, then: Callable[[Moved], None]) -> None:
        self._then = then
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, bool], list[threading.Event]] = {}
        """By run, and whether its end is waited for, or its birth."""

    def moved(self, moved: Moved) -> None:
        """Tell those who wait for this run, then the one who watches all."""
        with self._lock:
            told = list(self._waiting.get((moved.run, False), ()))
            if moved.status.is_terminal:
                told += self._waiting.get((moved.run, True), ())
        for event in told:
            event.set()
        self._then(moved)

    @contextmanager
    def over(self, runs: Iterable[str], *, end: bool) -> Generator[dict[str, threading.Event]]:
        """An event per run, set when it is born, or has ended. Enter it before what may bring that about."""
        events = {run: threading.Event() for run in runs}
        with self._lock:
            for run, event in events.items():
                self._waiting.setdefault((run, end), []).append(event)
        try:
            yield events
        finally:
            with self._lock:
                for run, event in events.items():
                    waiting = self._waiting[run, end]
                    waiting.remove(event)
                    if not waiting:
                        del self._waiting[run, end]


def until(told: threading.Event, is_so: Callable[[], bool], deadline: float) -> bool:
    """Wait until it is told, or is so anyway; False when it is not by ``deadline`` (of time.monotonic)."""
    if told.is_set() or is_so():
        return True
    while not told.wait(max(0.0, min(_ASK_S, deadline - time.monotonic()))):
        if is_so():
            return True
        if time.monotonic() >= deadline:
            return False
    return True
