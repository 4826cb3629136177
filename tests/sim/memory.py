"""The other ports in memory, and the cloud that they make together with the table.

Owns messages from their sending until they are acknowledged or dead, timers until they fire, and blobs for ever. Plain and
correct: who wants a message twice, late or never says so (`Mail.copy`, `Mail.retry`, `MemoryTimers.lose`). Nothing here reads a
clock of its own or draws anything.
"""

import hashlib
import heapq
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeAlias

from milepost.definitions import Definitions
from milepost.engine.messages import Received
from milepost.engine.ports import MAX_DELAY_MS, Clock, Entry, Outgoing, Ports
from milepost.local.bus import Route, routed
from milepost.local.queue import MAX_RECEIVE_COUNT
from milepost.local.routing import routes_of
from tests.sim.memory_table import MemoryTable

Routes: TypeAlias = Callable[[], Sequence[Route]]
_BLOB_PREFIX: Final = "sha256:"


@dataclass(slots=True)
class _Letter:
    id: str
    number: int
    """Of two that become visible at once, the smaller comes first."""
    group: str
    body: str
    deliveries: int
    sent_at_ms: int

    def received(self) -> Received:
        return Received(self.id, self.group, self.body, self.deliveries, self.sent_at_ms)


class Mail:
    """The queues of all groups. What is in flight stays so until `ack` or `retry`: whoever plays the service ends it by those."""

    def __init__(self, *, most_receives: int = MAX_RECEIVE_COUNT) -> None:
        self.dead: list[Received] = []
        """Given up after so many deliveries, in that order."""
        self._most_receives = most_receives
        self._waiting: list[tuple[int, int, _Letter]] = []
        """A heap of (visible_at, number, letter)."""
        self._in_flight: dict[str, list[_Letter]] = {}
        """By id, for a message and its copies may be in flight at once."""
        self._numbers = 0
        self._ids = 0
        self._mutex = threading.Lock()

    # ---- taking ------------------------------------------------------------------------------------------------------

    def receive(self, now_ms: int, limit: int) -> list[Received]:
        """At most ``limit`` messages that are visible at ``now_ms``, earliest first; each is in flight until `ack` or `retry`."""
        found: list[Received] = []
        waiting = self._waiting
        with self._mutex:
            while len(found) < limit and waiting and waiting[0][0] <= now_ms:
                letter = heapq.heappop(waiting)[2]
                if letter.deliveries >= self._most_receives:
                    self.dead.append(letter.received())
                    continue
                letter.deliveries += 1
                self._in_flight.setdefault(letter.id, []).append(letter)
                found.append(letter.received())
        return found

    def next_visible_at(self) -> int | None:
        """When the earliest message that is not in flight is, or was, to be delivered; None when there is none."""
        with self._mutex:
            return self._waiting[0][0] if self._waiting else None

    @property
    def in_flight(self) -> list[str]:
        """The ids of messages that were received and neither acknowledged nor given back, each as often as it is in flight."""
        with self._mutex:
            return [id for id, letters in self._in_flight.items() for _ in letters]

    @property
    def waiting(self) -> list[str]:
        """The bodies of the messages that were not received yet, and of those that were given back with ``again: `` before them."""
        with self._mutex:
            return [letter.body if not letter.deliveries else f"again: {letter.body}" for _, _, letter in self._waiting]

    # ---- adding ------------------------------------------------------------------------------------------------------

    def add(self, outgoing: Outgoing, now_ms: int, id: str | None = None) -> str:
        """Send a message; returns its id: ``m1``, ``m2`` and so on, if none is given."""
        with self._mutex:
            if id is None:
                self._ids += 1
                id = f"m{self._ids}"
            letter = _Letter(id, self._number(), outgoing.group, outgoing.body, 0, now_ms)
            self._wait(letter, now_ms + outgoing.delay_ms)
        return id

    def copy(self, id: str, at_ms: int) -> str | None:
        """Deliver a message that waits or is in flight once more at that time, besides: with the same id and the number of
        deliveries that it has, or has next. The copy is acknowledged on its own. Returns the id; None when there is no such message.
        """
        with self._mutex:
            letters = self._in_flight.get(id)
            if letters:
                letter = replace(letters[0], deliveries=letters[0].deliveries - 1, number=self._number())
            else:
                found = next((letter for _, _, letter in self._waiting if letter.id == id), None)
                if found is None:
                    return None
                letter = replace(found, number=self._number())
            self._wait(letter, at_ms)
        return id

    def postpone(self, id: str, by_ms: int) -> None:
        """Let a message that waits come so much later."""
        with self._mutex:
            for place, (visible_at, number, letter) in enumerate(self._waiting):
                if letter.id == id:
                    self._waiting[place] = (visible_at + by_ms, number, letter)
            heapq.heapify(self._waiting)

    def redrive(self, id: str, now_ms: int) -> str | None:
        """Send a dead letter again, as a new message with no deliveries. Returns its id; None when there is no such dead letter."""
        with self._mutex:
            at = next((at for at, each in enumerate(self.dead) if each.id == id), None)
            dead = None if at is None else self.dead.pop(at)
        return None if dead is None else self.add(Outgoing(dead.group, dead.body), now_ms)

    # ---- settling ----------------------------------------------------------------------------------------------------

    def ack(self, id: str) -> None:
        """The message is done and gone. Of one not in flight: does nothing."""
        with self._mutex:
            self._settled(id)

    def retry(self, id: str, at_ms: int) -> bool:
        """Deliver the message again at that time, and return True; or give it up after its last delivery, and return
        False. Of one not in flight: does nothing, and returns True.
        """
        with self._mutex:
            letter = self._settled(id)
            if letter is None:
                return True
            if letter.deliveries >= self._most_receives:
                self.dead.append(letter.received())
                return False
            self._wait(letter, at_ms)
            return True

    def _settled(self, id: str) -> _Letter | None:
        letters = self._in_flight.get(id)
        if not letters:
            return None
        letter = letters.pop(0)
        if not letters:
            del self._in_flight[id]
        return letter

    def _wait(self, letter: _Letter, visible_at: int) -> None:
        heapq.heappush(self._waiting, (visible_at, letter.number, letter))

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers


class MemoryQueue:
    """`Queue` of ports.py."""

    def __init__(self, mail: Mail, clock: Clock) -> None:
        self._mail = mail
        self._clock = clock

    def send(self, messages: Sequence[Outgoing]) -> None:
        for message in messages:
            if not 0 <= message.delay_ms <= MAX_DELAY_MS:
                raise ValueError(f"a delay of {message.delay_ms} ms: 0 to {MAX_DELAY_MS}; a timer goes further")
        now = self._clock.now_ms()
        for message in messages:
            self._mail.add(message, now)


class Armed(NamedTuple):
    """A timer that has not fired."""

    due_at_ms: int
    number: int
    message: Outgoing


class MemoryTimers:
    """`Timers` of ports.py. A name armed already is kept. They fire when they are told the time, and only then."""

    def __init__(self, mail: Mail) -> None:
        self.armed: dict[str, Armed] = {}
        """By name, in order of arming. Only to be read."""
        self._mail = mail
        self._due: list[tuple[int, int, str]] = []
        """A heap of (due_at, number, name); what `armed` does not have under this number is not armed any more."""
        self._numbers = 0
        self._mutex = threading.Lock()

    def arm(self, name: str, due_at_ms: int, message: Outgoing) -> None:
        with self._mutex:
            if name in self.armed:
                return
            self._numbers += 1
            self.armed[name] = Armed(due_at_ms, self._numbers, message)
            heapq.heappush(self._due, (due_at_ms, self._numbers, name))

    def disarm(self, name: str) -> None:
        self.lose(name)

    def lose(self, name: str) -> bool:
        """The timer will not fire, as if it had never been armed; whether it was armed."""
        with self._mutex:
            return self.armed.pop(name, None) is not None

    def next_due_at(self) -> int | None:
        """When the earliest timer is, or was, due; None when none is armed."""
        with self._mutex:
            return self._next_due()

    def fire(self, now_ms: int) -> list[str]:
        """Send the messages of all timers that are due, earliest first; returns their ids."""
        fired: list[str] = []
        with self._mutex:
            while (due := self._next_due()) is not None and due <= now_ms:
                message = self.armed.pop(heapq.heappop(self._due)[2]).message
                fired.append(self._mail.add(Outgoing(message.group, message.body, 0, message.fair_key), now_ms))
        return fired

    def _next_due(self) -> int | None:
        while self._due:
            due_at, number, name = self._due[0]
            armed = self.armed.get(name)
            if armed is not None and armed.number == number:
                return due_at
            heapq.heappop(self._due)
        return None


class MemoryBus:
    """`Bus` of ports.py, with routes asked for at each publish. An event that is published twice is delivered twice."""

    def __init__(self, mail: Mail, routes: Routes, clock: Clock) -> None:
        self._mail = mail
        self._routes = routes
        self._clock = clock

    def publish(self, entries: Sequence[Entry]) -> None:
        now, routes = self._clock.now_ms(), self._routes()
        for outgoing in [message for entry in entries for message in routed(entry, now, routes)]:
            self._mail.add(outgoing, now)


class MemoryBlobs:
    """`Blobs` of ports.py."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        ref = _BLOB_PREFIX + hashlib.sha256(data).hexdigest()
        self._kept[ref] = data
        return ref

    def get(self, ref: str) -> bytes:
        return self._kept[ref]


class MemoryCloud:
    """One of each, on one clock. ``routes`` may be replaced or added to: that is a deploy."""

    def __init__(
        self,
        clock: Clock,
        deployed: Definitions | Sequence[Route] = (),
        *,
        mail: Mail | None = None,
        timers: MemoryTimers | None = None,
    ) -> None:
        self.clock = clock
        self.routes: Sequence[Route] = routes_of(deployed) if isinstance(deployed, Definitions) else deployed
        self.table = MemoryTable(clock.now_ms)
        self.mail = Mail() if mail is None else mail
        self.queue = MemoryQueue(self.mail, clock)
        self.timers = MemoryTimers(self.mail) if timers is None else timers
        self.bus = MemoryBus(self.mail, lambda: self.routes, clock)
        self.blobs = MemoryBlobs()
        self.ports = Ports(table=self.table, queue=self.queue, timers=self.timers, bus=self.bus, blobs=self.blobs, clock=clock)
