"""After the end: everybody who has to hear of it hears of it. And how a run is cancelled, paused and resumed.

    commit the terminal status ──▶ settle ──▶ acknowledge the message        (the queue is the outbox)

Settling is idempotent, from the header and the history alone; any later message for a terminal run settles it again.
A run that was cancelled under a live lease is settled by its holder: it alone knows what is in flight.
"""

import msgspec

from milepost.codec import encode as encode_value
from milepost.engine import cancels, keys, lease
from milepost.engine.children import CANCELLED, answer, cancel_child, is_cancellable, is_let_go
from milepost.engine.facts import RunEnded, RunPaused
from milepost.engine.journal import Journal
from milepost.engine.lifecycle import Move, after
from milepost.engine.messages import Start
from milepost.engine.origins import get_header, get_origin, get_outcome, put_header, unborn
from milepost.engine.ports import ConditionFailed, Write
from milepost.engine.records import Failing, Header, Record
from milepost.engine.retention import look_again_at
from milepost.engine.waits import rows_of
from milepost.engine.worker import Moved, Worker
from milepost.functions import Failure, FunctionDefinition
from milepost.runs import RunStatus
from milepost.timestamps import instant


def settle(worker: Worker, header: Header) -> None:
    """Tell everybody; then note it on the header."""
    if header.is_unborn:
        return
    if header.settled_at is not None:
        _forget_cancels(worker, header)
        return
    outcome = get_outcome(worker, header)
    error = outcome.error
    if header.status is RunStatus.CANCELLED:
        error = Failing(type=CANCELLED, message=header.reason or "")
    if header.parent is not None:
        answer(worker, header, header.parent, outcome.result, error)
    journal = Journal(worker.ports.table, header.run, epoch=header.epoch, ttl=0)
    journal.load()
    records = journal.all()
    _start_handlers(worker, header, records, outcome.error)
    _withdraw(worker, header, records)
    now = worker.now()
    try:
        lease.settled(worker.ports.table, header, now=now, ttl=worker.ttl(now))
    except ConditionFailed as lost:
        if lost.item is not None:
            raise
    _forget_cancels(worker, header)


def is_quiet(header: Header, definition: FunctionDefinition, records: list[Record], move: Move) -> bool:
    """Nobody has to hear of the end: it can be committed as settled, in one write. Rows of waits that are over are deleted
    before that, the timer after it: one that fires all the same finds the run settled.
    """
    if header.parent is not None or definition.cancel_on:
        return False
    if any(record.kind in ("wait", "callback", "invoke") and not record.is_final for record in records):
        return False
    return (
        move is Move.COMPLETE or header.role != "function" or (definition.on_failure is None and not any(record.undo for record in records))
    )


def _start_handlers(worker: Worker, header: Header, records: list[Record], error: Failing | None) -> None:
    """on_failure or on_cancel, and the undo run; each once, by its id."""
    if header.status is RunStatus.COMPLETED or header.role != "function":
        return
    definition = worker.definitions.functions.get(header.function)
    data = get_origin(worker, header).data
    if any(record.undo and record.status == "completed" for record in records):
        worker.send(header.group, _handler_start(header, "undo", f"{header.function}.undo", data))
    if definition is None:
        return
    handler = definition.on_failure if header.status is RunStatus.FAILED else definition.on_cancel
    if handler is None:
        return
    failure = encode_value(_failure(header, error, data), "the failure").decode()
    role = "on_failure" if header.status is RunStatus.FAILED else "on_cancel"
    if handler.takes_failure:
        start = _handler_start(header, role, handler.name, data)
        worker.send(handler.worker, msgspec.structs.replace(start, failure=failure))
    else:
        worker.send(
            handler.worker, msgspec.structs.replace(_handler_start(header, role, handler.name, failure), event_name="milepost/failure")
        )


def _handler_start(header: Header, role: str, function: str, data: str) -> Start:
    return Start(
        run=keys.handler_id(header.run, role),
        function=function,
        data=data,
        event_name=header.event_name,
        event_id=header.event_id,
        event_at=header.event_at,
        event_source=header.event_source,
        hops=header.hops + 1,
        role="undo" if role == "undo" else "handler",
        subject=header.run,
    )


def _failure(header: Header, error: Failing | None, data: str) -> Failure:
    return Failure(
        run_id=header.run,
        function=header.function,
        status="failed" if header.status is RunStatus.FAILED else "cancelled",
        step=None if error is None else error.step,
        error=None if error is None else error.info(),
        at=instant(header.ended_at or 0),
        event=msgspec.json.decode(data),
    )


def _withdraw(worker: Worker, header: Header, records: list[Record]) -> None:
    """Take back what the run waits for: wait rows, children, its timer."""
    forget_waits(worker, header, records)
    for record in records:
        if is_cancellable(record) or is_let_go(record, header):
            cancel_child(worker, record, f"its parent {header.run} is {header.status}")
    disarm(worker, header)


def _forget_cancels(worker: Worker, header: Header) -> None:
    """Delete the rows of cancel_on, when all is settled and not before: the event that cancels a run finds it by them, again
    when it is redelivered because its worker died in the middle of this.
    """
    definition = worker.definitions.functions.get(header.function)
    if definition is not None and definition.cancel_on:
        found = cancels.cancelling(definition, header, get_origin(worker, header).data)
        worker.ports.table.write_many(cancels.deletes(header, found))


def forget_waits(worker: Worker, header: Header, records: list[Record]) -> None:
    """Delete the rows of all waits, those that are over among them: a replay may have put one back."""
    writes: list[Write] = [write for record in records if record.kind == "wait" for write in rows_of(record, header.run)]
    for begin in range(0, len(writes), 100):
        worker.ports.table.write_many(writes[begin : begin + 100])


def disarm(worker: Worker, header: Header) -> None:
    """Forget the run's timer if it lies ahead."""
    if header.armed is not None and header.armed > header.acquired_at:
        worker.ports.timers.disarm(timer_name(header.run, header.armed))


def timer_name(run: str, due_at: int) -> str:
    """A schedule's name: the same for the same run and time."""
    return keys.digest("timer", run, str(due_at))


def cancel_run(worker: Worker, run: str, *, reason: str, tombstone: Start | None = None) -> RunStatus | None:
    """Cancel the run. Its holder settles it if it has one, else we do. `tombstone`: what to put in the place of a run
    that is not born yet, so that its start finds it ended. Returns the run's status, None when it is not there.
    """
    table = worker.ports.table
    while True:
        now = worker.now()
        try:
            header = lease.cancel(table, run, now=now, reason=reason)
        except ConditionFailed as lost:
            if lost.item is not None:
                return _ended_before(worker, Header.from_item(lost.item), now)
            if tombstone is None:
                return None
            if _bury(worker, tombstone, reason, now):
                return RunStatus.CANCELLED
            continue
        worker.observe(Moved(run, header.function, header.status, now, reason))
        if worker.notice is not None:
            worker.notice(RunEnded(header.function, run, header.status, max(0, now - header.created_at)))
        if not header.is_leased(now):
            settle(worker, header)
        return header.status


def _ended_before(worker: Worker, header: Header, now: int) -> RunStatus:
    """Whoever ended it may have died before it was settled, an earlier delivery of this cancel among them."""
    if not header.is_leased(now):
        settle(worker, header)
    return header.status


def _bury(worker: Worker, start: Start, reason: str, now: int) -> bool:
    header = unborn(worker, start, "", now=now)
    header = msgspec.structs.replace(
        header, status=after(None, Move.CANCEL), event="{}", reason=reason, ended_at=now, started_at=None, parent=start.parent
    )
    try:
        put_header(worker.ports.table, header)
    except ConditionFailed:
        return False
    return True


def pause_run(worker: Worker, run: str, *, reason: str) -> bool:
    """Stop a run until it is resumed; False when it has ended or is paused already. Its holder, if it has one, stops at its
    next commit.
    """
    header = get_header(worker.ports.table, run)
    if header is None:
        return False
    try:
        lease.pause(worker.ports.table, header, reason=reason, look_at=look_again_at(worker), holder=False)
    except ConditionFailed:
        return False
    worker.observe(Moved(run, header.function, RunStatus.PAUSED, worker.now(), reason))
    if worker.notice is not None:
        worker.notice(RunPaused(header.function, run, reason))
    return True


def resume_run(worker: Worker, run: str) -> bool:
    """Let a paused run go on; False when it is not paused."""
    try:
        header = lease.resume(worker.ports.table, run, now=worker.now())
    except ConditionFailed:
        return False
    worker.observe(Moved(run, header.function, header.status, worker.now(), "resumed"))
    worker.poke(run, header.group)
    return True
