"""The clock of a process that works on AWS: the machine's own, as in the local cloud."""

from milepost.wall_clock import SystemClock

__all__ = ["SystemClock"]
