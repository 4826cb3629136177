"""Which messages are for async functions: those go to the hub, all others to the threads.

Owns what is remembered of which run is whose. When in doubt a message goes to the threads, where everything works.
"""

from typing import Final

from milepost.engine import keys
from milepost.engine.messages import SIGNAL, Cancel, Delayed, EventMessage, MessageError, Parcel, Poke, Publish, Start, TimerDue, decode
from milepost.engine.ports import Table
from milepost.engine.worker import Moved
from milepost.functions import Definitions
from milepost.local.post import Letter

THREADS: Final = 0
HUB: Final = 1

_REMEMBERED: Final = 20_000


class Lanes:
    """The lane of each message of one app."""

    def __init__(self, definitions: Definitions, table: Table) -> None:
        self._table = table
        self._async = frozenset(function.name for function in definitions.functions.values() if function.is_async)
        self._runs: dict[str, int] = {}

    @property
    def has_async(self) -> bool:
        """Whether there is anything for the hub."""
        return bool(self._async)

    def of(self, letter: Letter) -> int:
        """The lane of a message; reads a run's header when only that says whose it is."""
        if not self._async:
            return THREADS
        try:
            message = decode(letter.body)
        except MessageError:
            return THREADS  # whoever delivers it says so
        match message:
            case Start(function=function) | Parcel(function=function):
                return self._of_function(function)
            case EventMessage(target=target):
                return THREADS if target.startswith(SIGNAL) else self._of_function(target)
            case Poke(run=run) | TimerDue(run=run):
                return self._of_run(run)
            case Cancel() | Publish() | Delayed():
                return THREADS

    def moved(self, moved: Moved) -> None:
        """A run that moves here is remembered."""
        if self._async:
            self._remember(moved.run, self._of_function(moved.function))

    def _of_function(self, function: str) -> int:
        """An undo run replays the body of its function, so it goes where that goes."""
        return HUB if function in self._async or function.removesuffix(".undo") in self._async else THREADS

    def _of_run(self, run: str) -> int:
        lane = self._runs.get(run)
        if lane is None:
            item = self._table.get(keys.header(run))
            if item is None:
                return THREADS
            lane = self._remember(run, self._of_function(item["function"]))
        return lane

    def _remember(self, run: str, lane: int) -> int:
        self._runs[run] = lane
        if len(self._runs) > _REMEMBERED:
            self._forget()
        return lane

    def _forget(self) -> None:
        """The oldest half; other threads may do the same."""
        for run in list(self._runs)[: _REMEMBERED // 2]:
            self._runs.pop(run, None)
