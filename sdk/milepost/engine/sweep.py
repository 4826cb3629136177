"""Once a minute: finds what the messages should have brought and did not. Idempotent; zero finds is normal.

Reads the `due` index, which may lag, so it only pokes: whoever acquires the run looks again.
"""

import msgspec

from milepost.engine import keys
from milepost.engine.ports import DUE, Key
from milepost.engine.records import Header
from milepost.engine.retention import extend_paused
from milepost.engine.settle import resume_run
from milepost.engine.worker import Worker

_LIMIT = 1_000
"""Runs looked at in one sweep of a shard; the next sweep goes on."""


class Found(msgspec.Struct):
    """What a sweep found."""

    overdue: int = 0
    """Runs whose timer or wake-up was late or lost, and check-ups."""
    resumed: int = 0
    """Paused runs that new code was deployed for."""
    extended: int = 0
    """Paused runs whose rows would have expired."""


def sweep(worker: Worker) -> Found:
    """One sweep over all shards."""
    found = Found()
    for number in range(keys.SHARDS):
        _overdue(worker, number, found)
        _paused(worker, number, found)
    return found


def _overdue(worker: Worker, number: int, found: Found) -> None:
    before = worker.now() - worker.settings.overdue_ms
    page = worker.ports.table.query_index(DUE, keys.due_shard(number), before=before, limit=_LIMIT)
    for item in page.items:
        header = _read(worker, item["pk"])
        if header is None or header.next_due is None or header.next_due > before or header.is_leased(worker.now()):
            continue
        worker.poke(header.run, header.group)
        found.overdue += 1


def _paused(worker: Worker, number: int, found: Found) -> None:
    version = worker.definitions.code_version()
    page = worker.ports.table.query_index(DUE, keys.paused_shard(number), limit=_LIMIT)
    for item in page.items:
        header = _read(worker, item["pk"])
        if header is None:
            continue
        if header.version != version and _is_deployed(worker, header):
            found.resumed += resume_run(worker, header.run)
        elif header.next_due is not None and header.next_due <= worker.now():
            extend_paused(worker, header)
            found.extended += 1


def _is_deployed(worker: Worker, header: Header) -> bool:
    name = header.function.removesuffix(".undo") if header.role == "undo" else header.function
    return name in worker.definitions.functions


def _read(worker: Worker, pk: str) -> Header | None:
    item = worker.ports.table.get(Key(pk, "run"))
    return None if item is None else Header.from_item(item)
