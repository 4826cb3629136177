"""The receiving side of the local queues: what the one worker of a state file takes, and what it then says of it.

Owns what is in flight, in memory. None of its calls waits for an fsync: counts, acknowledgements and retries join the
next commit (`Store.commit_later`). A crash before that only delivers again what had been delivered::

    receive          acquire (a commit: the delivery is counted with it)     ... commits ...     ack      next commit
    ──┬──────────────────────┬──────────────────────────────────────────────────────────────────┬────────────┬──
      in flight, in memory   on disk: delivered once                                            hidden       deleted
"""

import threading
from typing import Any, Final

from milepost.engine.messages import Received
from milepost.engine.ports import Clock
from milepost.local.queue import MAX_RECEIVE_COUNT, message_id, message_number
from milepost.local.store import Store

_VISIBLE: Final = (
    "SELECT id, grp, body, visible_at, deliveries, sent_at, timer FROM messages "
    "WHERE dead_at IS NULL AND visible_at <= ? ORDER BY visible_at, id LIMIT ?"
)
_EARLIEST: Final = "SELECT id, visible_at FROM messages WHERE dead_at IS NULL ORDER BY visible_at, id LIMIT ?"
_COUNT: Final = (
    "INSERT INTO messages (id, grp, body, visible_at, deliveries, sent_at, timer) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET deliveries = excluded.deliveries"
)
"""Puts the row back if a timer was disarmed between our look and this: what is delivered must come again after a crash."""


class Mailbox:
    """Hands out messages, each to one taker at a time. For one worker per file; its threads may share it."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._mutex = threading.Lock()
        """Held from a look at the file until what was found is noted here, so that nothing is handed out twice."""
        self._taken: dict[int, int] = {}
        """Messages in flight, with their deliveries."""
        self._settled: set[int] = set()
        """Messages of which the file still says what was so before they were settled."""
        self._returning = 0
        """Those of them that will be delivered again."""

    def receive(self, now_ms: int, limit: int) -> list[Received]:
        """At most ``limit`` messages that are visible at ``now_ms``, earliest first. Each is in flight until `ack` or `retry`."""
        self._catch_up()
        with self._mutex:
            fresh = self._fresh(_VISIBLE, (now_ms,), limit)
            taken = [(*row[:4], row[4] + 1, *row[5:]) for row in fresh if row[4] < MAX_RECEIVE_COUNT]
            self._taken.update((row[0], row[4]) for row in taken)
            if taken:
                self._store.commit_later(lambda conn: conn.executemany(_COUNT, taken))
            for number in [row[0] for row in fresh if row[4] >= MAX_RECEIVE_COUNT]:
                self._bury(number, now_ms)  # the worker died over it every time
        return [Received(message_id(number), group, body, deliveries, sent) for number, group, body, _, deliveries, sent, _ in taken]

    def next_visible_at(self) -> int | None:
        """When the earliest message that is not in flight is, or was, to be delivered; None when there is none."""
        self._catch_up()
        with self._mutex:
            earliest = self._fresh(_EARLIEST, (), 1)
            return earliest[0][1] if earliest else None

    @property
    def in_flight(self) -> int:
        """How many messages have been received and neither acknowledged nor given back."""
        return len(self._taken)

    def ack(self, id: str) -> None:
        """The message is done: it comes again only after a crash before the next commit. Of one not in flight: does nothing."""
        number = message_number(id)
        with self._mutex:
            if self._taken.pop(number, None) is None:
                return
            self._settle(number, "DELETE FROM messages WHERE id = ?", (number,))

    def retry(self, id: str, at_ms: int) -> bool:
        """Deliver the message again at that time, and return True; or keep it as a dead letter after MAX_RECEIVE_COUNT
        deliveries, and return False. Of one not in flight: does nothing, and returns True.
        """
        number = message_number(id)
        with self._mutex:
            deliveries = self._taken.pop(number, None)
            if deliveries is None:
                return True
            if deliveries >= MAX_RECEIVE_COUNT:
                self._bury(number, self._clock.now_ms())
                return False
            self._returning += 1
            self._settle(number, "UPDATE messages SET visible_at = ? WHERE id = ?", (at_ms, number), returns=True)
        self._store.announce()
        return True

    def _catch_up(self) -> None:
        if self._returning:  # rare: the file must say when they come before it is asked
            self._store.flush()

    def _fresh(self, sql: str, values: tuple[int, ...], limit: int) -> list[tuple[Any, ...]]:
        sought = limit + len(self._taken) + len(self._settled)
        rows = self._store.read(lambda conn: conn.execute(sql, (*values, sought)).fetchall())
        return [row for row in rows if row[0] not in self._taken and row[0] not in self._settled][:limit]

    def _bury(self, number: int, now_ms: int) -> None:
        self._settle(number, "UPDATE messages SET dead_at = ? WHERE id = ?", (now_ms, number))

    def _settle(self, number: int, sql: str, values: tuple[int, ...], *, returns: bool = False) -> None:
        """Say it to the file with the next commit, and hide the message until then."""

        def is_committed() -> None:
            with self._mutex:
                self._settled.discard(number)
                self._returning -= returns

        self._settled.add(number)
        self._store.commit_later(lambda conn: conn.execute(sql, values), then=is_committed)
