"""The JSON that `--json` writes: stable shapes. Fields may be added, none is renamed or removed without a new major version.

Times are ISO 8601 in UTC; durations milliseconds; what a user stored is the JSON that was stored, byte for byte.
"""

from datetime import datetime
from typing import Any

import msgspec

from milepost.costing.bill import Bill
from milepost.runs import RunStatus, StepStatus


class Failure(msgspec.Struct, frozen=True):
    """What a run or a step failed with."""

    type: str
    """Qualified name of the exception's class."""
    message: str
    step: str | None
    traceback: str


class RunRef(msgspec.Struct, frozen=True):
    """A run, named."""

    id: str
    function: str
    status: RunStatus


class RunShape(msgspec.Struct, frozen=True, kw_only=True):
    """A run, as in a list."""

    id: str
    function: str
    status: RunStatus
    created_at: datetime
    ended_at: datetime | None
    duration_ms: int
    """From its birth to its end, or to now."""
    event: str
    """Name of the event that started it; empty when it was invoked."""
    event_id: str
    attempt: int
    """Of the body, from 1."""
    reason: str | None
    """Why it is paused, or was cancelled."""
    error: Failure | None
    parent: str | None
    rerun_of: str | None
    subject: str | None
    """The run that a handler or an undo run is about."""


class StepShape(msgspec.Struct, frozen=True, kw_only=True):
    """A step as recorded."""

    path: str
    """Scope and name in one: unique within the run, and what `rerun --from` takes."""
    scope: list[str]
    """The branches it lies in: ["prepare", "0"]."""
    name: str
    kind: str
    """run, sleep, wait, callback, poll, invoke, send, map, parallel, race, patch."""
    status: StepStatus
    attempts: int
    """Those begun and recorded; 0 for steps that only wait."""
    started_at: datetime
    ended_at: datetime | None
    due_at: datetime | None
    result: msgspec.Raw
    """null unless completed."""
    error: Failure | None
    child: str | None
    """The run that an invoke started."""


class WaitingShape(msgspec.Struct, frozen=True):
    """One thing that a run waits for now."""

    step: str | None
    """null for a retry of the whole body."""
    until: datetime | None
    events: list[str]
    child: str | None
    text: str
    """In words."""


class ShownRun(RunShape, frozen=True, kw_only=True):
    """A run with all that is known of it."""

    data: msgspec.Raw
    """Of the event that started it."""
    result: msgspec.Raw
    """null unless completed."""
    waiting_for: list[WaitingShape]
    steps: list[StepShape]
    """In the order in which they began."""
    children: list[RunRef]
    related: list[RunRef]
    """Its handlers, its undo run, its reruns."""


class EventShape(msgspec.Struct, frozen=True, kw_only=True):
    """An event that the bus accepted."""

    id: str
    name: str
    source: str
    at: datetime
    data: msgspec.Raw
    runs: list[RunRef]
    """Those that it started."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was sent."""

    id: str
    name: str
    at: datetime | None
    """When it is to be delivered, if later than now."""
    is_checked: bool
    """Its data were checked against its type."""
    worker: int | None
    """The process that works on the state file; null: nothing runs until there is one. Null for a stage, too."""
    stage: str | None = None
    """The stage that it was sent to."""
    runs: list[RunRef]
    """Those that it started within a second."""


class Acted(msgspec.Struct, frozen=True, kw_only=True):
    """What cancel, pause, resume and rerun did."""

    run: str
    function: str
    status: RunStatus
    worker: int | None
    """The process that works on the state file; null: nothing runs until there is one. Null for a stage, too."""
    stage: str | None = None
    """The stage that it is in."""
    rerun_of: str | None = None


class DeadLetterShape(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was given up after its last delivery."""

    id: str
    group: str
    deliveries: int
    sent_at: datetime
    dead_at: datetime | None
    """Null in a stage: SQS does not say."""
    body: msgspec.Raw


class Resumed(msgspec.Struct, frozen=True):
    """Dead letters that were sent again."""

    resumed: list[str]


DOCUMENTS: dict[str, Any] = {
    "runs": list[RunShape],
    "show": ShownRun,
    "send": Sent,
    "events": list[EventShape],
    "cancel": Acted,
    "pause": Acted,
    "resume": Acted,
    "rerun": Acted,
    "cost": list[Bill],
    "dlq list": list[DeadLetterShape],
    "dlq resume": Resumed,
}
"""The document that each command writes under --json."""
