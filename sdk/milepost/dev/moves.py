"""From the moves of runs to lines: a thread of its own looks up what a suspended run waits for, so that no worker waits for
the screen.

A run that goes on is not worth a line when it stops again at once: that line is held back for a moment, and dropped when
the run's next one comes.
"""

import contextlib
import queue
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeAlias

from milepost.dev.pending import waiting_for
from milepost.dev.sayings import Line, Logged, Screen, now
from milepost.dev.words import short_id, shorten, span
from milepost.engine.journal import Journal
from milepost.engine.records import Header
from milepost.engine.worker import Moved
from milepost.errors import RunNotFound
from milepost.local.cloud import FileClient
from milepost.runs import RunStatus
from milepost.timestamps import instant

_HELD_S: Final = 0.4

_Taken: TypeAlias = Moved | Logged | None


class Moves:
    """Takes moves from the worker's threads, says them in order. Enter it to begin; leaving it says what is left.

    ``all_moves``: hold nothing back.
    """

    def __init__(self, screen: Screen, state: Path, *, all_moves: bool) -> None:
        self._screen = screen
        self._state = state
        self._all_moves = all_moves
        self._queue: queue.SimpleQueue[_Taken] = queue.SimpleQueue()
        self._held: dict[str, tuple[float, Line]] = {}
        self._thread = threading.Thread(target=self._run, name="milepost screen", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /) -> None:
        self._queue.put(None)
        self._thread.join(2)

    def moved(self, moved: Moved) -> None:
        """The worker's observer: returns at once."""
        self._queue.put(moved)

    def logged(self, logged: Logged) -> None:
        """A line of the log, in its place among the moves."""
        self._queue.put(logged)

    def _run(self) -> None:
        with contextlib.ExitStack() as stack:
            client: FileClient | None = None
            while True:
                try:
                    taken = self._queue.get(timeout=_HELD_S / 2 if self._held else None)
                except queue.Empty:
                    self._let_go(time.monotonic())
                    continue
                if taken is None:
                    return
                if isinstance(taken, Logged):
                    self._screen.say(taken)
                    continue
                if client is None:  # the worker has made the file by now
                    client = stack.enter_context(FileClient(None, self._state))
                self._let_go(time.monotonic())
                self._say(_line(client, taken))

    def _say(self, line: Line) -> None:
        self._held.pop(line.run, None)
        if line.status is RunStatus.RUNNING and not line.note and not self._all_moves:
            self._held[line.run] = (time.monotonic() + _HELD_S, line)
        else:
            self._screen.say(line)

    def _let_go(self, moment: float) -> None:
        for run in [run for run, (until, _) in self._held.items() if until <= moment]:
            self._screen.say(self._held.pop(run)[1])


def _line(client: FileClient, moved: Moved) -> Line:
    note, brief = moved.note, ""
    with contextlib.suppress(RunNotFound):
        note, brief = _note(client, moved, client.client.reader.header(moved.run))
    return Line(at=instant(moved.at_ms), run=moved.run, function=moved.function, status=moved.status, note=note, brief=brief)


def _note(client: FileClient, moved: Moved, header: Header) -> tuple[str, str]:
    match moved.status:
        case RunStatus.WAITING:
            return _waits(client, moved, header)
        case RunStatus.COMPLETED:
            return f"in {span(instant(moved.at_ms) - instant(header.created_at))}", ""
        case RunStatus.RUNNING if header.epoch == 1 and not header.covered:
            return _origin(header) or moved.note, ""
        case _:
            return moved.note, ""


def _origin(header: Header) -> str:
    """Why it began, where that was not an event."""
    if header.parent is not None:
        return f"for {short_id(header.parent.run)}: {shorten(header.parent.path, 40)}"
    if header.subject is not None:
        return f"for {short_id(header.subject)}"
    if header.rerun_of is not None:
        return f"again, as {short_id(header.rerun_of)}" + (f", from {header.from_step}" if header.from_step else "")
    return header.event_name or "invoked"


def _waits(client: FileClient, moved: Moved, header: Header) -> tuple[str, str]:
    """What it waits for, in words and in fewer; what the worker said where it has moved on meanwhile."""
    if header.status is not RunStatus.WAITING:
        return moved.note, ""
    journal = Journal(client.worker.ports.table, moved.run, epoch=0, ttl=0)
    journal.load()
    found = waiting_for(header, journal.all(), now())
    if not found:
        return moved.note, ""
    first = found[0]
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    step = "" if first.step is None else f": {shorten(first.step, 40)}"
    return f"{first.words}{step}{more}", first.brief
