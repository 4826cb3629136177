"""Waiting for what runs do: told by the worker of this process at once, asked of the table for what others do."""

import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Final, TypeAlias

from milepost.engine.worker import Moved

_ASK_S: Final = 0.05
_ASK_ANYWAY_S: Final = 1.0
_REMEMBERED: Final = 4_096
"""Runs whose last move is known without asking."""

Ask: TypeAlias = Callable[[Iterable[str]], Iterable[str]]
"""Those of the runs that are born, or have ended, by the table."""


class Waiter:
    """Somebody who waits for runs. ``missing``: those that are not born, or have not ended; ``unknown``: those of them of
    which this process has not heard since another wrote.
    """

    def __init__(self, missing: set[str], unknown: set[str]) -> None:
        self.missing = missing
        self.unknown = unknown
        self.gate = threading.Lock()
        """Held until none is missing."""
        if missing:
            self.gate.acquire()

    def until(self, ask: Ask, heard: Callable[[], int], deadline: float, *, ask_first: bool) -> None:
        """Wait until none is missing, or until ``deadline`` (of time.monotonic). The table is asked when ``heard`` says that
        somebody else has written, and once a second anyway. ``ask_first``: at once, of those that are not known to live.
        """
        asked_at, heard_of = time.monotonic(), heard()
        if ask_first and self.unknown:
            self.missing.difference_update(ask(sorted(self.unknown)))
        while self.missing:
            now = time.monotonic()
            if heard_of != heard() or now - asked_at >= _ASK_ANYWAY_S or now >= deadline:
                asked_at, heard_of = now, heard()
                self.missing.difference_update(ask(sorted(self.missing)))
            if now >= deadline:
                return
            if self.missing:
                self.gate.acquire(timeout=max(0.0, min(_ASK_S, deadline - now)))


class Watch:
    """Who waits for which runs. `moved` is the worker's observer."""

    def __init__(self, then: Callable[[Moved], None]) -> None:
        self._then = then
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, bool], list[Waiter]] = {}
        """By run, and whether its end is waited for, or its birth."""
        self._recent: dict[str, bool] = {}
        """Runs that have moved since another process has written, the latest last, and whether they have ended."""
        self.heard = 0
        """How often other processes were seen to have written."""

    def others_wrote(self) -> None:
        """Another process has written: what is known may not be so any more."""
        with self._lock:
            self.heard += 1
            self._recent = {}

    def moved(self, moved: Moved) -> None:
        """Tell those who wait for this run, then the one who watches all."""
        run, has_ended = moved.run, moved.status.is_terminal
        with self._lock:
            self._recent.pop(run, None)
            self._recent[run] = has_ended
            if len(self._recent) > _REMEMBERED:
                del self._recent[next(iter(self._recent))]
            told = self._waiting.get((run, False), ())
            for waiter in (*told, *self._waiting.get((run, True), ())) if has_ended else told:
                waiter.missing.discard(run)
                if not waiter.missing and waiter.gate.locked():
                    waiter.gate.release()
        self._then(moved)

    @contextmanager
    def over(self, runs: Iterable[str], *, end: bool) -> Generator[Waiter, None, None]:
        """Wait for these runs within the block. Enter it before what may bring that about, or ask first."""
        with self._lock:
            recent = self._recent
            missing = {run for run in runs if not (recent.get(run, False) if end else run in recent)}
            waiter = Waiter(missing, {run for run in missing if run not in recent})
            watched = list(missing)
            for run in watched:
                self._waiting.setdefault((run, end), []).append(waiter)
        try:
            yield waiter
        finally:
            with self._lock:
                for run in watched:
                    waiting = self._waiting[run, end]
                    waiting.remove(waiter)
                    if not waiting:
                        del self._waiting[run, end]
