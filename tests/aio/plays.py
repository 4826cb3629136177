"""What the tests of async bodies are played with: a box that keeps its log and can kill each of its workers, notes of what the
body of each slice saw, and gates that let steps end when a test says.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any, NamedTuple, Self

import msgspec

from milepost import App, AsyncStep, Retry
from milepost.engine.worker import Settings, Worker
from milepost.local.assembly import LOCAL
from milepost.testing import Sandbox
from milepost.testing.crashes import Fuse
from tests.engine.stage import HandClock, Stage

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


# ---- what the body saw -----------------------------------------------------------------------------------------------


class Notes:
    """What the body of each slice saw, in order. A body begins with ``saw = notes.slice()``."""

    def __init__(self) -> None:
        self.slices: list[list[object]] = []
        self.after_death = 0
        """The first slice of the last worker."""

    def slice(self) -> list[object]:
        saw: list[object] = []
        self.slices.append(saw)
        return saw

    @property
    def last(self) -> list[object]:
        return self.slices[-1]

    def check(self) -> None:
        """Each slice saw what the one before it had seen, in the same order, and then more. A worker that died may have seen
        what it never wrote down.
        """
        slices = self.slices[self.after_death :]
        for before, after in pairwise(slices):
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

    def __init__(self, lengths: Sequence[int], at_death: Callable[[], None]) -> None:
        super().__init__()
        self._lengths = iter(lengths)
        self._at_death = at_death
        self.calls = 0
        self.deaths = 0
        self._light()

    def renew(self) -> None:
        super().renew()
        self.deaths += 1
        self._at_death()
        self._light()

    def _light(self) -> None:
        length = next(self._lengths, None)
        if length is not None:
            self.light(length)

    def count(self) -> None:
        self.calls += 1
        super().count()


class Box(Sandbox):
    """A Sandbox that keeps its workers' log, and whose n-th worker dies after `crashes[n]` port calls."""

    def __init__(
        self, app: App, *crashes: int, settings: Settings = LOCAL, notes: Notes | None = None, threads: Executor | None = None
    ) -> None:
        super().__init__(app)
        self.lines = Lines()
        self._settings = settings
        self._threads = threads
        self._notes = notes or Notes()
        self._fuse = self._fuses = _Fuses(crashes, self._died)

    def __enter__(self) -> Self:
        super().__enter__()
        self._worker = replace(self._worker, log=self.lines, settings=self._settings, threads=self._threads)
        return self

    def deploy(self, app: App) -> None:
        """From now on workers run the code of this app."""
        self._worker = replace(self._worker, definitions=app.definitions)

    def _died(self) -> None:
        self._notes.after_death = len(self._notes.slices)

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


class Played(NamedTuple):
    """One play of a scenario."""

    result: Any
    notes: Notes
    lines: Lines
    rows: dict[str, dict[str, Any]]
    calls: int


Body = Callable[[list[object], AsyncStep], Coroutine[Any, Any, Any]]


def play(body: Body, *crashes: int, days: int = 2) -> Played:
    """Run this as a function's body, followed by a day's sleep over which all is replayed. The n-th worker dies after
    `crashes[n]` port calls.
    """
    notes, app = Notes(), App("plays")

    @app.function(retry=Retry(retries=2, delays=(MINUTE,)))
    async def played(event: None, step: AsyncStep) -> Any:
        saw = notes.slice()
        result = await body(saw, step)
        await step.sleep("a day, after which all is replayed", DAY)
        return result

    with Box(app, *crashes, notes=notes) as box:
        run = box.invoke(played, None)
        box.advance(days * DAY)
        assert box.deaths <= len(crashes)  # fewer, when steps that ended at the same time shared more of their writes
        assert run.status == "completed", (run.status, run.error if run.status == "failed" else run.view.reason)
        notes.check()
        return Played(run.result, notes, box.lines, box.rows(run.id), box.calls)


def play_everywhere(body: Body, *, days: int = 2) -> Iterator[Played]:
    """Play it without a fault, then with the worker killed at its n-th port call, for every n that there is."""
    first = play(body, days=days)
    yield first
    for n in range(1, first.calls + 1):
        yield play(body, n, days=days)


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


class WaitingClock(HandClock):
    """A stage's clock by which a slice can wait: waiting moves it."""

    def wait(self, ms: int) -> bool:
        assert self.true is not None
        self.true.at_ms += max(0, ms)
        return True


def waiting(stage: Stage) -> Worker:
    """A worker that waits for what is due soon."""
    ports = msgspec.structs.replace(stage.worker.ports, clock=WaitingClock(stage.clock))
    return replace(stage.worker, ports=ports)


def logged(stage: Stage) -> Lines:
    """Let the stage's own worker write into this."""
    lines = Lines()
    stage.__dict__["worker"] = replace(stage.worker, log=lines)
    return lines
