"""What the contract suites run on: every implementation of the ports, each as a bed with a clock that tests set.

To have another implementation keep the contract, add it to BEDS.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from milepost import App
from milepost.aws.clients import Clients
from milepost.aws.rules import Rule
from milepost.contract import MAX_RECEIVES
from milepost.engine.messages import Delayed, MessageError, Received, decode
from milepost.engine.ports import Outgoing, Ports
from milepost.local.blobs import LocalBlobs
from milepost.local.bus import LocalBus, Route
from milepost.local.mailbox import Mailbox
from milepost.local.queue import LocalQueue, LocalTimers
from milepost.local.store import Store
from milepost.local.table import LocalTable
from milepost.testing.moto.cloud import MotoCloud
from milepost.testing.moto.queues import Record
from tests.sim.memory import MemoryCloud

START_MS: Final = 1_800_000_000_000


@dataclass
class SetClock:
    """Time as a test sets it."""

    now: int = START_MS

    def now_ms(self) -> int:
        return self.now

    def wait(self, ms: int) -> bool:
        self.now += ms
        return True


class Receiver(Protocol):
    """The other end of the queues."""

    def receive(self, now_ms: int, limit: int) -> list[Received]: ...

    def ack(self, id: str) -> None: ...

    def retry(self, id: str, at_ms: int) -> bool: ...


@dataclass
class Bed:
    """One implementation of each port, and what makes them work together."""

    ports: Ports
    clock: SetClock
    receiver: Receiver
    add_route: Callable[[Route], None]
    """A rule of the bus, from now on."""
    worker_dies: Callable[[], Receiver]
    """The receiver's process is gone; returns the next one's."""
    grain_ms: int = 1
    """What a time is rounded up to: a message that is due comes so much later at the latest."""

    def take(self, limit: int = 10) -> list[Received]:
        return self.receiver.receive(self.clock.now, limit)

    def bodies(self) -> list[str]:
        """All that can be delivered now, acknowledged."""
        received = self.take(1_000)
        for message in received:
            self.receiver.ack(message.id)
        return [message.body for message in received]

    def route(self, pattern: Mapping[str, Any], target: str = "f", group: str = "g") -> None:
        self.add_route(Route(pattern=pattern, group=group, target=target))


Opener: TypeAlias = Callable[[Path], AbstractContextManager[Bed]]


def _local(store: Store) -> Generator[Bed, None, None]:
    clock, routes = SetClock(), list[Route]()
    ports = Ports(
        table=LocalTable(store),
        queue=LocalQueue(store, clock),
        timers=LocalTimers(store, clock),
        bus=LocalBus(store, lambda: routes, clock),
        blobs=LocalBlobs(store),
        clock=clock,
    )
    bed = Bed(ports, clock, Mailbox(store, clock), routes.append, lambda: Mailbox(store, clock))
    with store:
        yield bed


@contextmanager
def file(directory: Path) -> Generator[Bed, None, None]:
    """The state file."""
    yield from _local(Store(directory / "state.db"))


@contextmanager
def memory(_directory: Path) -> Generator[Bed, None, None]:
    """The same in memory."""
    yield from _local(Store(None))


@dataclass
class _Service:
    """What the queue service and the scheduler do by themselves, in a simulated cloud."""

    cloud: MemoryCloud

    def receive(self, now_ms: int, limit: int) -> list[Received]:
        self.cloud.timers.fire(now_ms)
        return self.cloud.mail.receive(now_ms, limit)

    def ack(self, id: str) -> None:
        self.cloud.mail.ack(id)

    def retry(self, id: str, at_ms: int) -> bool:
        return self.cloud.mail.retry(id, at_ms)

    def worker_dies(self) -> Receiver:
        for id in self.cloud.mail.in_flight:
            self.cloud.mail.retry(id, self.cloud.clock.now_ms())
        return self


@contextmanager
def simulated(_directory: Path) -> Generator[Bed, None, None]:
    """What the simulator plays its clouds on."""
    clock, routes = SetClock(), list[Route]()
    cloud = MemoryCloud(clock, routes)
    service = _Service(cloud)
    yield Bed(cloud.ports, clock, service, routes.append, service.worker_dies)


GROUPS: Final = ("g", "heavy", "a", "b")
"""The worker groups of the tests."""


class DeployedQueues(Protocol):
    """The queues of a deployed stage."""

    def receive(self, limit: int) -> list[Record]: ...

    def delete(self, records: list[Record]) -> None: ...

    def group_of(self, record: Record) -> str: ...


@dataclass
class Poller:
    """What Lambda's poller does with SQS, and the engine with messages that a schedule has sent early."""

    clients: Clients
    queues: DeployedQueues
    ports: Ports
    fire: Callable[[int], object] = str
    """Fires the schedules that are due, where nobody else does."""
    in_flight: dict[str, Record] = field(default_factory=dict[str, Record])

    def receive(self, now_ms: int, limit: int) -> list[Received]:
        self.fire(now_ms)
        found: list[Received] = []
        while len(found) < limit and (records := self.queues.receive(min(limit - len(found), 10))):
            for record in records:
                received = self._received(record)
                message = self._delayed(received)
                if message is None:
                    found.append(received)
                else:
                    self.ports.queue.send([Outgoing(received.group, message.body, delay_ms=max(0, message.due_at - now_ms))])
                    self.ack(received.id)
        return found

    def ack(self, id: str) -> None:
        record = self.in_flight.pop(id, None)
        if record is not None:
            self.queues.delete([record])

    def retry(self, id: str, at_ms: int) -> bool:
        record = self.in_flight.pop(id, None)
        if record is None:
            return True
        seconds = max(0, -(-(at_ms - self.ports.clock.now_ms()) // 1000))
        url = self.clients.queue_url(record["eventSourceARN"])
        self.clients.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=seconds)
        return int(record["attributes"]["ApproximateReceiveCount"]) < MAX_RECEIVES

    def worker_dies(self) -> Receiver:
        """Their visibility ends: at once, so that no test waits for it."""
        for id in list(self.in_flight):
            self.retry(id, 0)
        return self

    def _received(self, record: Record) -> Received:
        attributes = record["attributes"]
        received = Received(
            id=record["messageId"],
            group=self.queues.group_of(record),
            body=record["body"],
            deliveries=int(attributes["ApproximateReceiveCount"]),
            sent_at_ms=int(attributes["SentTimestamp"]),
        )
        self.in_flight[received.id] = record
        return received

    def _delayed(self, received: Received) -> Delayed | None:
        try:
            message = decode(received.body)
        except MessageError:
            return None
        return message if isinstance(message, Delayed) else None


@contextmanager
def moto(_directory: Path) -> Generator[Bed, None, None]:
    """boto3 ports on moto, with its clock."""
    clock = SetClock()
    with MotoCloud(App("contract").definitions, clock, groups=GROUPS) as cloud:
        poller = Poller(cloud.clients, cloud.queues, cloud.ports, cloud.schedules.fire)

        def add_route(route: Route) -> None:
            name = f"{route.group}-{route.target}"
            cloud.put_rule(Rule(name=name, bus="app", pattern=dict(route.pattern), group=route.group, target=route.target))

        yield Bed(cloud.ports, clock, poller, add_route, poller.worker_dies, grain_ms=1_000)


BEDS: Final[dict[str, Opener]] = {"file": file, "memory": memory, "moto": moto, "simulated": simulated}
