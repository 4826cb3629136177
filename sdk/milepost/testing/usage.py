"""What was used, in the terms that AWS bills: of one run and each of its steps, and of the whole box."""

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from milepost.engine import keys
from milepost.engine.ports import Key

Service: TypeAlias = Literal["invocations", "queue_requests", "events", "schedules", "blob_puts", "blob_gets"]
"""A field of `Usage` that is not the table's."""
SERVICES: Final[tuple[Service, ...]] = get_args(Service)

_RUN = "run#"
_WAIT = "wait#"


@dataclass(slots=True)
class Count:
    """What the table was asked for, of one part of a run."""

    writes: int = 0
    """Items written; a write whose condition failed counts too, as on AWS."""
    units: int = 0
    """Write units of 1 KB each, those of the indexes included."""
    reads: int = 0
    """Get and query operations."""
    read_units: float = 0.0
    """Read units of 4 KB each; eventually consistent reads count half."""


@dataclass(slots=True)
class RunCount(Count):
    """The same of a whole run: its header, its event, its steps, its waits. What an awaited event itself writes is no run's."""

    steps: dict[str, Count] = field(default_factory=dict[str, Count])
    """By path, as `StepRecord` shows it: "charge", "prepare/0/reserve"."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """All that a box has used since it was opened, by service."""

    writes: int = 0
    """DynamoDB: items written."""
    units: int = 0
    """DynamoDB: write units."""
    reads: int = 0
    """DynamoDB: get and query operations."""
    read_units: float = 0.0
    """DynamoDB: read units."""
    requests: int = 0
    """DynamoDB: calls of the table."""
    invocations: int = 0
    """Lambda: messages that the worker was given, one each."""
    queue_requests: int = 0
    """SQS: send, receive and delete, for each 64 KB; a change of visibility."""
    events: int = 0
    """EventBridge: events published, for each 64 KB."""
    schedules: int = 0
    """Scheduler: one-time schedules, which are billed when they fire."""
    blob_puts: int = 0
    """S3: large values stored."""
    blob_gets: int = 0
    """S3: large values read."""

    def __sub__(self, earlier: "Usage") -> "Usage":
        """What was used between two looks."""
        return Usage(**{name: getattr(self, name) - getattr(earlier, name) for name in self.__struct_fields__})


def place_of(key: Key) -> tuple[str, str] | None:
    """The run that an item belongs to, and the path of the step ("" for none), or None when it is no run's."""
    if key.pk.startswith(_RUN):
        path = key.sk.removeprefix(keys.STEP_PREFIX) if key.sk.startswith(keys.STEP_PREFIX) else ""
        return key.pk.removeprefix(_RUN), keys.unescape_path(path)
    if key.pk.startswith(_WAIT):
        run, _, path = key.sk.partition("#")
        return run, keys.unescape_path(path.partition("~")[0])  # after it stands which of a wait's events this row is for
    return None
