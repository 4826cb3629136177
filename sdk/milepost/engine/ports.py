"""The only doors from the engine to the outside: Table, Queue, Timers, Bus, Blobs, Clock.

Ports speak items, messages and bytes, never meanings: no port knows what a run, a step or a lease is. Each operation
is one that DynamoDB, SQS, EventBridge, Scheduler and S3 can do in one request, and SQLite in one transaction, so every
protocol is written once, in ``engine/``, and runs unchanged on all of them. One contract suite per port
(``tests/contract/``) is run on every implementation.

Laws every implementation keeps:

* An operation that returns has happened and is durable. One that raises `ConditionFailed` changed nothing.
* ValueError: no service could carry out such a call, and nothing was done.
* Any other exception that is not named as an outcome of the operation, PortError above all, says that the service has failed:
  what was asked for has not happened, or nobody knows. It ends the slice as a crash would: nothing is acknowledged, the message
  comes back, no attempt is counted, and no `except Exception` of a body sees it (outage.py).
* A condition is tested and the write made in one atomic step.
* Consistent reads see every write that returned before the read began.
* Messages are delivered at least once, in any order.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

import msgspec

S = TypeVar("S")

# ---- table -----------------------------------------------------------------------------------------------------------

Item: TypeAlias = dict[str, Any]
"""Attributes by name: str, int, float, bool, bytes, None, and lists and string-keyed dicts of them. Always has pk and sk.

An int has at most 38 digits. A float is finite; one without a fraction (2.0) may come back as the int of the same value, and one
beyond 1e-100 or 2**53 is kept but not ordered by conditions.
"""


class Key(NamedTuple):
    """Where an item lives. Items of one ``pk`` are kept in the byte order of the UTF-8 of their ``sk``."""

    pk: str
    sk: str


class Absent(msgspec.Struct, frozen=True):
    """The item has no such attribute; with the default field: there is no such item."""

    field: str = "pk"


class Present(msgspec.Struct, frozen=True):
    """The item is there and has the attribute."""

    field: str = "pk"


class Equals(msgspec.Struct, frozen=True):
    """The attribute is there and has this value. Never true of an absent attribute."""

    field: str
    value: str | int | float | bool | None


class LessThan(msgspec.Struct, frozen=True):
    """The attribute is there and is smaller: two numbers, or two strings. Never true of an absent attribute."""

    field: str
    value: str | int | float


class And(msgspec.Struct, frozen=True):
    """All of them."""

    conditions: tuple["Condition", ...]


class Or(msgspec.Struct, frozen=True):
    """At least one of them."""

    conditions: tuple["Condition", ...]


Condition: TypeAlias = Absent | Present | Equals | LessThan | And | Or


class Change(msgspec.Struct, frozen=True):
    """What an update does to an item's attributes. A name stands in one of the three at most, and is never pk or sk."""

    set: Mapping[str, Any] = {}
    remove: tuple[str, ...] = ()
    add: Mapping[str, int] = {}
    """Added to a number; an absent attribute counts as 0."""

    def check(self) -> None:
        """Raises ValueError for a change that touches pk or sk, or an attribute twice."""
        names = [*self.set, *self.remove, *self.add]
        if "pk" in names or "sk" in names:
            raise ValueError("a change cannot touch pk or sk: they say where the item lives")
        if len(set(names)) != len(names):
            raise ValueError(f"a change names an attribute twice: {sorted(names)}")


class Put(msgspec.Struct, frozen=True):
    """Write a whole item, in place of whatever stood there."""

    item: Item
    only_if: Condition | None = None

    @property
    def key(self) -> Key:
        return Key(self.item["pk"], self.item["sk"])


class Update(msgspec.Struct, frozen=True):
    """Change attributes of an item that is there; an absent item fails the condition, whatever it is."""

    key: Key
    change: Change
    only_if: Condition | None = None


class Delete(msgspec.Struct, frozen=True):
    """Remove an item. Without a condition, removing an absent item does nothing."""

    key: Key
    only_if: Condition | None = None


Write: TypeAlias = Put | Update | Delete


class ConditionFailed(Exception):
    """The condition did not hold, nothing was written. ``item`` is what stood there: the loser is given the winner's item."""

    def __init__(self, key: Key, item: Item | None) -> None:
        super().__init__(f"the condition on {key.pk} / {key.sk} did not hold")
        self.key = key
        self.item = item


class PortError(Exception):
    """The service beneath has not done it, or nobody knows whether it has: it throttles, is out of reach, has no room."""


class TransactionFailed(Exception):
    """At least one condition of a transaction did not hold, nothing was written. One entry per write: None, or its failure."""

    def __init__(self, failures: Sequence[ConditionFailed | None]) -> None:
        super().__init__(f"{sum(f is not None for f in failures)} of {len(failures)} conditions did not hold")
        self.failures = tuple(failures)


class Page(msgspec.Struct, frozen=True):
    """Part of an answer: ``next`` is given back as ``after`` to go on, None at the end."""

    items: list[Item]
    next: str | None = None


class Index(msgspec.Struct, frozen=True):
    """A sparse index: holds the items that have both attributes, ordered by the second. It may lag: re-read before acting."""

    name: str
    hash: str
    range: str
    """Attribute of numbers (epoch milliseconds)."""


BY_FUNCTION = Index("by_function", hash="fn_shard", range="created_at")
DUE = Index("due", hash="due_shard", range="next_due")
INDEXES = (BY_FUNCTION, DUE)

PAGE_LIMIT = 1_000
"""Items in a page at the most when no smaller ``limit`` is given."""

TRANSACTION_LIMIT = 100
"""Writes in one transaction; DynamoDB's limit (API reference of TransactWriteItems, read 2026-11-22)."""


class Table(Protocol):
    """Items under (pk, sk), with conditional writes of one item each."""

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """The item, or None."""
        ...

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        """Those of the items that are there, in any order. Consistent."""
        ...

    def query(
        self,
        pk: str,
        prefix: str = "",
        *,
        after: str | None = None,
        limit: int | None = None,
        consistent: bool = True,
        backwards: bool = False,
    ) -> Page:
        """Items of one pk whose sk begins with ``prefix``, in order of sk; ``after`` (exclusive) is an sk, there or not."""
        ...

    def query_as(self, shape: type[S], pk: str, prefix: str = "", *, after: str | None = None) -> tuple[list[S], str | None]:
        """The same, strongly consistent, with each item as a msgspec Struct of the attributes that the Struct has; and what
        is given back as ``after`` to go on. For many items: a dict of each would be the dearest part.
        """
        ...

    def query_index(
        self,
        index: Index,
        value: str,
        *,
        before: int | None = None,
        after: str | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Page:
        """Where the items are that have this value in the index's hash attribute, in order of its range attribute: of each at
        least pk, sk and the index's two attributes. ``before`` (inclusive) bounds the range attribute from above; ``after`` is
        the ``next`` of an earlier page. Eventually consistent.
        """
        ...

    def put(self, item: Item, only_if: Condition | None = None) -> None:
        """Write the whole item. Raises ConditionFailed."""
        ...

    def update(self, key: Key, change: Change, only_if: Condition | None = None) -> Item:
        """Change an item that is there; returns all of it as it then is. Raises ConditionFailed."""
        ...

    def delete(self, key: Key, only_if: Condition | None = None) -> None:
        """Remove the item. Raises ConditionFailed."""
        ...

    def write_many(self, writes: Sequence[Write]) -> list[ConditionFailed | None]:
        """Writes that belong together, each on its own condition: some may fail and others not. Not atomic: after a crash
        any of them may have happened, in any order. A hint that lets SQLite share one fsync and AWS one batch. One
        outcome per write, in order; two writes of one key are refused with ValueError.
        """
        ...

    def transact(self, writes: Sequence[Write]) -> None:
        """All of them or none, at most TRANSACTION_LIMIT, each key once (else ValueError). Raises TransactionFailed."""
        ...


# ---- messages --------------------------------------------------------------------------------------------------------


class Outgoing(msgspec.Struct, frozen=True):
    """A message to a worker group's queue."""

    group: str
    body: str
    delay_ms: int = 0
    """0 to MAX_DELAY_MS; it is never delivered earlier."""
    fair_key: str | None = None
    """Messages of one key do not hold up those of others where the queue is fair."""


MAX_DELAY_MS = 900_000
"""The longest delay of a message: SQS DelaySeconds (SQS quotas, read 2026-11-22)."""


class Queue(Protocol):
    """Sends. Receiving and acknowledging belong to whoever calls `deliver`."""

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Returns when all are accepted. Raises ValueError for a delay out of range."""
        ...


class Timers(Protocol):
    """Messages that come at a time, up to a year ahead."""

    def arm(self, name: str, due_at_ms: int, message: Outgoing) -> None:
        """Send the message at that time or a little later, never earlier; a past time means at once. A name that is
        armed already may be kept or armed twice. The message's own delay is ignored.
        """
        ...

    def disarm(self, name: str) -> None:
        """Forget the timer if it has not fired; it may fire all the same."""
        ...


class Entry(msgspec.Struct, frozen=True):
    """An event on its way to the bus, in EventBridge's terms."""

    name: str
    """Its detail-type, at most 128 characters."""
    source: str
    detail: str
    """A JSON object."""
    id: str
    """Who publishes the same event twice gives the same id; consumers judge duplicates by it."""


class Bus(Protocol):
    """Takes events and delivers each to every rule that matches, at least once."""

    def publish(self, entries: Sequence[Entry]) -> None:
        """Returns when all are accepted."""
        ...


class Blobs(Protocol):
    """Large values by content."""

    def put(self, data: bytes) -> str:
        """Keep the bytes, return their reference; the same bytes have the same reference."""
        ...

    def get(self, ref: str) -> bytes:
        """The bytes. Raises KeyError for an unknown reference, and for one whose bytes are not those that were put."""
        ...


class Clock(Protocol):
    """The one reader of the time."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        ...

    def wait(self, ms: int) -> bool:
        """Let that much time pass on this thread and return True; or return False at once where time is virtual."""
        ...


class Ports(msgspec.Struct, frozen=True):
    """One of each."""

    table: Table
    queue: Queue
    timers: Timers
    bus: Bus
    blobs: Blobs
    clock: Clock
