"""What the engine tells of itself, for metrics: a closed set of facts, each told once by whoever made it so.

`Worker.notice` is called with them, on whatever thread they come about; when it is None no fact is made. They steer nothing. A
worker that dies between a deed and its telling leaves it untold: metrics count what was seen, the table knows what is so.
Times in milliseconds.
"""

from typing import TypeAlias

import msgspec

from milepost.runs import RunStatus


class RunStarted(msgspec.Struct, frozen=True):
    """A run was born, and its first slice begins."""

    function: str
    run: str
    queue_ms: int
    """Since the bus accepted its event, a child's start was sent, or a tick was due."""


class RunEnded(msgspec.Struct, frozen=True):
    """A run has completed, failed, or been cancelled."""

    function: str
    run: str
    status: RunStatus
    duration_ms: int
    """Since it was created."""


class RunPaused(msgspec.Struct, frozen=True):
    """A run stands still until somebody resumes it, or new code is deployed."""

    function: str
    run: str
    reason: str


class StepEnded(msgspec.Struct, frozen=True):
    """A function of step.run has returned, or failed for good, and that is recorded."""

    function: str
    run: str
    path: str
    is_completed: bool
    duration_ms: int
    """Of the attempt that ended it."""
    attempts: int


class Retried(msgspec.Struct, frozen=True):
    """An attempt has failed, and another will follow."""

    function: str
    run: str
    path: str
    """Of the step; "" for the body."""


class Slept(msgspec.Struct, frozen=True):
    """A sleep is over, and a slice has seen it for the first time."""

    function: str
    run: str
    path: str
    late_ms: int
    """How much later than it was to end."""


class Resumed(msgspec.Struct, frozen=True):
    """A slice begins for a run that was there before."""

    function: str
    run: str
    latency_ms: int
    """Since its timer was due, what it waited for had come, or the message that woke it was sent."""


class Replayed(msgspec.Struct, frozen=True):
    """A slice has read the history of its run, to replay it."""

    function: str
    run: str
    steps: int


class TooManyHops(msgspec.Struct, frozen=True):
    """A chain of events or runs was taken for a loop, and ended here."""

    function: str
    event_id: str
    hops: int


Fact: TypeAlias = RunStarted | RunEnded | RunPaused | StepEnded | Retried | Slept | Resumed | Replayed | TooManyHops
