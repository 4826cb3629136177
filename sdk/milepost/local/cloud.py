"""LocalCloud: the same cloud on one SQLite file, with the real clock. And FileClient: the same file from outside.

Owns the life of a worker process: lock, recovery, loop, graceful stop.
"""

import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Token
from datetime import datetime, timedelta
from os import PathLike
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Final, Self, TypeVar, overload

import msgspec

from milepost.engine import keys
from milepost.engine.ambient import CURRENT, Ambient
from milepost.engine.client import Client
from milepost.engine.inputs import encoded_event
from milepost.engine.reading import RunsQuery
from milepost.engine.records import Header
from milepost.engine.worker import Moved, Settings, ignore
from milepost.errors import UsageError
from milepost.functions import Definitions, Function, HasDefinitions
from milepost.local.assembly import LOCAL, ports_on, worker_on
from milepost.local.catalog import Catalog, untyped
from milepost.local.event_log import EventLog
from milepost.local.lanes import Lanes
from milepost.local.loop import SLICE_MS, SLICES, Loop
from milepost.local.mailbox import Mailbox
from milepost.local.queue import LocalQueue
from milepost.local.routing import routes_of, started_by
from milepost.local.store import Store
from milepost.local.table import LocalTable
from milepost.local.watching import Watch
from milepost.runs import Run, RunStatus, StatusName
from milepost.step import Log
from milepost.timestamps import duration_ms
from milepost.wall_clock import SystemClock

E = TypeVar("E")
R = TypeVar("R")

STATE_FILE: Final = ".milepost/state.db"
BRANCH_THREADS: Final = 16
_BIRTH_S: Final = 10.0


class LocalCloud:
    """Entering it starts the worker (one per file); leaving it stops it gracefully.

    ``path``: the state file, made when absent. ``threads``: runs of def functions driven at once.
    ``slices``: those of async functions, all on one thread. ``observe`` is called, on the worker's
    threads, whenever a run has moved. ``log``: where milepost and `step.log` write, instead of Powertools' logger. ``target``:
    the MODULE:APP that clients are told of. Raises StateFileError when the file has a worker already, is newer, foreign or damaged.
    """

    def __init__(
        self,
        app: HasDefinitions,
        path: str | PathLike[str] = STATE_FILE,
        /,
        *,
        threads: int = 16,
        slices: int = SLICES,
        settings: Settings = LOCAL,
        slice_time: timedelta = timedelta(milliseconds=SLICE_MS),
        observe: Callable[[Moved], None] = ignore,
        log: Log | None = None,
        target: str | None = None,
    ) -> None:
        if type(threads) is not int or threads < 1:
            raise UsageError(f"LocalCloud(threads=) is a number of at least 1, not {threads!r}")
        if type(slices) is not int or slices < 1:
            raise UsageError(f"LocalCloud(slices=) is a number of at least 1, not {slices!r}")
        if duration_ms(slice_time) < 2 * settings.margin_ms:
            raise UsageError(
                f"LocalCloud(slice_time=) is at least {2 * settings.margin_ms / 1000:g} s, not {slice_time}: no step would fit in"
            )
        self._definitions = app.definitions
        self._path = Path(path)
        self._threads = threads
        self._slices = slices
        self._settings = settings
        self._slice_ms = duration_ms(slice_time)
        self._observe = observe
        self._log = log
        self._target = target
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        self._store = Store(self._path, has_room=True)
        try:
            self._open()
        except BaseException:
            self._store.close()
            raise
        return self

    def _open(self) -> None:
        clock = SystemClock()
        definitions = self._definitions
        ports = ports_on(self._store, clock, definitions)
        LocalTable(self._store).recover()
        self._pool = ThreadPoolExecutor(BRANCH_THREADS, thread_name_prefix="milepost branch")
        lanes = Lanes(definitions, ports.table)
        self._watch = Watch(_both(lanes.moved, self._observe) if lanes.has_async else self._observe)
        self._worker = worker_on(ports, definitions, settings=self._settings, threads=self._pool, observe=self._watch.moved, log=self._log)
        ports.table.put(_manifest(definitions, self._target))
        self._client = Client(self._worker, new_id=lambda: str(uuid.uuid4()))
        self._routes = routes_of(definitions)
        self._loop = Loop(
            self._store,
            Mailbox(self._store, clock, lane_of=lanes.of),
            self._worker,
            others_wrote=self._watch.others_wrote,
            threads=self._threads,
            slices=self._slices,
            slice_ms=self._slice_ms,
        )
        self._ambient: Token[Ambient | None] = CURRENT.set(Ambient(self._worker, "", -1))
        self._stopped.clear()
        self._is_running = True
        self._loop.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /) -> None:
        self.stop()
        CURRENT.reset(self._ambient)
        self._store.close()
        if self._loop.failure is not None and error is None:
            raise self._loop.failure

    def serve(self) -> None:
        """Stay until `stop()` is called, or SIGINT or SIGTERM comes (when called on the main thread)."""
        previous: dict[signal.Signals, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                previous[number] = signal.signal(number, self._signalled)
        try:
            while not self._stopped.wait(0.5):
                if self._loop.failure is not None:
                    raise self._loop.failure
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        self._stopped.set()

    def stop(self, *, within: timedelta = timedelta(seconds=10)) -> None:
        """Take no more messages and let slices in flight end; what has not ended by then is delivered again at the next
        start, like after a crash.
        """
        self._stopped.set()
        if self._is_running:
            self._is_running = False
            self._loop.stop(within.total_seconds())
            self._pool.shutdown(wait=False, cancel_futures=True)

    def wait(self, *runs: Run[Any], timeout: timedelta) -> None:
        """Return when each of the runs has ended. Raises TimeoutError, naming those that have not."""
        deadline = time.monotonic() + timeout.total_seconds()
        with self._watch.over([run.id for run in runs], end=True) as waiter:
            waiter.until(self._ended, self._heard, deadline, ask_first=True)
            late = sorted(waiter.missing)
        if late:
            names = ", ".join(f"{run} ({self._status_of(run) or 'not born'})" for run in late[:5])
            raise TimeoutError(f"{len(late)} runs have not ended within {timeout}: {names}")

    def _heard(self) -> int:
        if self._loop.failure is not None:
            raise self._loop.failure
        return self._watch.heard

    def _born(self, runs: Iterable[str]) -> list[str]:
        return [header.run for header in self._headers(runs)]

    def _ended(self, runs: Iterable[str]) -> list[str]:
        return [header.run for header in self._headers(runs) if header.status.is_terminal]

    def _headers(self, runs: Iterable[str]) -> list[Header]:
        return [Header.from_item(item) for item in self._worker.ports.table.get_many([keys.header(run) for run in runs])]

    def _status_of(self, run: str) -> str:
        return "".join(header.status.value for header in self._headers([run]))

    def send(self, *events: object, id: str | None = None, at: datetime | None = None) -> list[Run[Any]]:
        """Send events; returns the runs that they start, once they have begun. With ``at``: nothing starts before that.
        Raises EventError before anything is sent.
        """
        entries = self._client.entries([encoded_event(self._definitions, event) for event in events], id)
        runs = [] if at is not None else started_by(self._routes, entries)
        with self._watch.over(runs, end=False) as waiter:
            self._client.publish(entries, at=at)
            waiter.until(self._born, self._heard, time.monotonic() + _BIRTH_S, ask_first=id is not None)
        return [Run(run, self._client.reader) for run in runs]

    def invoke(self, function: Function[E, R], data: E, /, *, id: str | None = None) -> Run[R]:
        """Start a function directly, without an event."""
        run: Run[R] = self._client.invoke(function, data, id=id)
        with self._watch.over([run.id], end=False) as waiter:
            waiter.until(self._born, self._heard, time.monotonic() + _BIRTH_S, ask_first=True)
        return run

    def cancel(self, run: str | Run[Any], /) -> None:
        """Cancel a run. Returns after the commit. Raises RunNotFound."""
        self._client.cancel(run if isinstance(run, str) else run.id)

    @overload
    def runs(self, function: Function[Any, R], *, status: RunStatus | StatusName | None = None) -> list[Run[R]]: ...
    @overload
    def runs(self, function: str | None = None, *, status: RunStatus | StatusName | None = None) -> list[Run[Any]]: ...
    def runs(self, function: Function[Any, Any] | str | None = None, *, status: RunStatus | StatusName | None = None) -> list[Run[Any]]:
        """The runs there are, newest first."""
        name = function.name if isinstance(function, Function) else function
        return self._client.runs(RunsQuery(function=name, status=None if status is None else RunStatus(status), limit=1_000_000))


class Manifest(msgspec.Struct, frozen=True):
    """What a worker says of its app to clients that do not have its code."""

    app: str
    functions: list[str]
    events: list[str]
    version: str
    target: str | None = None
    """MODULE:APP, when `milepost dev` started the worker."""
    sources: dict[str, str] = {}
    """Of the events that are taken from one source alone."""


def _manifest(definitions: Definitions, target: str | None) -> dict[str, Any]:
    manifest = Manifest(
        app=definitions.app,
        functions=list(definitions.functions),
        events=list(definitions.events),
        version=definitions.code_version(),
        target=target,
        sources={event.name: event.source for event in definitions.events.values() if event.source is not None},
    )
    return {"pk": keys.MANIFEST.pk, "sk": keys.MANIFEST.sk, "v": 1, **msgspec.to_builtins(manifest)}


class FileClient:
    """A state file from outside: beside its worker, or while there is none. Needs no lock, delivers nothing.

    ``app`` is the app whose worker the file belongs to; without it, what the file says of its app stands in for it: names,
    but no types. Raises StateFileError.
    """

    def __init__(self, app: HasDefinitions | None, path: str | PathLike[str] = STATE_FILE, /) -> None:
        self._store = Store(Path(path), role="client")
        clock = SystemClock()
        ports = ports_on(self._store, clock, None)
        item = ports.table.get(keys.MANIFEST)
        self.manifest: Manifest | None = None if item is None else msgspec.convert(item, Manifest)
        self.catalog = Catalog(self._store)
        definitions = self._untyped() if app is None else app.definitions
        self.worker = worker_on(ports, definitions)
        self.client = Client(self.worker, new_id=lambda: str(uuid.uuid4()))
        self.events = EventLog(self._store)
        self.dead_letters = LocalQueue(self._store, clock)

    def _untyped(self) -> Definitions:
        manifest = self.manifest
        if manifest is None:
            return untyped("", self.catalog.functions(), {})
        events = {name: manifest.sources.get(name) for name in manifest.events}
        return untyped(manifest.app, {*manifest.functions, *self.catalog.functions()}, events)

    def cancel(self, run: str, *, reason: str = "cancelled by request") -> bool:
        """Commit the cancel and leave what follows (handlers, compensations, children) to the worker, who has the code for
        it. False when the run has ended already. Raises RunNotFound.
        """
        return self.client.commit_cancel(run, reason=reason)

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /) -> None:
        self.close()


def _both(first: Callable[[Moved], None], second: Callable[[Moved], None]) -> Callable[[Moved], None]:
    def observe(moved: Moved) -> None:
        first(moved)
        second(moved)

    return observe
