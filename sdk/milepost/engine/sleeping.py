"""step.sleep and sleep_until."""

import msgspec

from milepost.engine.facts import Slept
from milepost.engine.operations import Done, Parked, State, WithoutWork
from milepost.engine.records import Kind
from milepost.engine.slice import Pending, Slice


class SleepOperation(WithoutWork):
    """step.sleep and sleep_until: one record when the run suspends, none when the time is past already."""

    kind: Kind = "sleep"

    def __init__(self, slice_: Slice, path: str, *, for_ms: int | None = None, until_ms: int = 0) -> None:
        self.slice = slice_
        self.path = path
        self._for_ms = for_ms
        self._until_ms = until_ms
        self._pending: Pending | None = None

    def replay(self) -> State:
        record = self.slice.journal.get(self.path)
        if record is not None:
            self.slice.expect(record, self.kind)
        return Done(None)  # a sleep that was waited for within the slice left no record

    def begin(self) -> State:
        record = self.slice.journal.get(self.path)
        if record is not None:
            self.slice.expect(record, self.kind)
            due_at = record.due_at or 0
            if record.is_final:
                return Done(None)
            if self.slice.is_due(due_at):
                self._tell(due_at)
                return Done(None)
            return Parked(Pending(record=record, recorded=True))
        if self._pending is not None:
            return Done(None) if self.slice.is_due(self._pending.record.due_at or 0) else Parked(self._pending)
        now = self.slice.now()
        due_at = self._until_ms if self._for_ms is None else now + self._for_ms
        if self.slice.is_due(due_at):
            return Done(None)
        record = self.slice.journal.record(self.path, self.kind, now)
        self._pending = Pending(record=msgspec.structs.replace(record, due_at=due_at), recorded=False)
        return Parked(self._pending)

    def _tell(self, due_at: int) -> None:
        """That it has ended, unless a slice before this one has seen it."""
        slice_ = self.slice
        is_new = due_at > slice_.header.now and self.path not in slice_.awoken
        if slice_.worker.notice is not None and is_new and not slice_.frozen:
            slice_.awoken.add(self.path)
            header = slice_.header
            slice_.worker.notice(Slept(header.function, header.run, self.path, max(0, slice_.worker.now() - due_at)))
