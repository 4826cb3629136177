"""What a Sandbox stands on: the protocol of its backends, and the one in memory.

A backend owns the ports, the queues with what is in flight on them, and the upkeep of each minute. Which messages are delivered when,
what a stub stands in for, and when a worker dies, is the Sandbox's: the same on every backend.
"""

from collections.abc import Callable
from typing import Final, Protocol

from milepost.definitions import Definitions
from milepost.engine import keys
from milepost.engine.deliver import Ack, Later, deliver
from milepost.engine.messages import MessageError, Received
from milepost.engine.ports import DUE, Entry, Item, Key, Ports
from milepost.engine.schedules import Schedules
from milepost.engine.sweep import sweep
from milepost.engine.worker import Moved, Worker, ignore
from milepost.local.assembly import LOCAL, ports_on, worker_on
from milepost.local.mailbox import Mailbox
from milepost.local.store import Store
from milepost.local.table import LocalTable
from milepost.testing.clock import VirtualClock

VISIBILITY_MS: Final = 120_000
"""How long a message that a dead worker held stays invisible (design.md §4)."""
SWEEP_MS: Final = 60_000
OVERDUE_MS: Final = LOCAL.overdue_ms


class Backend(Protocol):
    """A cloud with a virtual clock, for one box."""

    @property
    def ports(self) -> Ports:
        """Without a meter, and immortal."""
        ...

    @property
    def delivers_early(self) -> bool:
        """A schedule fires a little early, by a message of its own, as on AWS."""
        ...

    def look(self, key: Key) -> Item | None:
        """What stands in the table, by the shortest way: for the meter."""
        ...

    def open(self) -> None:
        """Start empty."""
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...

    def worker(self, ports: Ports, observe: Callable[[Moved], None] = ignore) -> Worker:
        """A worker on these ports, as this cloud has them."""
        ...

    def begin(self, plain: Worker, outside: Worker) -> None:
        """The box is ready. ``plain``: a worker that is not metered; ``outside``: what a test itself does."""
        ...

    def tend(self) -> None:
        """Whatever is due now and is no message: crons, schedules, the sweeper."""
        ...

    def next_at(self, *, with_sweeper: bool = True) -> int | None:
        """When something is due next, in epoch milliseconds: a message, or what `tend` does."""
        ...

    def receive(self) -> Received | None:
        """The next message that is visible now. It is in flight until it was served, or its visibility ends."""
        ...

    def serve(self, received: Received, worker: Worker, deadline_ms: int) -> bool:
        """Let a worker handle it, and acknowledge it when it is done. Returns whether it was put off to another time.
        Raises what a port raises, or a bug, or that the worker was killed: it comes again when its visibility ends. A message that
        nobody can read is logged.
        """
        ...

    def put_event(self, entry: Entry) -> str:
        """Put an event on the bus as another producer does, without our envelope; returns its id."""
        ...


class MemoryBackend:
    """The local ports on a store in memory."""

    delivers_early = False

    def __init__(self, definitions: Definitions, clock: VirtualClock) -> None:
        self._definitions = definitions
        self._clock = clock

    def open(self) -> None:
        self._store = Store(None)
        self.ports: Ports = ports_on(self._store, self._clock, self._definitions)
        self.mailbox = Mailbox(self._store, self._clock)
        self._table = LocalTable(self._store)

    def close(self) -> None:
        self._store.close()

    def look(self, key: Key) -> Item | None:
        return self._table.get(key)

    def worker(self, ports: Ports, observe: Callable[[Moved], None] = ignore) -> Worker:
        return worker_on(ports, self._definitions, observe=observe)

    def begin(self, plain: Worker, outside: Worker) -> None:
        self._plain = plain
        self._schedules = Schedules(outside)
        self._swept_at = self._clock.now_ms()

    def tend(self) -> None:
        at = self._schedules.next_at()
        if at is not None and at <= self._clock.now_ms():
            self._schedules.fire()
        now = self._clock.now_ms()
        if now - self._swept_at >= SWEEP_MS:
            self._swept_at = now
            sweep(self._plain)
            self._table.expire(now // 1000)

    def next_at(self, *, with_sweeper: bool = True) -> int | None:
        due = (self.mailbox.next_visible_at(), self._schedules.next_at(), self._next_sweep() if with_sweeper else None)
        return min((at for at in due if at is not None), default=None)

    def _next_sweep(self) -> int | None:
        """When the sweeper will have something to do: it runs every minute, but nobody waits for it in vain."""
        shards = [shard(number) for number in range(keys.SHARDS) for shard in (keys.due_shard, keys.paused_shard)]
        heads = [self._table.query_index(DUE, shard, limit=1).items for shard in shards]
        dues = [int(items[0]["next_due"]) for items in heads if items]
        return None if not dues else max(min(dues) + OVERDUE_MS, self._swept_at + SWEEP_MS)

    def receive(self) -> Received | None:
        received = self.mailbox.receive(self._clock.now_ms(), 1)
        return received[0] if received else None

    def serve(self, received: Received, worker: Worker, deadline_ms: int) -> bool:
        try:
            verdict = deliver(received, worker, deadline_ms)
        except MessageError as error:  # it comes again until it is a dead letter, and disturbs nobody
            worker.log.exception("a message that nobody can read", message_id=received.id, error=str(error))
            self._lapse(received)
            return False
        except BaseException:  # of a port, or a bug, for the test to see; or the worker is dead
            self._lapse(received)
            raise
        match verdict:
            case Ack():
                self.mailbox.ack(received.id)
                return False
            case Later(at_ms):
                self.mailbox.retry(received.id, at_ms)
                return True

    def _lapse(self, received: Received) -> None:
        self.mailbox.retry(received.id, self._clock.now_ms() + VISIBILITY_MS)

    def put_event(self, entry: Entry) -> str:
        self.ports.bus.publish([entry])
        return entry.id
