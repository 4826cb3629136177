"""How a run is born, and what it was started with.

The event stays in the header while that fits in 1,000 bytes; else it is a row of its own, written before the header.
"""

import msgspec

from milepost.engine import keys
from milepost.engine.messages import Start
from milepost.engine.ports import Absent, Condition, ConditionFailed, Table
from milepost.engine.records import Header, Origin, Outcome
from milepost.engine.values import pack, unpack
from milepost.engine.worker import Worker
from milepost.runs import RunStatus

INLINE_LIMIT = 400
"""Bytes of event data that a header has room for beside its own fields, within 1,000."""


class Origins(msgspec.Struct, frozen=True):
    """What a run was started with, as JSON texts."""

    data: str
    failure: str | None = None
    arguments: str | None = None


def unborn(worker: Worker, start: Start, group: str, *, now: int) -> Header:
    """The header that a start asks for, without a status of its own yet."""
    return Header(
        **keys.header(start.run)._asdict(),
        function=start.function,
        group=group,
        status=RunStatus.SCHEDULED,
        created_at=now,
        fn_shard=keys.function_shard(start.function, keys.shard(start.run)),
        role=start.role,
        event_name=start.event_name,
        event_id=start.event_id,
        event_at=start.event_at or now,
        event_source=start.event_source,
        hops=start.hops,
        parent=start.parent,
        subject=start.subject,
        ttl=worker.ttl(now),
    )


def put_origin(worker: Worker, header: Header, origins: Origins, only_if: Condition | None = None) -> Header:
    """Put the event away: in the header that is returned, or in a row that is written now. Idempotent.
    Raises ConditionFailed where `only_if` does not hold of the row.
    """
    small = len(origins.data.encode()) <= INLINE_LIMIT and origins.failure is None and origins.arguments is None
    if small:
        return msgspec.structs.replace(header, event=origins.data)
    blobs = worker.ports.blobs
    what = f"the event of run {header.run}"
    key = keys.event_row(header.run)
    row = Origin(
        pk=key.pk,
        sk=key.sk,
        data=pack(origins.data, blobs, what),
        failure=None if origins.failure is None else pack(origins.failure, blobs, what),
        arguments=None if origins.arguments is None else pack(origins.arguments, blobs, "the edited arguments"),
        ttl=header.ttl,
    )
    worker.ports.table.put(row.to_item(), only_if)
    return header


def keep_origin(worker: Worker, header: Header, origins: Origins) -> tuple[Header, Origins]:
    """Put away what a start brings, unless another start of this run has: then what that one brought stands."""
    try:
        return put_origin(worker, header, origins, Absent()), origins
    except ConditionFailed as lost:
        return header, _origins_of(worker, Origin.from_item(lost.item or {}))


def put_header(table: Table, header: Header) -> Header:
    """Give birth. Raises ConditionFailed with the header of a run that is there already."""
    table.put(header.to_item(), Absent())
    return header


def get_origin(worker: Worker, header: Header) -> Origins:
    """What the run was started with; one read when the header had no room."""
    if header.event is not None:
        return Origins(header.event)
    item = worker.ports.table.get(keys.event_row(header.run))
    if item is None:
        return Origins("{}")
    return _origins_of(worker, Origin.from_item(item))


def _origins_of(worker: Worker, row: Origin) -> Origins:
    blobs = worker.ports.blobs
    return Origins(
        unpack(row.data, blobs),
        None if row.failure is None else unpack(row.failure, blobs),
        None if row.arguments is None else unpack(row.arguments, blobs),
    )


def get_outcome(worker: Worker, header: Header) -> Outcome:
    """Result and error of an ended run, in full."""
    if header.ended_in is not None:
        item = worker.ports.table.get(keys.result_row(header.run, header.ended_in))
        if item is not None:
            return Outcome.from_item(item)
    return Outcome(pk=header.pk, sk="result", result=header.result, error=header.error)


def get_header(table: Table, run: str) -> Header | None:
    """The run's header, or None."""
    item = table.get(keys.header(run))
    return None if item is None else Header.from_item(item)
