"""The only way in: one message, handled to its end.

    deliver(received, worker, deadline) ──▶ Ack         done, or of no use any more: delete the message
                                        ──▶ Later(at)   it must come back: not before that time

Whatever calls it, the SQS handler, the local loop, the Sandbox, differs only in receiving and acknowledging. An
exception out of here means that nothing was acknowledged: the message comes back too.
"""

from collections.abc import Callable
from typing import TypeAlias, assert_never

import msgspec

from milepost.engine import lease
from milepost.engine.admission import admit
from milepost.engine.body import unrecorded
from milepost.engine.children import cancel_child, is_cancellable
from milepost.engine.drive import Drive
from milepost.engine.facts import Fact, Resumed, RunEnded, RunPaused, RunStarted, TooManyHops
from milepost.engine.interrupts import Unserved
from milepost.engine.lifecycle import Move, after
from milepost.engine.messages import (
    SIGNAL,
    Cancel,
    Delayed,
    EventMessage,
    Parcel,
    Poke,
    Publish,
    Received,
    Start,
    TimerDue,
    decode,
    read_event,
)
from milepost.engine.origins import Origins, keep_origin, put_header, unborn
from milepost.engine.parcels import is_sent_on, opened
from milepost.engine.ports import ConditionFailed, Entry, Outgoing
from milepost.engine.records import Failing, Header
from milepost.engine.retention import look_again_at
from milepost.engine.settle import cancel_run, settle, timer_name
from milepost.engine.signals import deliver_signal
from milepost.engine.worker import Moved, Worker
from milepost.functions import FunctionDefinition
from milepost.runs import RunStatus


class Ack(msgspec.Struct, frozen=True):
    """The message is done with."""


class Later(msgspec.Struct, frozen=True):
    """The message must be delivered again, at that time or later."""

    at_ms: int


Verdict: TypeAlias = Ack | Later
ACK = Ack()


def deliver(received: Received, worker: Worker, deadline_ms: int) -> Verdict:
    """Handle one message. `deadline_ms`: when the invocation ends at the latest, in epoch milliseconds.
    Raises MessageError for what is no message, and whatever a port raises; then nothing was acknowledged.
    """
    try:
        return _deliver(received, worker, deadline_ms)
    except Unserved as unserved:
        failure = unserved.error
    raise failure


def _deliver(received: Received, worker: Worker, deadline_ms: int) -> Verdict:
    message = decode(received.body)
    match message:
        case EventMessage():
            return _event(received, worker, deadline_ms, message)
        case Start():
            return _start(received, worker, deadline_ms, message)
        case Poke():
            return _visit(received, worker, deadline_ms, message.run, completed_at=message.completed_at)
        case TimerDue():
            return _timer(received, worker, deadline_ms, message)
        case Cancel():
            tombstone = Start(run=message.run, function=message.function, data="{}")
            cancel_run(worker, message.run, reason=message.reason, tombstone=tombstone)
            return ACK
        case Publish():
            entry = Entry(name=message.name, source=message.source, detail=message.detail, id=message.id)
            worker.ports.bus.publish([entry])
            return ACK
        case Delayed():
            if is_sent_on(received.group, message, worker.ports):
                return ACK
            return _deliver(_holding(received, message.body), worker, deadline_ms)
        case Parcel():
            return _deliver(_holding(received, opened(message, worker.ports.blobs)), worker, deadline_ms)
        case _:
            assert_never(message)


def _holding(received: Received, body: str) -> Received:
    """What was in the message, in its place: who redelivers it redelivers the whole."""
    return msgspec.structs.replace(received, body=body)


def _event(received: Received, worker: Worker, deadline_ms: int, message: EventMessage) -> Verdict:
    event = read_event(message)
    if message.target.startswith(SIGNAL):
        deliver_signal(worker, message, event, message.target[len(SIGNAL) :])
        return ACK
    start = admit(worker, message.target, event)
    return ACK if start is None else _start(received, worker, deadline_ms, start, since=event.at)


def _timer(received: Received, worker: Worker, deadline_ms: int, message: TimerDue) -> Verdict:
    """A timer that comes early is sent on with the rest of its delay, and touches nothing."""
    if worker.now() < message.due_at:
        rest = Outgoing(group=received.group, body=received.body)
        worker.ports.timers.arm(timer_name(message.run, message.due_at), message.due_at, rest)
        return ACK
    return _visit(received, worker, deadline_ms, message.run, due_at=message.due_at)


# ---- start -----------------------------------------------------------------------------------------------------------


def _start(received: Received, worker: Worker, deadline_ms: int, start: Start, *, since: int | None = None) -> Verdict:
    now = worker.now()
    header = unborn(worker, start, received.group, now=now)
    origins = Origins(start.data, start.failure)
    definition = definition_of(worker, header)
    if definition is not None and definition.worker != received.group:
        worker.send(definition.worker, start)  # the function has moved to another worker group since
        return ACK
    header, origins = keep_origin(worker, header, origins)
    header = _newborn(worker, header, definition, received, deadline_ms, now)
    try:
        put_header(worker.ports.table, header)
    except ConditionFailed as lost:
        return _born_before(received, worker, deadline_ms, start, Header.from_item(lost.item or {}))
    worker.observe(Moved(header.run, header.function, header.status, now, header.reason or start.event_name))
    if worker.notice is not None:  # a tick may be sent ahead: its time is the event's
        _tell_birth(worker.notice, header, now - (since or max(received.sent_at_ms, start.event_at)))
    if header.status.is_terminal:
        settle(worker, header)
        return ACK
    if definition is None:
        return ACK
    return _drive(received, worker, deadline_ms, header, definition, origins, is_new=True)


def _tell_birth(notice: Callable[[Fact], None], header: Header, queue_ms: int) -> None:
    match header.status:
        case RunStatus.FAILED:
            notice(TooManyHops(header.function, header.event_id, header.hops))
            notice(RunEnded(header.function, header.run, header.status, 0))
        case RunStatus.PAUSED:
            notice(RunPaused(header.function, header.run, header.reason or ""))
        case _:
            notice(RunStarted(header.function, header.run, max(0, queue_ms)))


def _newborn(
    worker: Worker, header: Header, definition: FunctionDefinition | None, received: Received, deadline_ms: int, now: int
) -> Header:
    """Created and leased by one put; or failed, at the end of a chain that is taken for a loop; or paused, when its function
    is not deployed.
    """
    if header.hops > worker.settings.max_hops:
        text = f"{header.hops} runs and events led to this run, {worker.settings.max_hops} at most: taken for a loop"
        error = Failing(type="milepost.errors.UsageError", message=text)
        return msgspec.structs.replace(header, status=after(None, Move.FAIL), born_by=received.id, ended_at=now, error=error)
    if definition is None:
        return msgspec.structs.replace(
            header,
            status=after(None, Move.PAUSE),
            born_by=received.id,
            reason=_undeployed(header.function),
            **lease.paused_fields(header, look_again_at(worker)),
        )
    return msgspec.structs.replace(
        header,
        status=after(None, Move.ACQUIRE),
        born_by=received.id,
        owner=received.id,
        lease_until=deadline_ms + worker.settings.lease_grace_ms,
        epoch=1,
        acquired_at=now,
        started_at=now,
        version=worker.definitions.code_version(),
    )


def _born_before(received: Received, worker: Worker, deadline_ms: int, start: Start, header: Header) -> Verdict:
    """The start of a run that is there: our own message again, a duplicate of it, or one that met a tombstone."""
    if header.status.is_terminal:
        if header.parent is None and start.parent is not None:
            header = msgspec.structs.replace(header, born_by=received.id, parent=start.parent, event=start.data, settled_at=None)
        return _ended(received, worker, header)
    if header.born_by and header.born_by != received.id:
        return ACK  # the message that gave birth to it is redelivered until it is done; this one is not needed
    return _visit(received, worker, deadline_ms, header.run)


def definition_of(worker: Worker, header: Header) -> FunctionDefinition | None:
    """The function whose body the run drives; None when it is not deployed any more."""
    name = header.function.removesuffix(".undo") if header.role == "undo" else header.function
    return worker.definitions.functions.get(name)


def _undeployed(function: str) -> str:
    return f"function {function!r} is not deployed: deploy it again and the run goes on, or cancel the run"


# ---- visit -----------------------------------------------------------------------------------------------------------


def _visit(received: Received, worker: Worker, deadline_ms: int, run: str, *, due_at: int = 0, completed_at: int | None = None) -> Verdict:
    """Look at a run: drive it, or tell its holder, or see that there is nothing to do."""
    table, settings = worker.ports.table, worker.settings
    not_after = None if completed_at is None or received.deliveries > 1 else completed_at + settings.skew_ms
    """Of a message whose first delivery may have died holding the lease nothing is known by its age."""
    while True:
        now = worker.now()
        try:
            claim = lease.Claim(
                owner=received.id,
                until=deadline_ms + settings.lease_grace_ms,
                now=now,
                version=worker.definitions.code_version(),
                ttl=worker.ttl(now),
                is_redelivered=received.deliveries > 1,
            )
            header = lease.acquire(table, run, claim, not_after=not_after)
        except ConditionFailed as lost:
            if lost.item is None:
                return ACK
            header = Header.from_item(lost.item)
            verdict = _refused(received, worker, header, due_at=due_at, not_after=not_after)
            if verdict is not None:
                return verdict
            continue
        return _acquired(received, worker, deadline_ms, header, due_at=due_at, since=due_at or completed_at or received.sent_at_ms)


def _refused(received: Received, worker: Worker, header: Header, *, due_at: int, not_after: int | None) -> Verdict | None:
    """The lease was not to be had; None: try again, for things have moved."""
    now = worker.now()
    if header.status.is_terminal:
        return _ended(received, worker, header)
    if header.status is RunStatus.PAUSED:
        return ACK  # its wake is in the history
    if header.is_leased(now) and header.owner == received.id:
        return Later(_after(header))  # our first delivery died holding it, or this one has it and was not told: it has to run out
    if not_after is not None and header.acquired_at > not_after:
        return ACK  # what this tells of had happened before the run was last read
    if not header.is_leased(now):
        return None
    try:
        lease.bump(worker.ports.table, header, now=due_at)
    except ConditionFailed:
        return None
    return ACK


def _after(header: Header) -> int:
    return (header.lease_until or 0) + 1


def _ended(received: Received, worker: Worker, header: Header) -> Verdict:
    """A message for a run that has ended: settle it again, unless its holder is to do that."""
    if header.is_leased(worker.now()):
        return Later(_after(header)) if header.owner == received.id else ACK
    if received.deliveries > 1 and header.role == "function" and header.status is not RunStatus.COMPLETED:
        _cancel_unrecorded(worker, header)
    settle(worker, header)
    return ACK


def _cancel_unrecorded(worker: Worker, header: Header) -> None:
    """A slice that died after it had sent a child's start, and before it had recorded the child, left a child that the
    history does not know: its start may be under way, so it is cancelled born or not.
    """
    definition = definition_of(worker, header)
    if definition is None:
        return
    for pending in unrecorded(worker, definition, header):
        if pending.start is not None and is_cancellable(pending.record):
            cancel_child(worker, pending.record, f"its parent {header.run} is {header.status}")


def _acquired(received: Received, worker: Worker, deadline_ms: int, header: Header, *, due_at: int, since: int) -> Verdict:
    definition = definition_of(worker, header)
    if definition is None:
        try:
            lease.pause(worker.ports.table, header, reason=_undeployed(header.function), look_at=look_again_at(worker), holder=True)
        except ConditionFailed:
            return Later(worker.now() + worker.settings.header_check_ms)  # it has moved under us: look again
        worker.observe(Moved(header.run, header.function, RunStatus.PAUSED, worker.now(), _undeployed(header.function)))
        if worker.notice is not None:
            worker.notice(RunPaused(header.function, header.run, _undeployed(header.function)))
        return ACK
    if definition.worker != received.group:
        return _forward(worker, header, definition.worker)
    if worker.notice is not None:
        worker.notice(Resumed(header.function, header.run, max(0, worker.now() - since)))
    return _drive(received, worker, deadline_ms, header, definition, None, is_new=False, due_at=due_at)


def _forward(worker: Worker, header: Header, group: str) -> Verdict:
    """The function has moved to another worker group since: release, then send, then acknowledge, as for a hand-over."""
    try:
        lease.move(worker.ports.table, header, group)
    except ConditionFailed:
        return Later(worker.now() + worker.settings.header_check_ms)
    worker.send(group, Poke(run=header.run))
    return ACK


def _drive(
    received: Received,
    worker: Worker,
    deadline_ms: int,
    header: Header,
    definition: FunctionDefinition,
    origins: Origins | None,
    *,
    is_new: bool,
    due_at: int = 0,
) -> Verdict:
    if not is_new:
        worker.observe(Moved(header.run, header.function, RunStatus.RUNNING, worker.now()))
    after_crash = received.deliveries > 1 or header.doing is not None  # whatever message it is that comes after one
    drive = Drive(worker, definition, header, deadline_ms=deadline_ms, after_crash=after_crash)
    drive.go(origins, is_new=is_new, due_at=due_at)
    return Later(worker.now() + worker.settings.header_check_ms) if drive.superseded else ACK
