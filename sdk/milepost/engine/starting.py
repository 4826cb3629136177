"""In which order a slice records what it waits for and starts its children, so that a crash in between loses none of them.

    start ──▶ record     what the body comes to again on every replay, and the many of a crowd: none of these is started twice
    record ──▶ start     a child whose branch, join or task may be over by then: whoever decides that finds it in the history,
                         and cancels it, born or not

Of the second kind nobody knows whether the slice that recorded them lived to start them. So each slice that comes to one starts
it again, which changes nothing, until one has suspended (docs/design/protocols.md M4).
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from milepost.engine.parcels import fitting
from milepost.engine.records import Record
from milepost.engine.slice import Pending, Slice

FIRST: Final = "first"
"""In the detail of a child's record: it was written before the child was started."""
_UNSTARTED: Final = "unstarted"
"""In the detail of a child's record: nobody knows whether the child was started."""


def write_down(slice_: Slice, pendings: Sequence[Pending]) -> list[Pending]:
    """Record what is not recorded yet, and start the children; how it all stands then, in the same order."""
    new = [one for one in pendings if not one.recorded]
    _send(slice_, [one for one in new if FIRST not in one.record.detail])
    standing = iter(slice_.journal.put_many([one.record for one in new], begins=True) if new else ())
    written = [one if one.recorded else msgspec.structs.replace(one, record=next(standing)[0]) for one in pendings]
    _send(slice_, [one for one in written if FIRST in one.record.detail and not one.record.is_final])
    return [Pending(record=one.record, recorded=True) for one in written]


def _send(slice_: Slice, pendings: Sequence[Pending]) -> None:
    ports = slice_.worker.ports
    starts = [msgspec.structs.replace(one.start, body=fitting(one.start.body, ports.blobs)) for one in pendings if one.start is not None]
    if starts:
        ports.queue.send(starts)
        slice_.started.update(one.record.path for one in pendings)


def is_to_be_started(slice_: Slice, record: Record) -> bool:
    """Nobody knows whether this pending child was started."""
    return not slice_.frozen and record.path not in slice_.started and (_UNSTARTED in record.detail or _is_doubtful(slice_, record))


def _is_doubtful(slice_: Slice, record: Record) -> bool:
    """No slice has suspended since it was recorded, and the one that recorded it did not live to hand over either."""
    header = slice_.header
    return FIRST in record.detail and header.covered < record.epoch < header.epoch and record.epoch != header.said


def unreached(slice_: Slice) -> list[Record]:
    """Children that a slice before this one has recorded and died over, and that this one has not come to, as when the body is
    tried again: what they are to say before this slice suspends, which else covers them, so that whoever comes to them starts
    them.
    """
    header = slice_.header
    if header.covered >= header.epoch - 1:
        return []
    return [
        msgspec.structs.replace(record, detail={**record.detail, _UNSTARTED: True})
        for record in slice_.journal.all()
        if record.kind == "invoke" and not record.is_final and _UNSTARTED not in record.detail and is_to_be_started(slice_, record)
    ]
