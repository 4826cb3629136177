"""The receiving side of the local queues: what the one worker of a state file takes, and what it then says of it.

Owns what is in flight, in memory. None of its calls waits for an fsync: counts, acknowledgements and retries join the
next commit (`Store.commit_later`). A crash before that only delivers again what had been delivered::

    receive          acquire (a commit: the delivery is counted with it)     ... commits ...     ack      next commit
    ──┬──────────────────────┬──────────────────────────────────────────────────────────────────┬────────────┬──
      in flight, in memory   on disk: delivered once                                            hidden       deleted
"""

import threading
from typing import Final

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
        self._hidden: dict[int, int] = {}
        """Messages in flight, or settled by a write that has not been committed yet, with their deliveries."""
        self._returning = 0
        """Those of them that come back by such a write."""

    def receive(self, now_ms: int, limit: int) -> list[Received]:
        """At most ``limit`` messages that are visible at ``now_ms``, earliest first. Each is in flight until `ack` or `retry`."""
        if self._returning:
            self._store.flush()
        with self._mutex:
            sought = limit + len(self._hidden)
            rows = self._store.read(lambda conn: conn.execute(_VISIBLE, (now_ms, sought)).fetchall())
            fresh = [row for row in rows if row[0] not in self._hidden]
            spent = [row[0] for row in fresh if row[4] >= MAX_RECEIVE_COUNT]
            taken = [(*row[:4], row[4] + 1, *row[5:]) for row in fresh if row[4] < MAX_RECEIVE_COUNT][:limit]
            self._hidden.update((row[0], row[4]) for row in taken)
            if taken:
                self._store.commit_later(lambda conn: conn.executemany(_COUNT, taken))
            for number in spent:  # its worker died over it every time
                self._hidden[number] = MAX_RECEIVE_COUNT
                self._bury(number, now_ms)
        return [Received(message_id(number), group, body, deliveries, sent) for number, group, body, _, deliveries, sent, _ in taken]

    def next_visible_at(self) -> int | None:
        """When the earliest message that is not in flight is or was to be delivered; None when there is none."""
        if self._returning:
            self._store.flush()
        with self._mutex:
            sought = 1 + len(self._hidden)
            rows = self._store.read(lambda conn: conn.execute(_EARLIEST, (sought,)).fetchall())
            return next((at for number, at in rows if number not in self._hidden), None)

    @property
    def in_flight(self) -> int:
        """Messages received and not settled, or settled by a write still to be committed."""
        return len(self._hidden)

    def ack(self, id: str) -> None:
        """The message is done: it is not delivered again, but after a crash that comes before the next commit."""
        number = message_number(id)
        self._store.commit_later(
            lambda conn: conn.execute("DELETE FROM messages WHERE id = ?", (number,)),
            then=lambda: self._show(number),
        )

    def retry(self, id: str, at_ms: int) -> bool:
        """Deliver the message again at that time; after MAX_RECEIVE_COUNT deliveries keep it as a dead letter and return False."""
        number = message_number(id)
        with self._mutex:
            is_spent = self._hidden.get(number, 0) >= MAX_RECEIVE_COUNT
            self._returning += not is_spent
        if is_spent:
            self._bury(number, self._clock.now_ms())
            return False
        self._store.commit_later(
            lambda conn: conn.execute("UPDATE messages SET visible_at = ? WHERE id = ?", (at_ms, number)),
            then=lambda: self._show(number, returns=True),
        )
        self._store.announce()
        return True

    def _bury(self, number: int, now_ms: int) -> None:
        self._store.commit_later(
            lambda conn: conn.execute("UPDATE messages SET dead_at = ? WHERE id = ?", (now_ms, number)),
            then=lambda: self._show(number),
        )

    def _show(self, number: int, *, returns: bool = False) -> None:
        with self._mutex:
            self._hidden.pop(number, None)
            self._returning -= returns
