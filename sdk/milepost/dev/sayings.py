"""What `milepost dev` has to say, as data: each is a line of `milepost dev --json`, told apart by its `kind`."""

from datetime import UTC, datetime
from typing import Protocol, TypeAlias

import msgspec

from milepost.dev.found import Found
from milepost.runs import RunStatus


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="ready"):
    """The worker has begun."""

    at: datetime
    target: str
    state: str
    pid: int
    found: Found
    waiting: int
    """Runs of earlier times that go on."""
    paused: int


class Line(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="run"):
    """A run has moved."""

    at: datetime
    run: str
    function: str
    status: RunStatus
    note: str
    """What it waits for, what it failed with, how long it took."""
    brief: str = ""
    """What it waits for, in fewer words."""


class Logged(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="log"):
    """`step.log`, or milepost itself, has written."""

    at: datetime
    level: str
    message: str
    run: str | None
    function: str | None
    fields: dict[str, str]


class Said(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="note"):
    """Something about the runner itself: it reloads, it stops."""

    at: datetime
    text: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="problem"):
    """The app does not load, or the worker cannot work."""

    at: datetime
    error: str
    hint: str
    trace: str


Saying: TypeAlias = Ready | Line | Logged | Said | Problem


class Screen(Protocol):
    """Where it is said."""

    def say(self, what: Saying, /) -> None: ...


def now() -> datetime:
    """The present."""
    return datetime.now(UTC)
