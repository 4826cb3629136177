"""A rerun from a step begins with what the original had recorded before that step: copied, in its order, as of epoch 0."""

from collections.abc import Iterable
from typing import Final

import msgspec

from milepost.engine import keys
from milepost.engine.journal import Journal
from milepost.engine.order import NEVER, Order, Place, Sighting, carrying
from milepost.engine.records import Header, Record
from milepost.engine.worker import Worker

_CHUNK: Final = 100


def copy_history(worker: Worker, header: Header, *, has_order: bool) -> None:
    """Copy what the original had recorded before the step that the rerun begins at. Idempotent: put-once."""
    original = Journal(worker.ports.table, header.rerun_of or "", epoch=0, ttl=0)
    order = Order(0, worker.ports.blobs, header.run) if has_order else None
    if order is not None:
        original.keep_order(order)
    original.load()
    before = sorted(records_before(original.all(), header.from_step or ""), key=order_of)
    copies = [
        msgspec.structs.replace(
            record, pk=keys.run_pk(header.run), ttl=header.ttl, epoch=0, k=place, seen=None, more_seen=None, base=None, writer=None
        )
        for place, record in enumerate(before, 1)
    ]
    if order is not None:
        copies = _in_order(worker, header, copies, order, {record.path for record in original.all()})
    target = Journal(worker.ports.table, header.run, epoch=header.epoch, ttl=worker.ttl(worker.now()))
    for begin in range(0, len(copies), _CHUNK):
        target.put_many(copies[begin : begin + _CHUNK])


def _in_order(worker: Worker, header: Header, copies: list[Record], order: Order, recorded: set[str]) -> list[Record]:
    """Each copy with its place in the original's order, renumbered; the first carries the places of what has none of its own,
    timers that left no record among them.
    """
    copied = {copy.path: copy for copy in copies}
    places: list[tuple[Place, str]] = [
        (place, path) for path, place in order.places() if path in copied or (path not in recorded and place[2] != NEVER)
    ]
    ranks: dict[str, Sighting] = {path: (path, 0, k, place[2]) for k, (place, path) in enumerate(sorted(places), 1)}
    sightings = [rank for path, rank in ranks.items() if path not in copied or not order.is_own(copied[path])]
    renumbered = [
        msgspec.structs.replace(copy, k=ranks[copy.path][2], t=ranks[copy.path][3]) if copy.path in ranks and order.is_own(copy) else copy
        for copy in copies
    ]
    if renumbered:
        renumbered[0] = carrying(renumbered[0], sightings, worker.ports.blobs, header.run)
    return renumbered


def records_before(records: Iterable[Record], path: str) -> list[Record]:
    """The final records, and the sleeps and timers, that were begun before this step's first record."""
    known = list(records)
    first = min((order_of(record) for record in known if record.path == path or record.path.startswith(f"{path}/")), default=None)
    if first is None:
        return []
    return [record for record in known if order_of(record) < first and (record.is_final or record.kind in ("sleep", "timer"))]


def order_of(record: Record) -> tuple[int, int, int]:
    """The order in which steps were begun."""
    return (record.started_at, record.epoch, record.k)
