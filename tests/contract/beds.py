"""What the contract suites run on: every implementation of the ports, each as a bed with a clock that tests set.

To have another implementation keep the contract, add it to BEDS.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from milepost.engine.messages import Received
from milepost.engine.ports import Ports
from milepost.local.blobs import LocalBlobs
from milepost.local.bus import LocalBus, Route
from milepost.local.mailbox import Mailbox
from milepost.local.queue import LocalQueue, LocalTimers
from milepost.local.store import Store
from milepost.local.table import LocalTable
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
    routes: list[Route]
    worker_dies: Callable[[], Receiver]
    """The receiver's process is gone; returns the next one's."""

    def take(self, limit: int = 10) -> list[Received]:
        return self.receiver.receive(self.clock.now, limit)

    def bodies(self) -> list[str]:
        """All that can be delivered now, acknowledged."""
        received = self.take(1_000)
        for message in received:
            self.receiver.ack(message.id)
        return [message.body for message in received]

    def route(self, pattern: Mapping[str, Any], target: str = "f", group: str = "g") -> None:
        self.routes.append(Route(pattern=pattern, group=group, target=target))


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
    bed = Bed(ports, clock, Mailbox(store, clock), routes, lambda: Mailbox(store, clock))
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
    yield Bed(cloud.ports, clock, service, routes, service.worker_dies)


BEDS: Final[dict[str, Opener]] = {"file": file, "memory": memory, "simulated": simulated}
