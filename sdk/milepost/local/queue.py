"""Queue and Timers on the state file, and the mailbox from which its one worker takes their messages.

Owns the table ``messages``. What is in flight is known to the mailbox only, in memory: the worker has the file to itself,
so a new worker sees again whatever an old one had not acknowledged, with the deliveries counted.

    send, arm ──▶ waiting ──visible_at──▶ in flight ──ack──▶ gone
                     ▲                        │
                     └──────── retry ─────────┴── after MAX_RECEIVE_COUNT deliveries ──▶ dead letter ──resend──▶ waiting
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from milepost.engine.ports import MAX_DELAY_MS, Clock, Outgoing
from milepost.local.post import Letter
from milepost.local.store import Store

MAX_RECEIVE_COUNT: Final = 8
"""Deliveries before a message becomes a dead letter: the redrive policy of the queues on AWS (design.md)."""

_INSERT: Final = "INSERT INTO messages (visible_at, id, grp, body, deliveries, sent_at, timer) VALUES (?, ?, ?, ?, ?, ?, ?)"


class DeadLetter(msgspec.Struct, frozen=True):
    """A message that was given up."""

    id: str
    group: str
    body: str
    deliveries: int
    sent_at_ms: int
    dead_at_ms: int


def insert(conn: sqlite3.Connection, messages: Sequence[Outgoing], now_ms: int) -> list[Letter]:
    """Put messages into their queues, within the caller's transaction."""
    letters = [
        Letter(now_ms + message.delay_ms, number, message.group, message.body, 0, now_ms, None)
        for number, message in enumerate(messages, start=_last_number(conn) + 1)
    ]
    conn.executemany(_INSERT, letters)
    return letters


def _last_number(conn: sqlite3.Connection) -> int:
    """AUTOINCREMENT's memory: nobody else counts on while the transaction lasts."""
    row = conn.execute("SELECT seq FROM sqlite_sequence WHERE name = 'messages'").fetchone()
    return 0 if row is None else row[0]


def message_id(number: int) -> str:
    """A message's name outside of the file: never used twice."""
    return f"m-{number}"


def message_number(name: str) -> int:
    """The other way round. Raises ValueError for what is no message id."""
    if not (name.startswith("m-") and name[2:].isdecimal()):
        raise ValueError(f"{name!r} is not a message id: they look like m-17")
    return int(name[2:])


class LocalQueue:
    """`Queue` of ports.py, and its dead letters. Messages are delivered roughly in the order they were sent."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def send(self, messages: Sequence[Outgoing]) -> None:
        for message in messages:
            if not 0 <= message.delay_ms <= MAX_DELAY_MS:
                raise ValueError(f"a delay of {message.delay_ms} ms: 0 to {MAX_DELAY_MS}; a timer goes further")
        if not messages:
            return
        now = self._clock.now_ms()
        self._store.send(lambda conn: insert(conn, messages, now))

    def dead_letters(self, *, after: str | None = None, limit: int = 100) -> list[DeadLetter]:
        """Dead letters by id; ``after`` is the id of the last one seen."""
        sql = "SELECT id, grp, body, deliveries, sent_at, dead_at FROM messages WHERE dead_at IS NOT NULL AND id > ? ORDER BY id LIMIT ?"
        first = 0 if after is None else message_number(after)
        rows = self._store.read(lambda conn: conn.execute(sql, (first, limit)).fetchall())
        return [DeadLetter(message_id(row[0]), *row[1:]) for row in rows]

    def resend(self, dead: str) -> bool:
        """Send a dead letter again, as a new message with no deliveries; False when there is no such dead letter."""
        number, now = message_number(dead), self._clock.now_ms()

        is_resent = False

        def op(conn: sqlite3.Connection) -> list[Letter]:
            nonlocal is_resent
            row = conn.execute("SELECT grp, body FROM messages WHERE id = ? AND dead_at IS NOT NULL", (number,)).fetchone()
            is_resent = row is not None
            if row is None:
                return []
            conn.execute("DELETE FROM messages WHERE id = ?", (number,))
            return insert(conn, [Outgoing(group=row[0], body=row[1])], now)

        self._store.send(op)
        return is_resent


class LocalTimers:
    """`Timers` of ports.py: messages that become visible when they are due. A name armed already is kept."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def arm(self, name: str, due_at_ms: int, message: Outgoing) -> None:
        now = self._clock.now_ms()

        def op(conn: sqlite3.Connection) -> list[Letter]:
            known = "SELECT 1 FROM messages WHERE timer = ? AND deliveries = 0 AND dead_at IS NULL"
            if conn.execute(known, (name,)).fetchone() is not None:
                return []
            letter = Letter(due_at_ms, _last_number(conn) + 1, message.group, message.body, 0, now, name)
            conn.execute(_INSERT, letter)
            return [letter]

        self._store.send(op)

    def disarm(self, name: str) -> None:
        # What has been delivered once is the mailbox's: deleting it would lose it, should its worker die over it.
        def op(conn: sqlite3.Connection) -> list[int]:
            found = conn.execute("SELECT id FROM messages WHERE timer = ? AND deliveries = 0", (name,)).fetchall()
            conn.executemany("DELETE FROM messages WHERE id = ?", found)
            return [row[0] for row in found]

        self._store.withdraw(op)
