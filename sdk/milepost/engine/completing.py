"""Completing a step from outside of its run's slice: an event came, a child ended, a callback was answered.

    put on condition "absent or pending" ──▶ poke, also when the condition failed

for whoever completed the step before may have died before the poke (docs/design/protocols.md).
"""

from milepost.engine.journal import OPEN
from milepost.engine.ports import ConditionFailed
from milepost.engine.records import Record
from milepost.engine.worker import Worker


def complete(worker: Worker, run: str, group: str, record: Record, *, salt: str, crowd: bool = False) -> bool:
    """Put the final record, then poke the run; False when somebody had been faster. Idempotent."""
    try:
        worker.ports.table.put(record.to_item(), OPEN)
    except ConditionFailed:
        is_first = False
    else:
        is_first = True
    worker.poke(run, group, completed_at=worker.now(), crowd=crowd, salt=salt)
    return is_first
