"""step.send_event: events with ids from run and step, so that a replay, or a crash between sending and recording,
sends no second one. And step.patched, which asks the history.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from milepost.engine import keys
from milepost.engine.facts import TooManyHops
from milepost.engine.inputs import check_sendable, encoded_event
from milepost.engine.journal import completed
from milepost.engine.messages import Envelope, detail_of
from milepost.engine.operations import Commit, Done, Recorded, State, WithoutWork, Work
from milepost.engine.ports import Entry
from milepost.engine.records import Kind
from milepost.engine.slice import Slice
from milepost.errors import EventError, UsageError
from milepost.events import EventType


class SendOperation(Recorded):
    """step.send_event: one publish, one write."""

    kind: Kind = "send"

    def __init__(self, slice_: Slice, path: str, events: Sequence[object]) -> None:
        self.slice = slice_
        self.path = path
        self._events = events

    def begin(self) -> State:
        record = self.slice.journal.get(self.path)
        if record is None:
            return Work(lambda: self._publish, is_ours=True)
        self.slice.expect(record, self.kind)
        return Done(msgspec.json.decode(self.slice.unpack(record.value), type=list[str]))

    def _publish(self) -> list[str]:
        self._check_hops()
        entries = [self._entry(index, event) for index, event in enumerate(self._events)]
        self.slice.worker.ports.bus.publish(entries)
        return [entry.id for entry in entries]

    def _check_hops(self) -> None:
        """Refuse the event that would be one too many, here and not where it arrives: so it is its sender that fails, and says so."""
        header, worker = self.slice.header, self.slice.worker
        hops = header.hops + 1
        if hops <= worker.settings.max_hops:
            return
        if worker.notice is not None:
            worker.notice(TooManyHops(header.function, header.event_id, hops))
        text = f"step {self.path!r}: {hops} events and runs led to this event, {worker.settings.max_hops} at most: taken for a loop"
        raise self.slice.misused(UsageError(text))

    def _entry(self, index: int, event: object) -> Entry:
        definitions = self.slice.worker.definitions
        try:
            event_type, data = encoded_event(definitions, event)
            check_sendable(event_type)
        except EventError as error:
            raise self.slice.misused(EventError(f"step {self.path!r}: {error}")) from error
        header = self.slice.header
        envelope = Envelope(id=keys.sent_event_id(header.run, self.path, index), sent_at=self.slice.worker.now(), hops=header.hops + 1)
        return Entry(name=event_type.name, source=source_of(definitions.app, event_type), detail=detail_of(data, envelope), id=envelope.id)

    def succeeded(self, value: Any, /) -> State:
        record = self.slice.journal.record(self.path, self.kind, self.slice.worker.now())
        packed = self.slice.pack(msgspec.json.encode(value), f"the ids of {self.path!r}")
        return Commit(completed(record, packed, self.slice.worker.now()), lambda _stands, _is_ours: Done(value))

    def failed(self, error: BaseException, /) -> State:
        raise error


def source_of(app: str, event: EventType[Any] | None = None) -> str:
    """The source of the events that an app sends: the event's own, if it has one."""
    return f"milepost.{app}" if event is None or event.source is None else event.source


class PatchOperation(WithoutWork):
    """step.patched: True in runs that came here under the new code. One write per run that does; none in older runs."""

    kind: Kind = "patch"

    def __init__(self, slice_: Slice, patch: str, prefix: str) -> None:
        self.slice = slice_
        self.path = f"~patched/{keys.escape(patch)}"
        self._prefix = prefix

    def replay(self) -> State:
        record = self.slice.journal.get(self.path)
        return Done(record is not None and record.status == "completed")

    def begin(self) -> State:
        record = self.slice.journal.get(self.path)
        if record is not None:
            return Done(record.status == "completed")
        if self.path in self.slice.unpatched or self.slice.frozen or self.slice.is_replaying(self._prefix):
            self.slice.unpatched.add(self.path)
            return Done(False)
        now = self.slice.worker.now()
        record = completed(self.slice.journal.record(self.path, self.kind, now), None, now)
        return Commit(record, lambda stands, _is_ours: Done(stands.status == "completed"))
