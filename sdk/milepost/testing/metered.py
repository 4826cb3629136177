"""Every port with a meter on it. What the queue carries is counted where messages are delivered."""

from collections.abc import Sequence
from typing import Final

import msgspec

from milepost.engine.ports import MAX_DELAY_MS, Blobs, Bus, Clock, Entry, Outgoing, Ports, Timers
from milepost.testing.meter import Look, Meter, MeteredTable
from milepost.testing.sizes import chunks

EARLY_REQUESTS: Final = 3
"""SQS requests of the message by which a schedule fires a little early: sent, received, deleted; the worker sends it on."""


def metered(ports: Ports, meter: Meter, *, delivers_early: bool = False, look: Look | None = None) -> Ports:
    """The same ports, counted. ``delivers_early``: schedules fire early by messages, which are counted where they are delivered.
    ``look``: as for `MeteredTable`.
    """
    return msgspec.structs.replace(
        ports,
        table=MeteredTable(ports.table, meter, look),
        timers=MeteredTimers(ports.timers, ports.clock, meter, delivers_early=delivers_early),
        bus=MeteredBus(ports.bus, meter),
        blobs=MeteredBlobs(ports.blobs, meter),
    )


class MeteredTimers:
    """`Timers` of ports.py. A timer beyond the longest delay of a message is a schedule on AWS, which fires early and is
    finished by a delayed message: one invocation more. One that is disarmed before it fires is not billed.
    """

    def __init__(self, timers: Timers, clock: Clock, meter: Meter, *, delivers_early: bool) -> None:
        self._timers = timers
        self._delivers_early = delivers_early
        self._clock = clock
        self._meter = meter
        self._due: dict[str, int] = {}

    def arm(self, name: str, due_at_ms: int, message: Outgoing) -> None:
        self._timers.arm(name, due_at_ms, message)
        if due_at_ms - self._clock.now_ms() > MAX_DELAY_MS and name not in self._due:
            self._due[name] = due_at_ms
            self._count(1)

    def disarm(self, name: str) -> None:
        self._timers.disarm(name)
        due = self._due.pop(name, None)
        if due is not None and due > self._clock.now_ms():
            self._count(-1)

    def _count(self, schedules: int) -> None:
        self._meter.used("schedules", schedules)
        if self._delivers_early:
            return
        self._meter.used("invocations", schedules)
        self._meter.used("queue_requests", schedules * EARLY_REQUESTS)


class MeteredBus:
    """`Bus` of ports.py."""

    def __init__(self, bus: Bus, meter: Meter) -> None:
        self._bus = bus
        self._meter = meter

    def publish(self, entries: Sequence[Entry]) -> None:
        self._bus.publish(entries)
        self._meter.used("events", sum(chunks(entry.detail) for entry in entries))


class MeteredBlobs:
    """`Blobs` of ports.py."""

    def __init__(self, blobs: Blobs, meter: Meter) -> None:
        self._blobs = blobs
        self._meter = meter

    def put(self, data: bytes) -> str:
        ref = self._blobs.put(data)
        self._meter.used("blob_puts")
        return ref

    def get(self, ref: str) -> bytes:
        data = self._blobs.get(ref)
        self._meter.used("blob_gets")
        return data
