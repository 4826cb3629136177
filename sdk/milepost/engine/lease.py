"""Every write of a run's header: who may drive it, and how it moves. Conditions are built of named parts.

    born / acquired          epoch e, owner = message id, until = deadline + grace, inbox 0
       |   others who come meanwhile:   bump: inbox + 1                       (condition: same epoch and inbox)
       |
    suspended                condition: epoch e, running, inbox as seen      (moved: read again, go on)
    released for hand-over   condition: epoch e, running                      (inbox does not matter: somebody comes)
    ended                    condition: epoch e, running

Model-checked (docs/design/protocols.md M1): without the inbox condition a wake-up is lost; without the owner a start is.
"""

from typing import Any

import msgspec

from milepost.engine import keys, lifecycle
from milepost.engine.lifecycle import Move
from milepost.engine.ports import Absent, And, Change, Condition, ConditionFailed, Equals, LessThan, Or, Present, Table
from milepost.engine.records import Failing, Header, Packed
from milepost.runs import RunStatus

_LEASE = ("owner", "lease_until")


def _holds(epoch: int) -> tuple[Condition, ...]:
    return (Equals("epoch", epoch), Equals("status", RunStatus.RUNNING.value))


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes a lease, and for how long."""

    owner: str
    until: int
    now: int
    version: str
    ttl: int
    is_redelivered: bool
    """The message's worker has died before: the sweeper is to watch the run, should the message be given up."""


def acquire(table: Table, run: str, claim: Claim, *, not_after: int | None = None) -> Header:
    """Take the lease of a run that nobody drives; with `not_after`, only if it was last acquired by that time.
    Raises ConditionFailed with the header that stood there.
    """
    now = claim.now
    free = Or((Absent("lease_until"), LessThan("lease_until", now)))
    conditions: list[Condition] = [lifecycle.allows(Move.ACQUIRE), free]
    if not_after is not None:
        conditions.append(Or((Absent("acquired_at"), LessThan("acquired_at", not_after + 1))))
    change = Change(
        set={
            "status": RunStatus.RUNNING.value,
            "owner": claim.owner,
            "lease_until": claim.until,
            "acquired_at": now,
            "inbox": 0,
            "version": claim.version,
            "ttl": claim.ttl,
            **(_watched(run, claim.until) if claim.is_redelivered else {}),
        },
        add={"epoch": 1},
    )
    return Header.from_item(table.update(keys.header(run), change, And(tuple(conditions))))


def _watched(run: str, at: int) -> dict[str, Any]:
    return {"due_shard": keys.due_shard(keys.shard(run)), "next_due": at}


def bump(table: Table, header: Header, *, now: int) -> None:
    """Tell the holder that there is something new. `now`: the due time that the teller saw pass, or 0. A run that was
    paused and resumed under its lease has one too. Raises ConditionFailed when holder or inbox have moved.
    """
    alive = lifecycle.allows(Move.ACQUIRE)
    condition = And((Equals("epoch", header.epoch), alive, Present("lease_until"), _inbox(header.inbox)))
    table.update(header.key, Change(set={"now": max(header.now, now)}, add={"inbox": 1}), condition)


def _inbox(seen: int) -> Condition:
    return Equals("inbox", seen) if seen else Or((Absent("inbox"), Equals("inbox", 0)))


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """What a suspension leaves on the header."""

    now: int
    next_due: int
    armed: int | None
    attempt: int
    retry_at: int | None
    idle: int
    undo: bool
    said: int | None = None
    queued: bool = False


def suspend(table: Table, header: Header, rest: Rest, *, seen: int) -> None:
    """Give up the lease until something happens. Raises ConditionFailed: fenced, or the inbox has moved."""
    move = Move.QUEUE if rest.queued else Move.SUSPEND
    change = Change(
        set=_present(
            status=lifecycle.after(RunStatus.RUNNING, move).value,
            covered=header.epoch,
            now=rest.now,
            due_shard=keys.due_shard(keys.shard(header.run)),
            next_due=rest.next_due,
            armed=rest.armed,
            attempt=rest.attempt,
            retry_at=rest.retry_at,
            idle=rest.idle or None,
            undo=rest.undo or None,
            said=rest.said,
        ),
        remove=(*_LEASE, "doing", *_missing(retry_at=rest.retry_at, armed=rest.armed, idle=rest.idle or None, said=rest.said)),
    )
    table.update(header.key, change, And((*_holds(header.epoch), _inbox(seen))))


def hand_over(table: Table, header: Header, *, now: int, idle: int, next_due: int) -> None:
    """Give up the lease for a continuation that is sent next. Raises ConditionFailed when fenced."""
    change = Change(
        set={
            "status": lifecycle.after(RunStatus.RUNNING, Move.SUSPEND).value,
            "now": now,
            "said": header.epoch,
            "idle": idle,
            **_watched(header.run, next_due),
        },
        remove=(*_LEASE, "doing"),
    )
    table.update(header.key, change, And(_holds(header.epoch)))


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ends."""

    move: Move
    result: Packed | None = None
    error: Failing | None = None
    ended_in: int | None = None
    undo: bool = False
    settled: bool
    """Nobody has to hear of it."""


def finish(table: Table, header: Header, ending: Ending, *, now: int, ttl: int) -> Header:
    """End the run. Raises ConditionFailed when fenced."""
    settled = ending.settled
    change = Change(
        set=_present(
            status=lifecycle.after(RunStatus.RUNNING, ending.move).value,
            ended_at=now,
            settled_at=now if settled else None,
            result=None if ending.result is None else msgspec.to_builtins(ending.result, builtin_types=(bytes,)),
            error=None if ending.error is None else msgspec.to_builtins(ending.error),
            ended_in=ending.ended_in,
            undo=ending.undo or None,
            ttl=ttl,
        ),
        remove=(*_LEASE, "doing", "retry_at", *(("due_shard", "next_due", "armed") if settled else ())),
    )
    return Header.from_item(table.update(header.key, change, And(_holds(header.epoch))))


def settled(table: Table, header: Header, *, now: int, ttl: int) -> None:
    """Note that all who had to hear of the end were told. Doing it again changes nothing that matters."""
    change = Change(set={"settled_at": now, "ttl": ttl}, remove=(*_LEASE, "due_shard", "next_due", "armed"))
    table.update(header.key, change, Present("ended_at"))


def cancel(table: Table, run: str, *, now: int, reason: str) -> Header:
    """Commit the cancel; the lease, if there is one, stays with its holder, who settles.
    Raises ConditionFailed: absent, or ended already.
    """
    change = Change(set={"status": RunStatus.CANCELLED.value, "ended_at": now, "reason": reason}, remove=("retry_at",))
    return Header.from_item(table.update(keys.header(run), change, lifecycle.allows(Move.CANCEL)))


def move(table: Table, header: Header, group: str) -> None:
    """Give up the lease for another worker group, which is told next. Raises ConditionFailed when fenced."""
    change = Change(
        set={"status": lifecycle.after(RunStatus.RUNNING, Move.SUSPEND).value, "group": group, **_watched(header.run, header.acquired_at)},
        remove=(*_LEASE, "doing"),
    )
    table.update(header.key, change, And(_holds(header.epoch)))


def pause(table: Table, header: Header, *, reason: str, look_at: int, holder: bool) -> None:
    """Stop the run until it is resumed. Its holder (condition: its epoch) releases the lease; anybody else leaves it."""
    change = Change(
        set={"status": RunStatus.PAUSED.value, "reason": reason, **paused_fields(header, look_at)},
        remove=(*_LEASE, "doing") if holder else (),
    )
    condition = And((*_holds(header.epoch),)) if holder else lifecycle.allows(Move.PAUSE)
    table.update(header.key, change, condition)


def paused_fields(header: Header, look_at: int) -> dict[str, Any]:
    """Where the sweeper finds a paused run, to compare its code version with the deployed one; and when it extends it."""
    return {"due_shard": keys.paused_shard(keys.shard(header.run)), "next_due": look_at}


def release(table: Table, header: Header) -> bool:
    """The holder of a run that was paused gives the lease back. True: the run was resumed before that, and whoever came to
    wake it met the lease; somebody has to look at it. False also when another has taken it.
    """
    stopped = Or((Equals("status", RunStatus.PAUSED.value), Equals("status", RunStatus.WAITING.value)))
    try:
        item = table.update(header.key, Change(remove=(*_LEASE, "doing")), And((Equals("epoch", header.epoch), stopped)))
    except ConditionFailed:
        return False
    return bool(item["status"] == RunStatus.WAITING.value)


def resume(table: Table, run: str, *, now: int) -> Header:
    """Paused becomes waiting; the caller pokes. Raises ConditionFailed."""
    change = Change(
        set={"status": RunStatus.WAITING.value, "due_shard": keys.due_shard(keys.shard(run)), "next_due": now, "idle": 0},
        remove=("reason", "deaths"),
    )
    return Header.from_item(table.update(keys.header(run), change, lifecycle.allows(Move.RESUME)))


def note_doing(table: Table, header: Header, path: str) -> None:
    """After a crash: note which step begins. Raises ConditionFailed when fenced."""
    table.update(header.key, Change(set={"doing": path}), And(_holds(header.epoch)))


def forget_doing(table: Table, header: Header) -> None:
    """The step that was noted has not killed its worker. Raises ConditionFailed when fenced."""
    table.update(header.key, Change(remove=("doing",)), And(_holds(header.epoch)))


def note_deaths(table: Table, header: Header, deaths: dict[str, int]) -> Header:
    """Keep the count of deaths per step. Raises ConditionFailed when fenced."""
    return Header.from_item(table.update(header.key, Change(set={"deaths": deaths}, remove=("doing",)), And(_holds(header.epoch))))


def is_fenced(error: ConditionFailed, epoch: int) -> bool:
    """The run is no longer driven under this epoch: ended, paused, or taken by another."""
    item = error.item
    return item is None or item.get("epoch") != epoch or item.get("status") != RunStatus.RUNNING.value


def _present(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _missing(**values: object) -> tuple[str, ...]:
    return tuple(name for name, value in values.items() if value is None)
