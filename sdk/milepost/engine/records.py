"""What the engine keeps: a run's header and its steps, as typed records that are their own items.

A record's fields are the item's attributes, None and defaults left out. Every record carries the schema version `v`;
readers accept the one before. Records are never changed, only replaced.
"""

from typing import Any, Literal, Self, TypeAlias

import msgspec

from milepost.engine import keys
from milepost.engine.ports import Item, Key
from milepost.errors import ErrorInfo
from milepost.runs import RunStatus, StepStatus

SCHEMA = 1

Kind: TypeAlias = Literal["run", "sleep", "wait", "callback", "poll", "invoke", "send", "map", "parallel", "race", "patch", "note", "timer"]
Role: TypeAlias = Literal["function", "handler", "undo"]

_KEEP = (bytes,)


class _Stored(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):  # plain data: there are no cycles
    pk: str
    sk: str
    v: int = 0

    @property
    def key(self) -> Key:
        return Key(self.pk, self.sk)

    def to_item(self) -> Item:
        """The record as an item."""
        item: Item = msgspec.to_builtins(self, builtin_types=_KEEP)
        item["v"] = SCHEMA
        return item

    @classmethod
    def from_item(cls, item: Item) -> Self:
        """The record of an item. Raises SchemaError for one that a newer engine wrote."""
        if item.get("v", 0) > SCHEMA:
            raise _newer(item["pk"], item["sk"], item["v"])
        return msgspec.convert(item, cls, builtin_types=_KEEP)

    def check_schema(self) -> None:
        """Raises SchemaError for one that a newer engine wrote."""
        if self.v > SCHEMA:
            raise _newer(self.pk, self.sk, self.v)


class SchemaError(Exception):
    """A record of a newer schema."""


def _newer(pk: str, sk: str, schema: int) -> SchemaError:
    return SchemaError(f"{pk} / {sk} has schema {schema}, this milepost reads up to {SCHEMA}: upgrade milepost")


class Failing(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error as stored."""

    type: str
    message: str
    traceback: str = ""
    step: str | None = None

    @classmethod
    def of(cls, info: ErrorInfo) -> Self:
        return cls(type=info.type, message=info.message, traceback=info.traceback, step=info.step)

    def info(self) -> ErrorInfo:
        return ErrorInfo(type=self.type, message=self.message, traceback=self.traceback, step=self.step)


class Packed(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """JSON text, in the cheapest of three places: as it is, compressed, or by reference to a blob (see values.py)."""

    text: str | None = None
    squeezed: bytes | None = None
    ref: str | None = None


class Parent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whom a child answers: the step that invoked it, and the fields that the step's record will have."""

    run: str
    path: str
    group: str
    started_at: int
    due_at: int | None = None
    digest: int | None = None
    epoch: int = 0
    k: int = 0
    t: int = 0
    crowd: bool = False
    """One of more than 100: its pokes are delayed, so that many answers are read at once."""


class Record(_Stored, frozen=True, kw_only=True, omit_defaults=True):
    """One step of a run. Put once: pending may be replaced, what is final never is."""

    kind: Kind
    status: StepStatus
    value: Packed | None = None
    error: Failing | None = None
    attempts: int = 0
    started_at: int = 0
    ended_at: int | None = None
    due_at: int | None = None
    digest: int | None = None
    """crc32 of the arguments: others on a replay are worth a warning."""
    epoch: int = 0
    k: int = 0
    t: int = 0
    """(epoch, k) is when the body saw it, or when it began; t is the run's clock then."""
    seen: list[tuple[str, int, int, int]] | None = None
    more_seen: list[Packed] | None = None
    base: list[tuple[int, list[tuple[int, int, list[int]]]]] | None = None
    """The order of what the slice did not write itself; see order.py."""
    writer: int | None = None
    """Epoch of the slice of an async body that wrote it last."""
    undo: bool = False
    """It has a compensation."""
    detail: dict[str, Any] = {}
    """By kind: a wait's event id and index, an invoke's child, a map's count, the winner of a race."""
    ttl: int | None = None

    @property
    def path(self) -> str:
        return self.sk[len(keys.STEP_PREFIX) :]

    @property
    def is_final(self) -> bool:
        return self.status != "pending"


class Header(_Stored, frozen=True, kw_only=True, omit_defaults=True):
    """A run's header: at most about 1,000 bytes, or each of its writes costs two units."""

    function: str
    group: str
    status: RunStatus
    created_at: int
    fn_shard: str
    role: Role = "function"
    version: str | None = None
    born_by: str = ""
    """Id of the message that gave birth to it: any other start message for it is a duplicate."""
    # lease
    owner: str | None = None
    lease_until: int | None = None
    epoch: int = 0
    inbox: int = 0
    covered: int = 0
    """The epoch of the last committed suspension."""
    said: int | None = None
    """The epoch of the slice that handed over, when none has suspended since: what its body logged is not logged again."""
    now: int = 0
    """The run's clock: the latest due_at that any worker has judged to be past."""
    acquired_at: int = 0
    # timers
    due_shard: str | None = None
    next_due: int | None = None
    armed: int | None = None
    """due_at of its one physical timer."""
    retry_at: int | None = None
    """When the body is tried again."""
    # life
    started_at: int | None = None
    ended_at: int | None = None
    settled_at: int | None = None
    attempt: int = 1
    idle: int = 0
    """Slices since the last progress."""
    doing: str | None = None
    """The step that a slice after a crash has begun."""
    deaths: dict[str, int] = {}
    reason: str | None = None
    undo: bool = False
    """Its history holds a step with a compensation."""
    result: Packed | None = None
    error: Failing | None = None
    ended_in: int | None = None
    """Epoch of the row that holds result or error in full, when the header has no room for it."""
    # origin
    event: str | None = None
    """JSON of the event's data while it fits; else it is in the row `event`."""
    event_name: str = ""
    event_id: str = ""
    event_at: int = 0
    event_source: str = ""
    hops: int = 0
    parent: Parent | None = None
    subject: str | None = None
    """The run that a handler or an undo run is about."""
    rerun_of: str | None = None
    from_step: str | None = None
    ttl: int | None = None

    @property
    def run(self) -> str:
        return self.pk[len("run#") :]

    @property
    def is_unborn(self) -> bool:
        """A tombstone: cancelled before its start came, which alone knows whom to answer."""
        return self.status is RunStatus.CANCELLED and not self.born_by and self.rerun_of is None

    def is_leased(self, now_ms: int) -> bool:
        """A lease that has not expired."""
        return self.lease_until is not None and self.lease_until >= now_ms


class Origin(_Stored, frozen=True, kw_only=True, omit_defaults=True):
    """The row `event`: what a run was started with, when its header has no room for it."""

    data: Packed
    failure: Packed | None = None
    arguments: Packed | None = None
    """Of a rerun from a step: that step's edited arguments."""
    ttl: int | None = None


class Outcome(_Stored, frozen=True, kw_only=True, omit_defaults=True):
    """The row `result#<epoch>`: result or error in full."""

    result: Packed | None = None
    error: Failing | None = None
    ttl: int | None = None


class WaitRow(_Stored, frozen=True, kw_only=True, omit_defaults=True):
    """Who waits for an event, or is cancelled by it, under one key; with all that the deliverer needs to complete the step."""

    run: str
    path: str
    group: str
    index: int = 0
    """Which of the events of wait_for_any."""
    cancels: bool = False
    keys: dict[str, str | int | float | bool] = {}
    """All keys that must be equal."""
    used: list[str] = []
    """Ids of events that the run had consumed when it began to wait."""
    judged_by_slice: bool = False
    """The deliverer only pokes: there is a predicate, or too much is used already to list it."""
    until: int | None = None
    """Of a cancel row: events accepted later do not count."""
    detail: dict[str, Any] = {}
    """What the step's record says of the wait."""
    started_at: int = 0
    due_at: int | None = None
    epoch: int = 0
    k: int = 0
    t: int = 0
    ttl: int | None = None


class EventRow(_Stored, frozen=True, kw_only=True, omit_defaults=True):
    """An awaited event under one of its keys."""

    id: str
    name: str
    at: int
    sent_at: int
    data: Packed
    ttl: int | None = None
