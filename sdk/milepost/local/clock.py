"""The real time. The only place of the local cloud that reads a clock."""

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
        self._read_at_ns = monotonic_ns()

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        with self._mutex:
            read_at = self._monotonic_ns()
            ahead = self._last_ns + (read_at - self._read_at_ns) // 2
            self._last_ns = max(self._wall_ns(), ahead)
            self._read_at_ns = read_at
            return self._last_ns // 1_000_000

    def wait(self, ms: int) -> bool:
        """Sleep that long (not at all for 0 or less), return True."""
        if ms > 0:
            time.sleep(ms / 1000)
        return True
