"""What the tests of async bodies are played with: a box that keeps its log and can kill each of its workers, notes of what the
body of each slice saw, and gates that let steps end when a test says.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, NamedTuple, Self

from milepost import App
from milepost.engine.worker import Settings
from milepost.local.assembly import LOCAL
from milepost.testing import Sandbox
from milepost.testing.crashes import Fuse
from tests.engine.stage import Stage

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


# ---- what the body saw -----------------------------------------------------------------------------------------------


class Notes:
    """What the body of each slice saw, in order. A body begins with ``saw = notes.slice()``."""

    def __init__(self) -> None:
        self.slices: list[list[object]] = []

    def slice(self) -> list[object]:
        saw: list[object] = []
        self.slices.append(saw)
        return saw

    @property
    def last(self) -> list[object]:
        return self.slices[-1]

    def check(self, *, since: int = 0) -> None:
        """Each slice saw what the one before it had seen, in the same order, and then more."""
        for before, after in zip(self.slices[since:], self.slices[since + 1 :], strict=False):
            assert after[: len(before)] == before


# ---- the log ---------------------------------------------------------------------------------------------------------


class Line(NamedTuple):
    level: str
    message: str
    fields: dict[str, object]


class Lines:
    """`Log` of step.py that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.told = threading.Condition()

    def _add(self, level: str, message: str, fields: dict[str, object]) -> None:
        with self.told:
            self.lines.append(Line(level, message, fields))
            self.told.notify_all()

    def debug(self, message: str, /, *args: object, **fields: object) -> None:
        self._add("debug", message, fields)

    def info(self, message: str, /, *args: object, **fields: object) -> None:
        self._add("info", message, fields)

    def warning(self, message: str, /, *args: object, **fields: object) -> None:
        self._add("warning", message, fields)

    def error(self, message: str, /, *args: object, **fields: object) -> None:
        self._add("error", message, fields)

    def exception(self, message: str, /, *args: object, **fields: object) -> None:
        self._add("exception", message, fields)

    def about(self, text: str) -> list[Line]:
        """Those whose message holds this."""
        return [line for line in self.lines if text in line.message]


# ---- a box -----------------------------------------------------------------------------------------------------------


class _Fuses(Fuse):
    """Kills the worker after so many calls, the next after so many of its own; counts what all of them call."""

    def __init__(self, lengths: Sequence[int]) -> None:
        super().__init__()
        self._lengths = iter(lengths)
        self.calls = 0
        self.deaths = -1
        self.renew()

    def renew(self) -> None:
        super().renew()
        self.deaths += 1
        length = next(self._lengths, None)
        if length is not None:
            self.light(length)

    def count(self) -> None:
        self.calls += 1
        super().count()


class Box(Sandbox):
    """A Sandbox that keeps its workers' log, and whose n-th worker dies after `crashes[n]` port calls."""

    def __init__(self, app: App, *crashes: int, settings: Settings = LOCAL) -> None:
        super().__init__(app)
        self.lines = Lines()
        self._settings = settings
        self._fuse = self._fuses = _Fuses(crashes)

    def __enter__(self) -> Self:
        super().__enter__()
        self._worker = replace(self._worker, log=self.lines, settings=self._settings)
        return self

    @property
    def calls(self) -> int:
        """Port calls of all workers."""
        return self._fuses.calls

    @property
    def deaths(self) -> int:
        return self._fuses.deaths

    def rows(self, run: str) -> dict[str, dict[str, Any]]:
        """The items of a run's steps, by path."""
        page = self._plain.ports.table.query(f"run#{run}", "step#")
        return {item["sk"].removeprefix("step#"): dict(item) for item in page.items}


@dataclass
class Play:
    """One scenario, to be played again and again: what it does with a box, on an app made anew each time."""

    make: Callable[[Notes], tuple[App, Callable[[Box], object]]]
    notes: list[Notes] = field(default_factory=list[Notes])

    def once(self, *crashes: int) -> tuple[object, Notes, Box]:
        notes = Notes()
        app, script = self.make(notes)
        with Box(app, *crashes) as box:
            return script(box), notes, box

    def everywhere(self) -> Iterator[tuple[int, object, Notes, Box]]:
        """Played without a fault, then with the worker killed at its n-th port call, for every n there is."""
        result, notes, box = self.once()
        yield 0, result, notes, box
        calls = box.calls
        for n in range(1, calls + 1):
            result, notes, box = self.once(n)
            assert box.deaths == 1
            yield n, result, notes, box


# ---- gates -----------------------------------------------------------------------------------------------------------


class Gates:
    """Steps of these names end when they are told to, from any thread: ``await gates.pass_("a")`` in the step."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[str] = set()
        self._waiting: dict[str, list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]]] = {}
        self.arrived = threading.Condition()
        self.here: list[str] = []

    async def pass_(self, name: str) -> str:
        with self._lock:
            is_open = name in self._open
            future = asyncio.get_running_loop().create_future()
            if not is_open:
                self._waiting.setdefault(name, []).append((asyncio.get_running_loop(), future))
        with self.arrived:
            self.here.append(name)
            self.arrived.notify_all()
        if not is_open:
            await future
        return name

    def open(self, name: str) -> None:
        with self._lock:
            self._open.add(name)
            waiting = self._waiting.pop(name, [])
        for loop, future in waiting:
            loop.call_soon_threadsafe(_open, future)

    def wait_for(self, *names: str) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: set(names) <= set(self.here), 20), f"never came: {set(names) - set(self.here)}"


def _open(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


# ---- a stage ---------------------------------------------------------------------------------------------------------


def logged(stage: Stage) -> Lines:
    """Let the stage's own worker write into this."""
    lines = Lines()
    stage.__dict__["worker"] = replace(stage.worker, log=lines)
    return lines
