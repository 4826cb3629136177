"""Sandbox: a whole cloud with a virtual clock, for the tests of an app: in memory, or on moto.

In memory: the same ports and the same engine as the local cloud; only the clock and the loop differ. On moto: the ports of AWS and the
deployed app's own handlers. One thread, no chance: the same test takes the same path every time. A body's branches run one after
the other.
"""

from collections.abc import Callable, Mapping
from contextvars import Token
from datetime import UTC, datetime, timedelta
from itertools import count
from types import TracebackType
from typing import Any, Final, Self, TypeVar, overload

import msgspec

from milepost.engine.ambient import CURRENT, Ambient
from milepost.engine.client import Client
from milepost.engine.inputs import encoded_event
from milepost.engine.messages import Received
from milepost.engine.ports import Entry
from milepost.engine.reading import RunsQuery
from milepost.engine.worker import Moved
from milepost.errors import FunctionNotFound, UsageError
from milepost.events.types import AWS_SOURCES
from milepost.functions import Function, HasDefinitions
from milepost.local.routing import routes_of, started_by
from milepost.options import check_duration
from milepost.runs import Run, RunStatus, StatusName
from milepost.testing.backends import VISIBILITY_MS
from milepost.testing.choosing import BackendName, backend_named, check_backend
from milepost.testing.clock import VirtualClock
from milepost.testing.crashes import Fuse, WorkerKilled, mortal
from milepost.testing.meter import Meter
from milepost.testing.metered import metered
from milepost.testing.stubs import Stubs
from milepost.timestamps import duration_ms, instant

E = TypeVar("E")
R = TypeVar("R")

START: Final = datetime(2026, 1, 1, 9, tzinfo=UTC)
"""When a box opens, unless told."""

INVOCATION_MS: Final = 60_000
"""A worker's time-out."""
_MOST_DELIVERIES: Final = 1_000_000
"""At one instant: more is a loop that would never end."""


class Sandbox:
    """A cloud of its own. Enter it, send events, advance the clock, look at the runs.

    ``backend``: "memory", the quickest; or "moto", where the app runs on DynamoDB, SQS, EventBridge, Scheduler and S3 as in-process
    moto has them, through the handlers that a deployment has, and the app's own boto3 calls reach the same moto. One box of those at
    a time. ``start``: when its clock begins, aware; 2026-01-01 09:00 UTC by default. Raises UsageError for another backend, and on
    entering when moto is not installed, or another box on moto is open.
    """

    def __init__(self, app: HasDefinitions, /, *, backend: BackendName = "memory", start: datetime | None = None) -> None:
        self._definitions = app.definitions
        self._backend_name: BackendName = check_backend(backend)
        self._clock = VirtualClock(start or START)
        self._meter = Meter()
        self._fuse = Fuse()
        self._stubs = Stubs()
        self._moves: list[Moved] = []
        self._ids = count(1)
        self._is_open = False

    def __enter__(self) -> Self:
        self._backend = backend_named(self._backend_name, self._definitions, self._clock)
        self._backend.open()
        try:
            self._assemble()
        except BaseException:
            self._backend.close()
            raise
        self._ambient: Token[Ambient | None] = CURRENT.set(Ambient(self._outside, "", -1))
        self._is_open = True
        return self

    def _assemble(self) -> None:
        backend, observe = self._backend, self._moves.append
        plain = backend.ports
        ports = metered(plain, self._meter, delivers_early=backend.delivers_early, look=backend.look)
        self._plain = backend.worker(plain)
        self._outside = backend.worker(ports, observe)
        self._worker = self._stubs.on(backend.worker(mortal(ports, self._fuse), observe))
        self._client = Client(self._outside, new_id=lambda: f"event-{next(self._ids)}")
        self._reader = Client(self._plain, new_id=str)
        backend.begin(self._plain, self._outside)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /) -> None:
        self._is_open = False
        CURRENT.reset(self._ambient)
        self._backend.close()

    # ---- what a test does --------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The box's time; aware, UTC."""
        return instant(self._clock.now_ms())

    @property
    def meter(self) -> Meter:
        """What was asked of the table and of the other services since the box was opened."""
        return self._meter

    def send(self, *events: object, id: str | None = None, at: datetime | None = None) -> list[Run[Any]]:
        """Send events and deliver all that is deliverable now; returns the runs that they started. Events of an AWS service
        (``source="aws.s3"``) come as AWS would send them: at once. Raises EventError, UsageError.
        """
        entries = self._client.entries([encoded_event(self._definitions, event) for event in events], id)
        of_aws = [entry for entry in entries if entry.source.startswith(AWS_SOURCES)]
        if of_aws and at is not None:
            raise UsageError(f"nobody sends {of_aws[0].name!r} events for later: advance the box, then send it")
        self._client.publish([entry for entry in entries if entry not in of_aws], at=at)
        for entry in of_aws:
            self._backend.put_event(entry)
        self.run_until_idle()
        return [Run(run, self._reader.reader) for run in started_by(routes_of(self._definitions), entries)] if at is None else []

    def put_event(self, name: str, detail: Mapping[str, Any], /, *, source: str) -> list[Run[Any]]:
        """Put an event on the bus as another producer does, by plain `put_events`, and deliver what is deliverable now; returns the
        runs that it started. ``name``: its detail-type. ``source`` "aws.…": an event of an AWS service, from the default bus.
        """
        text = msgspec.json.Encoder(decimal_format="number").encode(detail).decode()
        entry = Entry(name=name, source=source, detail=text, id=f"event-{next(self._ids)}")
        entry = msgspec.structs.replace(entry, id=self._backend.put_event(entry))
        self.run_until_idle()
        return [Run(run, self._reader.reader) for run in started_by(routes_of(self._definitions), [entry])]

    def invoke(self, function: Function[E, R], data: E, /, *, id: str | None = None) -> Run[R]:
        """Start a function directly, without an event, and deliver all that is deliverable now."""
        run = self._client.invoke(function, data, id=id)
        self.run_until_idle()
        return Run(run.id, self._reader.reader)

    def cancel(self, run: str | Run[Any], /) -> None:
        """Cancel a run and deliver what follows. Raises RunNotFound."""
        self._client.cancel(run if isinstance(run, str) else run.id)
        self.run_until_idle()

    def pause(self, run: str | Run[Any], /) -> None:
        """Stop a run until it is resumed. Raises RunNotFound."""
        self._client.pause(run if isinstance(run, str) else run.id)
        self.run_until_idle()

    def resume(self, run: str | Run[Any], /) -> None:
        """Let a paused run go on. Raises RunNotFound."""
        self._client.resume(run if isinstance(run, str) else run.id)
        self.run_until_idle()

    def rerun(self, run: str | Run[Any], /, *, from_step: str | None = None, input: object = None) -> Run[Any]:
        """Run it again, as `App.rerun` does, and deliver what follows."""
        again = self._client.rerun(run if isinstance(run, str) else run.id, from_step=from_step, input=input)
        self.run_until_idle()
        return Run(again.id, self._reader.reader)

    def advance(self, by: timedelta, /) -> None:
        """Let time pass, from due time to due time, delivering at each what is due then. A year takes milliseconds."""
        until = self._clock.now_ms() + duration_ms(check_duration(by, "advance", maximum=timedelta(days=36_500)))
        self.run_until_idle()
        while (at := self._next_at()) is not None and at <= until:
            self._clock.move_to(at)
            self.run_until_idle()
        self._clock.move_to(until)
        self.run_until_idle()

    def run_until_idle(self) -> None:
        """Deliver everything that is deliverable now."""
        for _ in range(_MOST_DELIVERIES):
            self._tend()
            received = self._backend.receive()
            if received is None:
                return
            self._handle(received)
        raise RuntimeError(f"{_MOST_DELIVERIES} messages were delivered at {self.now} and there are more: two functions feed each other")

    def stub(self, function: Function[Any, Any] | str, step: str, value: Callable[..., Any] | object, /) -> None:
        """Let a value stand in for a step's result, or a callable for its function (called with the step's arguments; what
        it raises the step raises). Of a step within branches: its path, "prepare/0/reserve", or a map's name for all items.
        Of a `wait_for_callback`: for its ``submit``; of a `wait_until`: for its ``check``. Raises FunctionNotFound.
        """
        name = function if isinstance(function, str) else function.name
        if name not in self._definitions.functions:
            self._definitions.function(name)
            raise FunctionNotFound(name)
        self._stubs.add(name, step, value)

    def crash_after(self, calls: int, /) -> None:
        """Kill the worker, never the test, after its next ``calls`` port calls: the last one takes effect, then all that the
        worker held in memory is gone. Its messages come again when their visibility ends; the box lets that time pass.
        """
        if calls < 1:
            raise UsageError(f"crash_after takes a number of port calls of at least 1, not {calls}")
        self._fuse.light(calls)

    @overload
    def runs(self, function: Function[Any, R], *, status: RunStatus | StatusName | None = None) -> list[Run[R]]: ...
    @overload
    def runs(self, function: str | None = None, *, status: RunStatus | StatusName | None = None) -> list[Run[Any]]: ...
    def runs(self, function: Function[Any, Any] | str | None = None, *, status: RunStatus | StatusName | None = None) -> list[Run[Any]]:
        """The runs there are, newest first."""
        name = function.name if isinstance(function, Function) else function
        return self._reader.runs(RunsQuery(function=name, status=None if status is None else RunStatus(status), limit=1_000_000))

    # ---- the loop ----------------------------------------------------------------------------------------------------

    def _tend(self) -> None:
        """Crons, schedules and the sweeper, when they are due."""
        self._backend.tend()

    def _next_at(self) -> int | None:
        return self._backend.next_at()

    def _handle(self, received: Received) -> None:
        now = self._clock.now_ms()
        self._meter.delivered(received.body, received.deliveries)
        try:
            is_put_off = self._backend.serve(received, self._worker, now + INVOCATION_MS)
        except WorkerKilled:
            self._fuse.renew()
            self._clock.move_to(now + VISIBILITY_MS)
            return
        if is_put_off:
            self._meter.used("queue_requests")
