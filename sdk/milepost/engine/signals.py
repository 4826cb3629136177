"""What an event does that some run may wait for, or be cancelled by; and what a callback's answer does.

Order, model-checked (protocols.md M2): event rows, then wait rows, then for each: step done, poke (also when the step
was done already: the one who did it may have died before the poke), delete the wait row. Then the message is
acknowledged. Over `page` waiters on one key go on in a continuation message.
"""

import msgspec

from milepost.engine import keys
from milepost.engine.admission import skip
from milepost.engine.completing import complete
from milepost.engine.messages import Accepted, EventMessage
from milepost.engine.ports import Put
from milepost.engine.records import EventRow, Record, WaitRow
from milepost.engine.settle import cancel_run
from milepost.engine.values import pack
from milepost.engine.waits import matches
from milepost.engine.worker import Worker
from milepost.errors import EventError
from milepost.events import KeyValue


def deliver_signal(worker: Worker, message: EventMessage, event: Accepted, group: str) -> None:
    """Give the event to the waits of this worker group. Idempotent."""
    event_type = worker.definitions.events.get(event.name)
    if event_type is None or event.name not in worker.definitions.awaited(group):
        return
    try:
        event_type.decode(event.data)
    except EventError as error:
        skip(worker, message.target, event, str(error))  # whoever waits for it is not to fail for another's mistake
        return
    found = event_type.key_values(event.data)
    if not message.after:
        _log(worker, event, found)
    after: dict[str, str] = {}
    for name, value in found.items():
        if message.after and name not in message.after:
            continue
        last = _serve(worker, event, found, keys.wait_pk(event.name, name, value), group, message.after.get(name))
        if last is not None:
            after[name] = last
    if after:
        worker.send(group, msgspec.structs.replace(message, after=after))


def _log(worker: Worker, event: Accepted, found: dict[str, KeyValue]) -> None:
    """One event row per key: what look-back reads."""
    if not found:
        return
    packed = pack(event.data, worker.ports.blobs, f"event {event.name} {event.id}")
    sk = keys.event_sk(event.at, event.sent_at, event.id)
    ttl = (event.at + worker.settings.event_retention_ms) // 1000
    rows = [
        EventRow(
            pk=keys.event_pk(event.name, name, value),
            sk=sk,
            id=event.id,
            name=event.name,
            at=event.at,
            sent_at=event.sent_at,
            data=packed,
            ttl=ttl,
        )
        for name, value in found.items()
    ]
    worker.ports.table.write_many([Put(row.to_item()) for row in rows])


def _serve(worker: Worker, event: Accepted, found: dict[str, KeyValue], pk: str, group: str, after: str | None) -> str | None:
    """One page of the waits under one key; returns where the next begins."""
    page = worker.ports.table.query(pk, after=after, limit=worker.settings.page)
    for item in page.items:
        row = WaitRow.from_item(item)
        if row.group == group and _concerns(row, event, found):
            _give(worker, row, event)
    return page.next


def _concerns(row: WaitRow, event: Accepted, found: dict[str, KeyValue]) -> bool:
    if event.id in row.used or not matches(row.keys, found):
        return False
    last = row.until if row.cancels else row.due_at
    return event.at >= int(row.detail.get("since", 0)) and (last is None or event.at <= last)


def _give(worker: Worker, row: WaitRow, event: Accepted) -> None:
    table = worker.ports.table
    if row.cancels:
        cancel_run(worker, row.run, reason=f"event {event.name} {event.id}")
    elif row.judged_by_slice:
        worker.poke(row.run, row.group, completed_at=worker.now(), salt=event.id)
        return
    else:
        now = worker.now()
        step = keys.step(row.run, row.path)
        record = Record(
            pk=step.pk,
            sk=step.sk,
            kind="wait",
            status="completed",
            value=pack(event.data, worker.ports.blobs, f"event {event.name} {event.id}"),
            started_at=row.started_at,
            ended_at=now,
            epoch=row.epoch,
            k=row.k,
            t=row.t,
            detail={**row.detail, "index": row.index, "event": event.id, "at": event.at},
            ttl=worker.ttl(now),
        )
        complete(worker, row.run, row.group, record, salt=event.id)
    table.delete(row.key)
