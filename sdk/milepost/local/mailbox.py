"""The receiving side of the local queues: what the one worker of a state file takes, and what it then says of it.

Owns what is in flight, in memory, and a window on what waits: the earliest messages of the file. What this process sends
comes into the window without being read; the file is read at the start, when others have written to it, and when the
window has run low. None of its calls waits for an fsync: counts, acknowledgements and retries join the next commit
(`Store.commit_later`). A crash before that only delivers again what had been delivered::

    receive          acquire (a commit: the delivery is counted with it)     ... commits ...     ack      next commit
    ──┬──────────────────────┬──────────────────────────────────────────────────────────────────┬────────────┬──
      in flight, in memory   on disk: delivered once                                            hidden       deleted
"""

import heapq
import sqlite3
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Final

from milepost.engine.messages import Received
from milepost.engine.ports import Clock
from milepost.local.notes import Notes
from milepost.local.post import Letter
from milepost.local.queue import MAX_RECEIVE_COUNT, message_id, message_number
from milepost.local.store import Store

WINDOW: Final = 5_000
"""Waiting messages known in memory, about; those after them are in the file only until it is their turn."""

_EARLIEST: Final = (
    "SELECT visible_at, id, grp, body, deliveries, sent_at, timer FROM messages WHERE dead_at IS NULL ORDER BY visible_at, id LIMIT ?"
)


def one_lane(_letter: Letter) -> int:
    """All messages are for the same takers."""
    return 0


class Mailbox:
    """Hands out messages, each to one taker at a time. For one worker per file; its threads may share it.

    ``lane_of`` says for which of several kinds of takers a message is, when it becomes visible.
    """

    def __init__(self, store: Store, clock: Clock, *, lane_of: Callable[[Letter], int] = one_lane, window: int = WINDOW) -> None:
        self._store = store
        self._clock = clock
        self._lane_of = lane_of
        self._window = window
        self._notes = Notes(store, self._is_written)
        self._mutex = threading.RLock()
        """Held from a look at the file until what was found is noted here, so that nothing is handed out twice."""
        self._waiting: list[Letter] = []
        """A heap: what is in the window and was not visible yet."""
        self._visible: defaultdict[int, deque[Letter]] = defaultdict(deque)
        """By lane: what is in the window and can be delivered."""
        self._known: dict[int, Letter] = {}
        """Both of them by number. What is in one of them, but not here, was withdrawn."""
        self._horizon: tuple[int, int] | None = None
        """(visible_at, number): the end of the window; None when everything that waits is in it."""
        self._read_up_to = 0
        """The file was read when this was the highest number in it."""
        self._is_stale = True
        self._taken: dict[int, Letter] = {}
        """Messages in flight."""
        self._settled: set[int] = set()
        """Messages that are done with, or given up, of which the file does not say so yet."""
        self._moved: dict[int, Letter] = {}
        """Messages that will be delivered again, of which the file does not say when yet."""
        store.hear(self)

    # ---- taking ------------------------------------------------------------------------------------------------------

    def receive(self, now_ms: int, limit: int, lane: int = 0) -> list[Received]:
        """At most ``limit`` messages that are visible at ``now_ms``, earliest first. Each is in flight until `ack` or `retry`."""
        with self._mutex:
            self._refill()
            self._sort_out(now_ms)
            found: list[Letter] = []
            box = self._visible[lane]
            while box and len(found) < limit:
                letter = box.popleft()
                if self._known.pop(letter.number, None) is None:
                    continue  # withdrawn
                if letter.deliveries >= MAX_RECEIVE_COUNT:
                    self._bury(letter.number, now_ms)  # the worker died over it every time
                    continue
                letter = letter._replace(deliveries=letter.deliveries + 1)
                self._taken[letter.number] = letter
                found.append(letter)
            if found:
                self._notes.count(found)
        return [Received(message_id(one.number), one.group, one.body, one.deliveries, one.sent_at) for one in found]

    def has_visible(self, now_ms: int, lane: int = 0) -> bool:
        """Whether `receive` may find something."""
        with self._mutex:
            self._refill()
            self._sort_out(now_ms)
            return bool(self._visible[lane])

    def next_visible_at(self) -> int | None:
        """When the earliest message that is not in flight is, or was, to be delivered; None when there is none."""
        with self._mutex:
            self._refill()
            heads = [box[0].visible_at for box in self._visible.values() if self._skip_withdrawn(box)]
            later = self._next_due()
            return min(heads if later is None else [*heads, later], default=None)

    def next_due_at(self) -> int | None:
        """The same, apart from messages that were visible at the last call with the time, and wait for a taker."""
        with self._mutex:
            return self._next_due()

    @property
    def in_flight(self) -> int:
        """How many messages have been received and neither acknowledged nor given back."""
        return len(self._taken)

    @property
    def must_look(self) -> bool:
        """Whether the next call reads the file."""
        return self._is_stale

    # ---- settling ----------------------------------------------------------------------------------------------------

    def ack(self, id: str) -> None:
        """The message is done: it comes again only after a crash before the next commit. Of one not in flight: does nothing."""
        number = message_number(id)
        with self._mutex:
            if self._taken.pop(number, None) is None:
                return
            self._moved.pop(number, None)
            self._settled.add(number)
            self._notes.delete(number)

    def retry(self, id: str, at_ms: int) -> bool:
        """Deliver the message again at that time, and return True; or keep it as a dead letter after MAX_RECEIVE_COUNT
        deliveries, and return False. Of one not in flight: does nothing, and returns True.
        """
        number = message_number(id)
        with self._mutex:
            letter = self._taken.pop(number, None)
            if letter is None:
                return True
            if letter.deliveries >= MAX_RECEIVE_COUNT:
                self._moved.pop(number, None)
                self._bury(number, self._clock.now_ms())
                return False
            letter = self._moved[number] = letter._replace(visible_at=at_ms)
            self._add(letter)
            self._notes.move(letter)
        self._store.announce()
        return True

    def _bury(self, number: int, now_ms: int) -> None:
        self._settled.add(number)
        self._notes.bury(number, now_ms)

    def _is_written(self, settled: Sequence[int], moved: Sequence[Letter]) -> None:
        with self._mutex:
            self._settled.difference_update(settled)
            for letter in moved:
                if self._moved.get(letter.number) is letter:
                    del self._moved[letter.number]

    # ---- what the store tells ----------------------------------------------------------------------------------------

    def sent(self, letters: Sequence[Letter]) -> None:
        """Messages that this process has just sent."""
        with self._mutex:
            if self._is_stale:
                return  # the next look finds them
            for letter in letters:
                if letter.number > self._read_up_to and (self._horizon is None or letter[:2] <= self._horizon):
                    self._add(letter)
            if len(self._waiting) > 2 * self._window:
                self._narrow()

    def withdrawn(self, numbers: Sequence[int]) -> None:
        """Messages that this process has just deleted."""
        with self._mutex:
            for number in numbers:
                self._known.pop(number, None)

    def look_again(self) -> None:
        """Read the file before the next message is handed out: somebody else has written to it."""
        self._is_stale = True

    # ---- the window --------------------------------------------------------------------------------------------------

    def _add(self, letter: Letter) -> None:
        self._known[letter.number] = letter
        heapq.heappush(self._waiting, letter)

    def _narrow(self) -> None:
        """Keep the earliest only."""
        self._waiting = heapq.nsmallest(self._window, self._waiting)  # sorted, so a heap
        self._horizon = self._waiting[-1][:2]
        kept = [*self._waiting, *(letter for box in self._visible.values() for letter in box)]
        self._known = {letter.number: letter for letter in kept if letter.number in self._known}

    def _refill(self) -> None:
        if self._is_stale or (self._horizon is not None and len(self._known) < self._window // 2):
            self._look()

    def _look(self) -> None:
        self._is_stale = False
        sought = self._window + len(self._taken) + len(self._settled) + len(self._moved)
        self._read_up_to, rows = self._store.read(lambda conn: _snapshot(conn, sought))
        self._horizon = (rows[-1].visible_at, rows[-1].number) if len(rows) == sought else None
        others = (self._taken, self._settled, self._moved)
        fresh = [letter for letter in rows if not any(letter.number in some for some in others)]
        fresh += [letter for letter in self._moved.values() if letter.number not in self._taken]
        self._visible.clear()
        self._waiting = sorted(fresh)
        self._known = {letter.number: letter for letter in fresh}

    def _sort_out(self, now_ms: int) -> None:
        waiting = self._waiting
        while waiting and waiting[0].visible_at <= now_ms:
            letter = waiting[0]
            if letter.number in self._known:
                lane = self._lane_of(letter)  # may read the file, and fail: the letter is still there then
                self._visible[lane].append(letter)
            heapq.heappop(waiting)

    def _next_due(self) -> int | None:
        while self._waiting:
            if self._waiting[0].number in self._known:
                return self._waiting[0].visible_at
            heapq.heappop(self._waiting)
        return None

    def _skip_withdrawn(self, box: deque[Letter]) -> bool:
        while box and box[0].number not in self._known:
            box.popleft()
        return bool(box)


def _snapshot(conn: sqlite3.Connection, limit: int) -> tuple[int, list[Letter]]:
    """The highest number so far and the earliest messages, both of one moment."""
    conn.execute("BEGIN")
    try:
        last = conn.execute("SELECT seq FROM sqlite_sequence WHERE name = 'messages'").fetchone()
        rows = conn.execute(_EARLIEST, (limit,)).fetchall()
    finally:
        conn.execute("ROLLBACK")
    return 0 if last is None else last[0], [Letter(*row) for row in rows]
