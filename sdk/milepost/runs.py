"""A run as its owner sees it: status, steps as recorded, and the live handle that reads them.

Owns no state: a `Run` asks its reader each time, so what it says is what the table says now.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar

from milepost.errors import ErrorInfo

R_co = TypeVar("R_co", covariant=True)

StatusName: TypeAlias = Literal["scheduled", "queued", "running", "waiting", "paused", "completed", "failed", "cancelled"]
"""A status by its string, as arguments take it."""

StepStatus: TypeAlias = Literal["pending", "completed", "failed", "cancelled"]


class RunStatus(StrEnum):
    """Where a run is in its life. Equal to its string: ``run.status == "waiting"``."""

    SCHEDULED = "scheduled"
    """Its start lies ahead."""
    QUEUED = "queued"
    """Ready, but there is no slot for it yet."""
    RUNNING = "running"
    """A worker drives it."""
    WAITING = "waiting"
    """Suspended: it sleeps, or waits for an event, a child, a retry."""
    PAUSED = "paused"
    """Stopped until somebody resumes it, or a deploy does."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """True for completed, failed and cancelled: nothing leaves these."""
        return self in _TERMINAL


_TERMINAL = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One step as recorded."""

    name: str
    """As given; ``:n`` at its n-th use in its scope."""
    scope: str
    """The branches it lies in, ``"prepare/0"``; empty at the top of the body."""
    kind: str
    """What made it: run, sleep, wait, callback, poll, invoke, send, map, parallel, race, patch."""
    status: StepStatus
    result: Any
    """Plain JSON values, as stored; None unless completed."""
    error: ErrorInfo | None
    """The last error: of a failed step, or of the attempt before a retry."""
    attempts: int
    """Attempts begun and recorded: 0 for steps that only wait."""
    started_at: datetime
    ended_at: datetime | None
    due_at: datetime | None
    """When a sleep, a retry or a time-out is due."""

    @property
    def path(self) -> str:
        """Scope and name in one: unique within the run."""
        return f"{self.scope}/{self.name}" if self.scope else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """What a run's header said when it was read."""

    id: str
    function: str
    status: RunStatus
    created_at: datetime
    ended_at: datetime | None
    error: ErrorInfo | None
    reason: str | None
    """Why it is paused or was cancelled."""
    event_name: str
    event_id: str
    attempt: int
    rerun_of: str | None
    parent: str | None


class RunReader(Protocol):
    """Where a handle reads from."""

    def view(self, run: str, /) -> RunView:
        """The run as it is now. Raises RunNotFound."""
        ...

    def result(self, run: str, /) -> Any:
        """The function's result, rebuilt by its return annotation. Raises RunNotCompleted."""
        ...

    def steps(self, run: str, /) -> list[StepRecord]:
        """All steps recorded, oldest first. Raises RunNotFound."""
        ...


class Run(Generic[R_co]):
    """A live handle on one run: every property reads the run as it is now.

    Every property raises `RunNotFound` when the run is not there, or no longer (runs are kept 30 days after their end).
    """

    __slots__ = ("_id", "_reader")

    def __init__(self, id: str, reader: RunReader, /) -> None:
        self._id = id
        self._reader = reader

    @property
    def id(self) -> str:
        """Unique, and the same for the same function and event."""
        return self._id

    @property
    def view(self) -> RunView:
        """All of the header in one read."""
        return self._reader.view(self._id)

    @property
    def function(self) -> str:
        """The function's name."""
        return self.view.function

    @property
    def status(self) -> RunStatus:
        """Where it is in its life."""
        return self.view.status

    @property
    def result(self) -> R_co:
        """What the function returned. Raises `RunNotCompleted`, naming status and error, before completion."""
        result: R_co = self._reader.result(self._id)
        return result

    @property
    def error(self) -> ErrorInfo | None:
        """Why it failed; None unless failed."""
        return self.view.error

    @property
    def steps(self) -> list[StepRecord]:
        """All steps recorded so far, oldest first."""
        return self._reader.steps(self._id)

    def history(self) -> list[StepRecord]:
        """The same as `steps`."""
        return self.steps

    @property
    def created_at(self) -> datetime:
        """When the run was born; aware, UTC."""
        return self.view.created_at

    @property
    def ended_at(self) -> datetime | None:
        """When it ended; aware, UTC; None while it has not."""
        return self.view.ended_at

    def __repr__(self) -> str:
        return f"Run({self._id!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and other._id == self._id

    def __hash__(self) -> int:
        return hash(self._id)
