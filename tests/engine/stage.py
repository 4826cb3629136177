"""A stage on which interleavings are played by hand: the ports in memory, workers with clocks of their own, and messages
that are delivered when, how often and by whom a test says.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from milepost import App
from milepost.engine import keys
from milepost.engine.client import Client
from milepost.engine.deliver import Ack, Later, Verdict, deliver
from milepost.engine.messages import Message, Received, decode, encode
from milepost.engine.origins import get_header
from milepost.engine.ports import Ports
from milepost.engine.reading import RunsQuery
from milepost.engine.records import Header, Record
from milepost.engine.sweep import Found, sweep
from milepost.engine.worker import Settings, Worker
from milepost.functions import Definitions
from milepost.local.assembly import ports_on, worker_on
from milepost.local.mailbox import Mailbox
from milepost.local.store import Store
from milepost.runs import Run
from milepost.testing.crashes import Fuse, WorkerKilled, mortal

T0 = 1_800_000_000_000
SECOND = 1_000
INVOCATION = 60 * SECOND
LEASE = INVOCATION + 15 * SECOND
"""A lease outlives its invocation's deadline by 15 s."""


@dataclass
class HandClock:
    """Time as a test sets it; `ahead_ms` of true time."""

    true: "HandClock | None" = None
    ahead_ms: int = 0
    at_ms: int = T0

    def now_ms(self) -> int:
        return self.at_ms if self.true is None else self.true.now_ms() + self.ahead_ms

    def wait(self, ms: int) -> bool:
        return ms <= 0


class Call(NamedTuple):
    """One call of a port."""

    port: str
    method: str
    args: tuple[Any, ...]


Watch = Callable[[Call], None]
Moment = Callable[[Call], bool]
NAMES = ("table", "queue", "timers", "bus", "blobs")


class _Watched:
    def __init__(self, name: str, port: Any, before: Watch) -> None:
        self._name = name
        self._port = port
        self._before = before

    def __getattr__(self, method: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._before(Call(self._name, method, args))
            return getattr(self._port, method)(*args, **kwargs)

        return call


def watched(ports: Ports, before: Watch) -> Ports:
    """The same ports, whose every call is told first."""
    return msgspec.structs.replace(ports, **{name: _Watched(name, getattr(ports, name), before) for name in NAMES})


def commits(status: str) -> Moment:
    """The update by which a run's header gets this status."""
    return lambda call: call.method == "update" and call.args[1].set.get("status") == status


def puts(path: str) -> Moment:
    """A step's record is put, or completed from outside."""
    sk = f"step#{path}"
    return lambda call: (call.method == "put" and call.args[0]["sk"] == sk) or (call.method == "update" and call.args[0].sk == sk)


def writes(what: str) -> Moment:
    """Writes that belong together, or a lone put, one of whose keys begins like this."""

    def fits(call: Call) -> bool:
        if call.method == "put":
            return str(call.args[0]["pk"]).startswith(what) or str(call.args[0]["sk"]).startswith(what)
        return call.method == "write_many" and any(key.startswith(what) for one in call.args[0] for key in one.key)

    return fits


def queries(what: str) -> Moment:
    """A query of a partition whose key begins like this."""
    return lambda call: (
        (call.method == "query" and str(call.args[0]).startswith(what))
        or (call.method == "query_as" and str(call.args[1]).startswith(what))
    )


def arms(call: Call) -> bool:
    """A timer is armed."""
    return call.port == "timers"


def sends(kind: type[Any]) -> Moment:
    """A message of this kind goes into a queue."""
    return lambda call: call.port == "queue" and any(isinstance(decode(one.body), kind) for one in call.args[0])


@dataclass
class Stage:
    """Everything of one cloud but the loop."""

    app: App
    settings: Settings = field(default_factory=Settings)
    clock: HandClock = field(default_factory=HandClock)
    hand: list[Received] = field(default_factory=list[Received])
    """Messages that were taken and are not done."""

    def __enter__(self) -> Self:
        self.store = Store(None)
        self._mailbox = Mailbox(self.store, self.clock)
        self._ids = count(1)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.store.close()

    @cached_property
    def ports(self) -> Ports:
        """Made when first used: by then the app has its functions."""
        return ports_on(self.store, self.clock, self.app.definitions)

    @cached_property
    def worker(self) -> Worker:
        return self.new_worker()

    @cached_property
    def client(self) -> Client:
        return Client(self.worker, new_id=lambda: f"e{next(self._ids)}")

    # ---- workers -----------------------------------------------------------------------------------------------------

    def new_worker(self, *, ahead_ms: int = 0, app: App | None = None, version: str | None = None) -> Worker:
        """A worker whose clock is ahead of (or behind) true time; of another app: a deploy."""
        ports = msgspec.structs.replace(self.ports, clock=HandClock(self.clock, ahead_ms))
        definitions: Definitions = (app or self.app).definitions
        worker = worker_on(ports, definitions, settings=self.settings)
        if version is not None:
            definitions._version = version  # pyright: ignore[reportPrivateUsage]
        return worker

    def watching(self, before: Watch, worker: Worker | None = None) -> Worker:
        """A worker whose every port call is told first."""
        worker = worker or self.worker
        return replace(worker, ports=watched(worker.ports, before))

    def overtaken(self, when: Moment, action: Callable[[], object], worker: Worker | None = None) -> Worker:
        """A worker to whom something happens once: just before its first call that fits."""
        left = [action]

        def before(call: Call) -> None:
            if left and when(call):
                left.pop()()

        return self.watching(before, worker)

    # ---- messages ----------------------------------------------------------------------------------------------------

    def take(self) -> list[Received]:
        """Take all that is visible now into the hand."""
        while received := self._mailbox.receive(self.clock.now_ms(), 100):
            for one in received:
                self._mailbox.ack(one.id)
            self.hand += received
        return self.hand

    def one(self, kind: type[Any], which: Callable[[Any], bool] = lambda _message: True) -> Received:
        """The first message of this kind in the hand."""
        self.take()
        return next(one for one in self.hand if isinstance(decode(one.body), kind) and which(decode(one.body)))

    def kinds(self) -> list[str]:
        """What is in the hand, by kind."""
        return sorted(type(decode(one.body)).__name__ for one in self.take())

    def message(self, message: Message, *, id: str = "by hand", deliveries: int = 1) -> Received:
        """A message made by hand."""
        return Received(id=id, group="default", body=encode(message), deliveries=deliveries, sent_at_ms=self.clock.now_ms())

    def deliver(self, received: Received, worker: Worker | None = None) -> Verdict:
        """Deliver it; what is not acknowledged stays in the hand, one delivery older."""
        worker = worker or self.worker
        self._drop(received)
        self.hand.append(again(received))
        verdict = deliver(received, worker, worker.now() + INVOCATION)
        if isinstance(verdict, Ack):
            self._drop(received)
        return verdict

    def crash(self, received: Received, after: int, worker: Worker | None = None) -> bool:
        """Deliver it to a worker that dies after so many port calls; False when it was done before that."""
        fuse = Fuse()
        fuse.light(after)
        worker = worker or self.worker
        try:
            self.deliver(received, replace(worker, ports=mortal(worker.ports, fuse)))
        except WorkerKilled:
            return True
        return False

    def _drop(self, received: Received) -> None:
        self.hand = [one for one in self.hand if one.id != received.id]

    def run_until_idle(self, worker: Worker | None = None) -> None:
        """Deliver all that can be delivered now, each message whenever it says Later at that time."""
        while self.take():
            verdict = self.deliver(self.hand[0], worker)
            if isinstance(verdict, Later):
                self.clock.at_ms = max(self.clock.at_ms, verdict.at_ms)
                self.hand = [*self.hand[1:], self.hand[0]]

    def pass_time(self, ms: int) -> None:
        self.clock.at_ms += ms

    # ---- what is so --------------------------------------------------------------------------------------------------

    def send(self, event: object, *, id: str | None = None) -> None:
        self.client.send([event], id=id)

    def header(self, run: str) -> Header:
        header = get_header(self.ports.table, run)
        assert header is not None
        return header

    def record(self, run: str, path: str) -> Record | None:
        item = self.ports.table.get(keys.step(run, path))
        return None if item is None else Record.from_item(item)

    def run(self, run: str) -> Run[Any]:
        return Run(run, self.client.reader)

    @property
    def newest(self) -> RunsQuery:
        """All runs."""
        return RunsQuery(limit=1_000)

    def only_run(self, function: str) -> Run[Any]:
        """The one run that this function has."""
        [run] = self.client.runs(RunsQuery(function=function))
        return run

    def sweep(self, worker: Worker | None = None) -> Found:
        return sweep(worker or self.worker)


def again(received: Received) -> Received:
    """The same message, delivered once more."""
    return msgspec.structs.replace(received, deliveries=received.deliveries + 1)
