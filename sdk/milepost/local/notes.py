"""What the mailbox has to say to the file, gathered until the next commit takes it along: one operation for all of it."""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from milepost.local.post import Letter
from milepost.local.store import Store

_COUNT: Final = "UPDATE messages SET deliveries = ? WHERE id = ?"
_COUNT_TIMER: Final = (
    "INSERT INTO messages (visible_at, id, grp, body, deliveries, sent_at, timer) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET deliveries = excluded.deliveries"
)
"""Puts the row back if the timer was disarmed between our look and this: what is delivered must come again after a crash."""
_MOVE: Final = "UPDATE messages SET visible_at = ? WHERE id = ?"
_BURY: Final = "UPDATE messages SET dead_at = ? WHERE id = ?"
_DELETE: Final = "DELETE FROM messages WHERE id = ?"


class _Sheet(msgspec.Struct):
    """What goes into one commit. Per message: counted, then moved, then deleted or buried."""

    counts: list[tuple[int, int]] = msgspec.field(default_factory=list[tuple[int, int]])
    timers: list[Letter] = msgspec.field(default_factory=list[Letter])
    moves: list[Letter] = msgspec.field(default_factory=list[Letter])
    buried: list[tuple[int, int]] = msgspec.field(default_factory=list[tuple[int, int]])
    deleted: list[tuple[int]] = msgspec.field(default_factory=list[tuple[int]])


class Notes:
    """``then`` is called with the numbers of what was deleted or buried, and with what was moved, once that is committed."""

    def __init__(self, store: Store, then: Callable[[Sequence[int], Sequence[Letter]], None]) -> None:
        self._store = store
        self._then = then
        self._lock = threading.Lock()
        self._open: _Sheet | None = None
        """Takes further notes; a commit that writes it closes it first."""

    def count(self, letters: Iterable[Letter]) -> None:
        """Their deliveries are what they say."""
        with self._lock:
            sheet = self._sheet()
            for letter in letters:
                if letter.timer is None:
                    sheet.counts.append((letter.deliveries, letter.number))
                else:
                    sheet.timers.append(letter)

    def move(self, letter: Letter) -> None:
        """It is visible when it says."""
        with self._lock:
            self._sheet().moves.append(letter)

    def bury(self, number: int, at_ms: int) -> None:
        """It is a dead letter."""
        with self._lock:
            self._sheet().buried.append((at_ms, number))

    def delete(self, number: int) -> None:
        """It is done."""
        with self._lock:
            self._sheet().deleted.append((number,))

    def _sheet(self) -> _Sheet:
        sheet = self._open
        if sheet is None:
            sheet = _Sheet()
            self._store.commit_later(lambda conn: self._write(conn, sheet), then=lambda: self._written(sheet))
            self._open = sheet
        return sheet

    def _write(self, conn: sqlite3.Connection, sheet: _Sheet) -> None:
        with self._lock:
            if self._open is sheet:
                self._open = None
        for sql, rows in (
            (_COUNT, sheet.counts),
            (_COUNT_TIMER, sheet.timers),
            (_MOVE, [(letter.visible_at, letter.number) for letter in sheet.moves]),
            (_BURY, sheet.buried),
            (_DELETE, sheet.deleted),
        ):
            if rows:
                conn.executemany(sql, rows)

    def _written(self, sheet: _Sheet) -> None:
        self._then([row[-1] for row in (*sheet.deleted, *sheet.buried)], sheet.moves)
