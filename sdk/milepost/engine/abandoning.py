"""What nobody waits for any more: waits leave no rows, children are cancelled, and the records say so."""

from collections.abc import Sequence

import msgspec

from milepost.engine.children import cancel_child, is_cancellable
from milepost.engine.records import Record
from milepost.engine.slice import Slice
from milepost.engine.waits import forget


def abandon(slice_: Slice, lost: Sequence[Record], why: str) -> None:
    """Let go of what these pending records wait for. Each is told that it is over only when it stands in the history why:
    a crash in between is made good by the replay, which comes here again.
    """
    children = [record for record in lost if is_cancellable(record)]
    others = [record for record in lost if not is_cancellable(record)]
    _put_cancelled(slice_, others)
    for record in others:
        if record.kind == "wait":
            forget(slice_, record)
    order = slice_.journal.order
    if children and order is not None and order.has_unsaved:
        slice_.journal.put_many(children)  # as they are: they carry why
    for record in children:
        cancel_child(slice_.worker, record, why)
    _put_cancelled(slice_, children)


def _put_cancelled(slice_: Slice, records: Sequence[Record]) -> None:
    now = slice_.worker.now()
    if records:
        slice_.journal.put_many([msgspec.structs.replace(record, status="cancelled", ended_at=now, due_at=None) for record in records])
