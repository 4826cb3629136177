"""cancel_on: rows under which an event finds the runs it cancels, and the look-back for one that came before the row.

Registered before the first step of any slice of a run that has never been suspended: row first, then look-back, as
for waits.
"""

from typing import Any

import msgspec

from milepost.engine import keys
from milepost.engine.ports import Delete, Key, Put, Write
from milepost.engine.records import EventRow, Header, WaitRow
from milepost.engine.values import unpack
from milepost.engine.waits import matches
from milepost.engine.worker import Worker
from milepost.events import EventType, KeyValue
from milepost.functions import FunctionDefinition
from milepost.narrowing import is_dict


class Cancelling(msgspec.Struct, frozen=True):
    """One event that cancels this run."""

    index: int
    event: EventType[Any]
    keys: dict[str, KeyValue]
    until: int | None

    @property
    def _first(self) -> tuple[str, KeyValue]:
        return next((name, self.keys[name]) for name in self.event.keys if name in self.keys)

    def row_key(self, run: str) -> Key:
        return Key(keys.wait_pk(self.event.name, *self._first), keys.wait_sk(run, f"~cancel~{self.index}"))

    @property
    def event_pk(self) -> str:
        return keys.event_pk(self.event.name, *self._first)


def cancelling(definition: FunctionDefinition, header: Header, data: str) -> list[Cancelling]:
    """What cancels the run: each declared event with its keys filled from the trigger's data. One whose value is
    missing there can never match and is left out.
    """
    if not definition.cancel_on or header.role != "function":
        return []
    fields = msgspec.json.decode(data)
    found: list[Cancelling] = []
    for index, cancel in enumerate(definition.cancel_on):
        values = {name: _at(fields, path) for name, path in cancel.match.items()}
        if all(isinstance(value, str | int | float | bool) for value in values.values()):
            until = None if cancel.within is None else header.event_at + round(cancel.within.total_seconds() * 1000)
            found.append(Cancelling(index, cancel.event, values, until))
    return found


def _at(fields: Any, path: str) -> Any:
    for part in path.split("."):
        if not is_dict(fields):
            return None
        fields = fields.get(part)
    return fields


def register(worker: Worker, header: Header, all_of: list[Cancelling]) -> str | None:
    """Write the rows, then look back; returns the reason when an event has cancelled the run already."""
    since = _looks_back_to(worker, header)
    rows: list[Write] = [
        Put(
            WaitRow(
                **cancel.row_key(header.run)._asdict(),
                run=header.run,
                path="",
                group=header.group,
                cancels=True,
                keys=cancel.keys,
                until=cancel.until,
                used=[header.event_id],
                detail={"since": since},
                ttl=header.ttl,
            ).to_item()
        )
        for cancel in all_of
    ]
    if rows:
        worker.ports.table.write_many(rows)
    for cancel in all_of:
        if (reason := _look_back(worker, header, cancel, since)) is not None:
            return reason
    return None


def _looks_back_to(worker: Worker, header: Header) -> int:
    """From the trigger; but what had cancelled a run before it was run again does not cancel it once more."""
    return header.event_at - worker.settings.lookback_slack_ms if header.rerun_of is None else header.created_at


def _look_back(worker: Worker, header: Header, cancel: Cancelling, since: int) -> str | None:
    after: str | None = keys.event_sk_before(since)
    while True:
        page = worker.ports.table.query(cancel.event_pk, after=after)
        for item in page.items:
            row = EventRow.from_item(item)
            fits = row.id != header.event_id and (cancel.until is None or row.at <= cancel.until)
            if fits and matches(cancel.keys, cancel.event.key_values(unpack(row.data, worker.ports.blobs))):
                return f"event {row.name} {row.id}"
        after = page.next
        if after is None:
            return None


def deletes(header: Header, all_of: list[Cancelling]) -> list[Write]:
    """What takes the rows away again."""
    return [Delete(cancel.row_key(header.run)) for cancel in all_of]
