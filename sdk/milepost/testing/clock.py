"""Virtual time: stands still until somebody moves it."""

from datetime import datetime

from milepost.timestamps import milliseconds


class VirtualClock:
    """`Clock` of ports.py. Nobody can wait by it: what has to wait suspends."""

    def __init__(self, start: datetime) -> None:
        self._now_ms = milliseconds(start)

    def now_ms(self) -> int:
        return self._now_ms

    def wait(self, ms: int) -> bool:
        return ms <= 0

    def move_to(self, at_ms: int) -> None:
        """Let time pass until then; time never goes back."""
        self._now_ms = max(self._now_ms, at_ms)
