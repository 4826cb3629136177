"""What is done once a minute, by whoever is woken then: the sweep, and the crons' ticks of the minute to come."""

from typing import Final

import msgspec

from milepost.engine.schedules import Schedules
from milepost.engine.sweep import Found, sweep
from milepost.engine.worker import Worker

AHEAD_MS: Final = 60_000
"""Ticks are sent so long ahead: as long as it is to the next call."""


class Kept(msgspec.Struct, frozen=True):
    """What there was to do."""

    found: Found
    ticks: int

    def counts(self) -> dict[str, int]:
        """All of it by name."""
        return {**msgspec.structs.asdict(self.found), "ticks": self.ticks}


def keep_up(worker: Worker) -> Kept:
    """Do it. Idempotent: several at once do what one does. The crons come first: they are for a certain second."""
    ticks = Schedules(worker).fire_until(worker.now() + AHEAD_MS)
    return Kept(sweep(worker), ticks)
