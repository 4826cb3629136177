"""Transactions that share an fsync.

Owns the one connection that writes, the queue of those who want to, and durability. Knows nothing of what is written.

Whoever commits while nobody else does leads: it runs its operation in a transaction and fsyncs. Those who come while it
does so queue up; when it is done, the first of them leads, and all who wait share its transaction and its one fsync.
There is no thread of our own, and a lone caller pays for no hand-over. Who has several operations at once (the hub) brings
them on one ticket; each still fails or succeeds alone::

    A  commit ─ op ─ fsync ─────────┐
    B      commit ......... waits ..└ leads: ops B C D ─ one fsync ─┐
    C         commit ...... waits .............................. done
    D             commit .. waits .............................. done
"""

import copy
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, TypeVar

from milepost.engine.ports import ConditionFailed, TransactionFailed

T = TypeVar("T")
Operation: TypeAlias = Callable[[sqlite3.Connection], T]

GROUP_LIMIT: Final = 512
"""Callers in one transaction: bounds how long the first of them waits for the last."""


class Part:
    """One operation, and what came of it."""

    __slots__ = ("error", "is_spoiled", "op", "result")

    def __init__(self, op: Operation[Any]) -> None:
        self.op = op
        self.is_spoiled = False
        """Failed after it had written: it is not run again."""
        self.result: Any = None
        self.error: Exception | None = None


class _Ticket:
    """What one caller brings, on its way through a commit."""

    __slots__ = ("durable", "gate", "is_settled", "leads", "parts")

    def __init__(self, parts: Sequence[Part], *, durable: bool) -> None:
        self.parts = parts
        self.durable = durable
        self.leads = False
        self.is_settled = False
        self.gate: threading.Lock | None = None
        """Held until the ticket is settled or is to lead. Whoever leads at once needs none."""

    def settle(self) -> None:
        self.is_settled = True
        self.wake()

    def wake(self) -> None:
        if self.gate is not None:
            self.gate.release()


class _Later:
    """An operation that waits for somebody else's commit."""

    __slots__ = ("op", "then")

    def __init__(self, op: Operation[object], then: Callable[[], None] | None) -> None:
        self.op = op
        self.then = then


class _Batch:
    """What goes into one transaction."""

    __slots__ = ("durable", "is_committed", "later", "tickets")

    def __init__(self, tickets: list[_Ticket], later: list[_Later]) -> None:
        self.tickets = tickets
        self.later = later
        self.durable = any(ticket.durable for ticket in tickets)
        self.is_committed = False


class _StartAgain(Exception):
    """The transaction was rolled back: an operation had failed after it had written, or one that waited had failed."""


class GroupCommit:
    """Serialises operations on ``conn``; ``exclusive`` is held while they run."""

    def __init__(self, conn: sqlite3.Connection, exclusive: threading.RLock) -> None:
        self.commits = 0
        self.durable_commits = 0
        self._conn = conn
        self._exclusive = exclusive
        self._mutex = threading.Lock()
        self._queue: deque[_Ticket] = deque()
        self._later: list[_Later] = []
        self._later_error: Exception | None = None
        self._is_led = False
        self._is_closed = False
        self._is_synchronous = True

    # ---- the callers -------------------------------------------------------------------------------------------------

    def commit(self, op: Operation[T], *, durable: bool) -> T:
        """Run ``op`` in a transaction; returns when that is committed, and on disk when ``durable``. Raises what it raises."""
        part = Part(op)
        self.commit_parts((part,), durable=durable)
        if part.error is not None:
            raise part.error
        result: T = part.result
        return result

    def commit_parts(self, parts: Sequence[Part], *, durable: bool) -> None:
        """The same for several operations of one caller: each part then holds its own result or error."""
        ticket = _Ticket(parts, durable=durable)
        with self._mutex:
            if self._is_closed:
                raise sqlite3.ProgrammingError("the state file is closed")
            self._enter(ticket)
        self._pass_through(ticket)

    def commit_later(self, op: Operation[object], then: Callable[[], None] | None) -> None:
        """Let ``op`` run first in the next transaction, then call ``then``."""
        with self._mutex:
            if self._is_closed:
                raise sqlite3.ProgrammingError("the state file is closed")
            self._later.append(_Later(op, then))

    def flush(self) -> None:
        """Commit what waits, without an fsync. Raises what an operation that waited raised since the last flush."""
        if self._later or self._is_led or self._is_closed:
            self.commit(nothing, durable=False)
        error, self._later_error = self._later_error, None
        if error is not None:
            raise error

    def close(self) -> None:
        """Commit what waits and everything that came before; refuse what comes after."""
        part = Part(nothing)
        ticket = _Ticket((part,), durable=False)
        with self._mutex:
            self._is_closed = True
            self._enter(ticket)
        self._pass_through(ticket)
        if part.error is not None:
            raise part.error

    def leave_to_parent(self) -> None:
        """In the child of a fork: nothing of this is the child's, not even the locks."""
        self._is_closed = True
        self._mutex = threading.Lock()

    # ---- the queue ---------------------------------------------------------------------------------------------------

    def _enter(self, ticket: _Ticket) -> None:
        self._queue.append(ticket)
        if self._is_led:
            ticket.gate = threading.Lock()
            ticket.gate.acquire()
        else:
            self._is_led = ticket.leads = True

    def _pass_through(self, ticket: _Ticket) -> None:
        try:
            if ticket.gate is not None:
                ticket.gate.acquire()
            if ticket.leads:
                self._lead(ticket)
        finally:
            if ticket.leads or not ticket.is_settled:
                self._step_down(ticket)

    def _step_down(self, ticket: _Ticket) -> None:
        """Let the next one lead. Also when a KeyboardInterrupt came anywhere on the way: the others must not wait for ever."""
        with self._mutex:
            if not ticket.is_settled and ticket in self._queue:
                self._queue.remove(ticket)
            if not ticket.leads:
                return
            ticket.leads = False
            self._is_led = bool(self._queue)
            if self._is_led:
                self._queue[0].leads = True
                self._queue[0].wake()

    def _take(self) -> _Batch:
        with self._mutex:
            tickets = [self._queue.popleft()]
            while self._queue and len(tickets) < GROUP_LIMIT:
                tickets.append(self._queue.popleft())
            later, self._later = self._later, []
        return _Batch(tickets, later)

    def _takes_in(self, batch: _Batch) -> bool:
        """Whether somebody came since the transaction began and now stands at the batch's end."""
        if not self._queue or len(batch.tickets) >= GROUP_LIMIT:
            return False
        with self._mutex:
            if not self._queue or (self._queue[0].durable and not batch.durable):
                return False
            batch.tickets.append(self._queue.popleft())
        return True

    # ---- the leader --------------------------------------------------------------------------------------------------

    def _lead(self, own: _Ticket) -> None:
        batch = self._take()
        is_over = False
        try:
            with self._exclusive:
                self._write(batch)
            is_over = True
        finally:
            self._conclude(batch, own, is_over=is_over or batch.is_committed)

    def _conclude(self, batch: _Batch, own: _Ticket, *, is_over: bool) -> None:
        """Tell everybody how it ended; interrupted in the middle, let the next leader do it for those who still wait."""
        if not (batch.is_committed and is_over):
            with self._mutex:
                if not batch.is_committed:
                    self._later[:0] = batch.later
                if not is_over:
                    self._queue.extendleft(ticket for ticket in reversed(batch.tickets) if ticket is not own)
        try:
            if batch.is_committed:
                for later in batch.later:
                    if later.then is not None:
                        later.then()
        finally:
            if is_over:
                for ticket in batch.tickets:
                    ticket.settle()

    def _write(self, batch: _Batch) -> None:
        if batch.durable != self._is_synchronous:
            self._conn.execute(f"PRAGMA synchronous = {'FULL' if batch.durable else 'NORMAL'}")
            self._is_synchronous = batch.durable
        while not batch.is_committed:
            try:
                self._attempt(batch)
            except _StartAgain:
                continue
            except sqlite3.Error as error:  # of BEGIN or COMMIT: nothing of the batch happened
                for part in (part for ticket in batch.tickets for part in ticket.parts):
                    if part.error is None:
                        part.error = copy.copy(error)
                        part.error.__cause__ = error
                return

    def _attempt(self, batch: _Batch) -> None:
        """One transaction of all that is to be in it. Raises _StartAgain to be called again with less."""
        conn = self._conn
        is_begun = False
        try:
            conn.execute("BEGIN IMMEDIATE")
            is_begun = True
            before = conn.total_changes
            self._run_later(batch)
            done = 0
            while done < len(batch.tickets) or self._takes_in(batch):
                for part in batch.tickets[done].parts:
                    self._run(part)
                done += 1
            has_changed = conn.total_changes != before
            conn.execute("COMMIT")
            batch.is_committed = True
        except Exception:
            self._roll_back()
            raise
        except BaseException:  # KeyboardInterrupt
            batch.is_committed = is_begun and not conn.in_transaction
            self._roll_back()
            raise
        self.commits += has_changed
        self.durable_commits += has_changed and batch.durable

    def _run(self, part: Part) -> None:
        if part.is_spoiled:
            return
        conn = self._conn
        before = conn.total_changes
        try:
            part.result = part.op(conn)
            part.error = None
        except Exception as error:
            if isinstance(error, ConditionFailed | TransactionFailed):
                error.with_traceback(None)  # an answer, which may be kept long: its frames would keep all of this transaction
            part.error = error
            if conn.total_changes != before or not conn.in_transaction:
                part.is_spoiled = True
                raise _StartAgain from error

    def _run_later(self, batch: _Batch) -> None:
        try:
            for later in batch.later:
                later.op(self._conn)
        except Exception as error:
            self._later_error = error  # raised by the next flush: whoever commits now has no part in it
            with self._mutex:
                self._later[:0] = batch.later
            batch.later = []
            raise _StartAgain from error

    def _roll_back(self) -> None:
        if self._conn.in_transaction:
            self._conn.execute("ROLLBACK")


def nothing(_conn: sqlite3.Connection) -> None:
    """The operation that does nothing."""
