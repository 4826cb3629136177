"""Completing a step from outside of its run's slice: an event came, a child ended, a callback was answered.

    pending ──▶ final, or put when absent ──▶ poke, also when somebody had been faster

for whoever completed the step before may have died before the poke (docs/design/protocols.md). What a pending record says
of the order in which the body saw other things stays in it.
"""

from milepost.engine.ports import Absent, And, Change, ConditionFailed, Equals, Present
from milepost.engine.records import Record
from milepost.engine.worker import Worker

_ITS_OWN = ("pk", "sk", "started_at", "epoch", "k", "t", "seen", "more_seen", "base", "writer")
"""What a pending record knows better than who completes it."""
_PENDING = And((Present(), Equals("status", "pending")))


def complete(worker: Worker, run: str, group: str, record: Record, *, salt: str, crowd: bool = False) -> bool:
    """Complete the step, then poke the run; False when somebody had been faster. Idempotent."""
    is_first = _complete(worker, record)
    worker.poke(run, group, completed_at=worker.now(), crowd=crowd, salt=salt)
    return is_first


def _complete(worker: Worker, record: Record) -> bool:
    item = record.to_item()
    change = Change(set={name: value for name, value in item.items() if name not in _ITS_OWN}, remove=("due_at",))
    while True:
        try:
            worker.ports.table.update(record.key, change, _PENDING)
        except ConditionFailed as lost:
            if lost.item is not None:
                return False
        else:
            return True
        try:
            worker.ports.table.put(item, Absent())
        except ConditionFailed as now_there:
            if now_there.item is not None and now_there.item["status"] != "pending":
                return False
        else:
            return True
