"""How long rows live: they are written with an expiry, and a run that lives on takes its rows with it.

A row expires 60 days after it was written. Whoever looks at a live run and finds it within 40 days of that, a slice or, for
a paused run, the sweeper, puts the expiry of all its rows off again. A live run is looked at
once in 7 days at least, so everything it has recorded lives on for 30 days after its end, and more.
"""

from milepost.engine import cancels, keys
from milepost.engine.journal import Journal
from milepost.engine.origins import get_origin
from milepost.engine.ports import Change, ConditionFailed, Present, Update, Write
from milepost.engine.records import Header
from milepost.engine.waits import rows_of
from milepost.engine.worker import Worker

_CHUNK = 100


def is_near_expiry(worker: Worker, ttl: int | None) -> bool:
    """A row with this expiry, in epoch seconds, would be gone soon."""
    return ttl is not None and ttl * 1000 < worker.now() + worker.settings.extend_below_ms


def extend(worker: Worker, header: Header, journal: Journal) -> None:
    """Put off the expiry of every row of a live run. Idempotent; a row that is gone stays gone."""
    ttl = worker.ttl(worker.now())
    change = Change(set={"ttl": ttl})
    own = [keys.step(header.run, path) for path in journal.paths()]
    writes: list[Write] = [Update(key, change, Present()) for key in (header.key, keys.event_row(header.run), *own)]
    for record in journal.all():
        if record.kind == "wait" and not record.is_final:
            writes += [Update(write.key, change, Present()) for write in rows_of(record, header.run)]
    definition = worker.definitions.functions.get(header.function)
    if definition is not None and definition.cancel_on:
        found = cancels.cancelling(definition, header, get_origin(worker, header).data)
        writes += [Update(write.key, change, Present()) for write in cancels.deletes(header, found)]
    for begin in range(0, len(writes), _CHUNK):
        worker.ports.table.write_many(writes[begin : begin + _CHUNK])


def extend_paused(worker: Worker, header: Header) -> None:
    """The same for a run that no slice looks at, and note when to look again."""
    journal = Journal(worker.ports.table, header.run, epoch=header.epoch, ttl=0)
    journal.load()
    extend(worker, header, journal)
    try:
        worker.ports.table.update(header.key, Change(set={"next_due": look_again_at(worker)}), Present())
    except ConditionFailed:
        worker.log.debug("a paused run was gone before it was extended", run_id=header.run)


def look_again_at(worker: Worker) -> int:
    """When the rows of a paused run have to be extended, in epoch milliseconds."""
    return worker.now() + worker.settings.row_ttl_ms - worker.settings.extend_below_ms
