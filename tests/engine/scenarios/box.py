"""A box whose workers die where a test says, and whose sweeper only comes when it is called.

The workers are those that handle messages, fire crons and sweep. What the test itself sends does not die. While a dead
worker's message waits until it is visible again, the others are delivered, under the dead worker's lease; a patient box
lets that time pass first.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple, Self, cast

import msgspec

from milepost import App
from milepost.engine.client import Client
from milepost.engine.deliver import Ack, Later, deliver
from milepost.engine.messages import Message, Received, encode
from milepost.engine.ports import Entry, Item, Key, Outgoing, Table
from milepost.engine.schedules import Schedules
from milepost.engine.sweep import sweep
from milepost.local.bus import LocalBus
from milepost.local.routing import routes_of
from milepost.testing import Sandbox
from milepost.testing.backends import VISIBILITY_MS, MemoryBackend
from milepost.testing.clock import VirtualClock
from milepost.testing.crashes import Fuse, WorkerKilled, mortal
from milepost.testing.sandbox import INVOCATION_MS


class Crash(NamedTuple):
    """A worker dies at its n-th port call, counted from the crash before: before it is made, or after its effect."""

    call: int
    before: bool


class Fuses(Fuse):
    """One crash after the other. Counts all calls."""

    def __init__(self, crashes: Sequence[Crash]) -> None:
        super().__init__()
        self._crashes = iter(crashes)
        self.calls = 0
        self.deaths = 0
        self._light()

    def renew(self) -> None:
        if self.is_blown:
            self.deaths += 1
            super().renew()
            self._light()

    def _light(self) -> None:
        crash = next(self._crashes, None)
        if crash is not None:
            self.light(crash.call, before=crash.before)

    def count(self) -> None:
        self.calls += 1
        super().count()


class WaitingClock:
    """`Clock` of ports.py by which a slice can wait: waiting lets the time pass."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def wait(self, ms: int) -> bool:
        self._clock.move_to(self._clock.now_ms() + max(ms, 0))
        return True


class MortalBox(Sandbox):
    """A Sandbox whose workers die one after the other, and whom nobody sweeps for."""

    def __init__(self, app: App, crashes: Sequence[Crash] = (), *, is_patient: bool = False) -> None:
        super().__init__(app)
        self._fuse = self._fuses = Fuses(crashes)
        self._is_patient = is_patient
        self.at_death: Callable[[], object] = lambda: None
        """Called at each crash."""

    def __enter__(self) -> Self:
        super().__enter__()
        self._memory = cast(MemoryBackend, self._backend)
        self._file = self._memory._store  # pyright: ignore[reportPrivateUsage]
        self._worker = replace(self._worker, ports=mortal(self._plain.ports, self._fuse))  # nobody asks what it costs
        self._read_schedules()
        return self

    # ---- what a scenario does, beside what a test does with a Sandbox ---------------------------------------------------

    def quiet(self) -> None:
        """Let enough time pass for every crash to be made good."""
        self.advance(timedelta(minutes=10))

    def lasts(self, duration: timedelta) -> None:
        """Time passes in the middle of something."""
        self._clock.move_to(self._clock.now_ms() + duration // timedelta(milliseconds=1))

    def waits_in_slices(self) -> None:
        """From now on workers wait for what is due soon."""
        self._worker = replace(self._worker, ports=msgspec.structs.replace(self._worker.ports, clock=WaitingClock(self._clock)))

    def limit(self, **settings: int) -> None:
        """From now on workers have these settings."""
        self._worker = replace(self._worker, settings=msgspec.structs.replace(self._worker.settings, **settings))

    def deploy(self, app: App, version: str) -> None:
        """From now on workers run the code of this app."""
        app.definitions._version = version  # pyright: ignore[reportPrivateUsage]
        self._worker = replace(self._worker, definitions=app.definitions)

    def route(self, app: App) -> None:
        """From now on events go where this app's functions want them."""
        bus = LocalBus(self._file, lambda: routes_of(app.definitions), self._clock)
        worker = replace(self._outside, ports=msgspec.structs.replace(self._outside.ports, bus=bus))
        self._client = Client(worker, new_id=lambda: f"routed-{next(self._ids)}")

    def put(self, name: str, detail: str, *, id: str) -> None:
        """Put an event on the bus as somebody would who does not know its type, and deliver what there is."""
        self._plain.ports.bus.publish([Entry(name=name, source="elsewhere", detail=detail, id=id)])
        self.run_until_idle()

    def expire(self) -> None:
        """What has expired is gone."""
        self._memory._table.expire(self._clock.now_ms() // 1000)  # pyright: ignore[reportPrivateUsage]

    def post(self, message: Message, group: str = "default") -> None:
        """Put a message into a queue, and deliver what there is."""
        self._plain.ports.queue.send([Outgoing(group=group, body=encode(message))])
        self.run_until_idle()

    def lose_messages(self) -> None:
        """All that is under way is lost, timers as well."""
        for received in self._memory.mailbox.receive(self._clock.now_ms() + 366 * 86_400_000, 1_000):
            self._memory.mailbox.ack(received.id)

    def sweep(self) -> None:
        """The sweeper runs, and runs again when it has died."""
        while True:
            try:
                sweep(self._worker)
            except WorkerKilled:
                self._note_death()
                continue
            self.run_until_idle()
            return

    # ---- the loop -------------------------------------------------------------------------------------------------------

    def _tend(self) -> None:
        self._memory._swept_at = self._clock.now_ms()  # pyright: ignore[reportPrivateUsage]
        while True:
            try:
                super()._tend()
            except WorkerKilled:
                self._note_death()
                self._read_schedules()
                continue
            return

    def _next_at(self) -> int | None:
        return self._memory.next_at(with_sweeper=False)

    def _read_schedules(self) -> None:
        """Whoever fires the crons knows of them what is in the table."""
        while True:
            try:
                self._memory._schedules = Schedules(self._worker)  # pyright: ignore[reportPrivateUsage]
            except WorkerKilled:
                self._note_death()
                continue
            return

    def _handle(self, received: Received) -> None:
        now = self._clock.now_ms()
        try:
            verdict = deliver(received, self._worker, now + INVOCATION_MS)
        except WorkerKilled:
            self._memory.mailbox.retry(received.id, now + VISIBILITY_MS)
            self._note_death()
            if self._is_patient:
                self._clock.move_to(now + VISIBILITY_MS)
            return
        match verdict:
            case Ack():
                self._memory.mailbox.ack(received.id)
            case Later(at_ms):
                self._memory.mailbox.retry(received.id, at_ms)

    def _note_death(self) -> None:
        if self._fuse.is_blown:
            self.at_death()
        self._fuse.renew()

    # ---- what is so -----------------------------------------------------------------------------------------------------

    @property
    def calls(self) -> int:
        """Port calls of all workers."""
        return self._fuses.calls

    @property
    def deaths(self) -> int:
        """Crashes that have come to pass."""
        return self._fuses.deaths

    @property
    def table(self) -> Table:
        return self._plain.ports.table

    def items(self) -> list[Item]:
        """Every row of the table."""
        self._file.flush()
        keys = self._file.read(lambda conn: conn.execute("SELECT pk, sk FROM items").fetchall())
        found = [self.table.get(Key(pk, sk)) for pk, sk in keys]
        return [item for item in found if item is not None]

    def left_over(self) -> list[str]:
        """Rows of waits, and messages."""
        self._file.flush()
        rows = self._file.read(lambda conn: conn.execute("SELECT pk FROM items WHERE pk LIKE 'wait#%'").fetchall())
        messages = self._file.read(lambda conn: conn.execute("SELECT body FROM messages").fetchall())
        return [str(row[0]) for row in (*rows, *messages)]
