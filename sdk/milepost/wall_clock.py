"""The real time. The only place that reads a clock, of the local cloud and of AWS alike."""

import threading
import time
from collections.abc import Callable


class SystemClock:
    """The wall clock, but never backwards within the process.

    When the wall clock is set back, this one runs on at half speed until the wall has caught up, so that time neither
    stands still nor stays ahead for good.
    """

    def __init__(self, *, wall_ns: Callable[[], int] = time.time_ns, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._mutex = threading.Lock()
        self._last_ns = wall_ns()
        self._behind_since: tuple[int, int] | None = None
        """The wall was first seen to be behind: our time then, by the monotonic clock when."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        now = self._wall_ns()
        if now >= self._last_ns and self._behind_since is None:
            self._last_ns = now  # without the mutex: between two threads it may lose the nanoseconds that lie between them
            return now // 1_000_000
        with self._mutex:
            return self._behind() // 1_000_000

    def _behind(self) -> int:
        if self._behind_since is None:
            self._behind_since = (self._last_ns, self._monotonic_ns())
        since, at = self._behind_since
        ahead = since + (self._monotonic_ns() - at) // 2
        wall = self._wall_ns()
        if wall >= ahead:
            self._behind_since = None
        self._last_ns = max(self._last_ns, wall, ahead)
        return self._last_ns

    def wait(self, ms: int) -> bool:
        """Sleep that long (not at all for 0 or less), return True."""
        if ms > 0:
            time.sleep(ms / 1000)
        return True
