"""A state file from outside: what the demo and the tests send to it and read in it, beside its worker or without one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from examples.github.app import app
from milepost import StepRecord
from milepost.engine.reading import RunsQuery
from milepost.local.cloud import FileClient
from milepost.local.event_log import EventQuery
from milepost.runs import RunView

_ALL = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A run, and all that it has recorded."""

    run: RunView
    steps: Sequence[StepRecord]


class State:
    """One state file. Needs no lock, delivers nothing: events that are sent wait in the file for a worker."""

    def __init__(self, path: Path) -> None:
        self._file = FileClient(app, path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._file.close()

    def send(self, id: str, event: msgspec.Struct) -> None:
        """Send an event under an id of ours: a second one with this id starts nothing."""
        self._file.client.send([event], id=id)

    def runs(self) -> list[RunView]:
        """Every run, handlers and compensations among them."""
        return [run.view for run in self._file.client.runs(RunsQuery(limit=_ALL))]

    def history(self) -> list[History]:
        """Every run with its steps."""
        return [History(run=run.view, steps=run.steps) for run in self._file.client.runs(RunsQuery(limit=_ALL))]

    def accepted(self) -> list[str]:
        """The ids of all events that the bus has taken, in order."""
        return [event.id for event in self._file.events.page(EventQuery(newest_first=False), limit=_ALL)]
