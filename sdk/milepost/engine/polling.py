"""step.wait_until: asks again and again until the answer is yes."""

from collections.abc import Callable
from typing import Any

import msgspec

from milepost.codec import return_codec
from milepost.engine.journal import completed, failed
from milepost.engine.operations import Commit, Done, Recorded, State, Work, next_attempt, recorded_error, rest
from milepost.engine.records import Kind, Record
from milepost.engine.slice import Slice, failing
from milepost.errors import CodecError, WaitTimeout
from milepost.options import Backoff, Retry


class PollOperation(Recorded):
    """step.wait_until: one record (count, next) while it polls, its value at the end."""

    kind: Kind = "poll"

    def __init__(self, slice_: Slice, path: str, check: Callable[[], Any], every: Backoff, timeout_ms: int) -> None:
        self.slice = slice_
        self.path = path
        self._check = check
        self._every = every
        self._timeout_ms = timeout_ms
        self._record: Record | None = None

    @property
    def retry(self) -> Retry:
        return self.slice.definition.retry

    @property
    def _what(self) -> str:
        return f"the answer of {self.path!r}"

    def begin(self) -> State:
        record = self.slice.journal.get(self.path)
        if record is None:
            return self._ask()
        self.slice.expect(record, self.kind)
        if record.is_final:
            return self._final(record)
        self._record = record
        if record.due_at is not None and not self.slice.is_due(record.due_at):
            return rest(self.slice, record)
        return self._ask()

    def _ask(self) -> State:
        worker = self.slice.worker
        return Work(lambda: self.slice.named(self.path, worker.stub(self.slice.header.function, self.path, self._check)))

    def _final(self, record: Record) -> State:
        if record.status == "failed":
            raise recorded_error(record)
        return Done(return_codec(self._check, self.slice.definition.localns).decode(self.slice.unpack(record.value), self._what))

    def _new(self) -> Record:
        if self._record is None:
            now = self.slice.now()
            record = self.slice.journal.record(self.path, self.kind, now)
            self._record = msgspec.structs.replace(record, detail={"until": now + self._timeout_ms, "errors": 0})
        return self._record

    def succeeded(self, value: Any, /) -> State:
        record = self._new()
        if value is None or value is False:
            return self._not_yet(record)
        try:
            raw, seen = return_codec(self._check, self.slice.definition.localns).round_trip(value, self._what)
            packed = self.slice.pack(raw, self._what)
        except CodecError as error:
            return self.failed(error)
        ours = msgspec.structs.replace(completed(record, packed, self.slice.worker.now()), attempts=record.attempts + 1)
        return Commit(ours, lambda stands, is_ours: Done(seen) if is_ours else self._final(stands))

    def _not_yet(self, record: Record) -> State:
        now = self.slice.now()
        until = int(record.detail["until"])
        count = record.attempts + 1
        if now >= until:
            text = f"{self.path!r} was not true within {self._timeout_ms / 1000:g} s ({count} checks)"
            return self._put(failed(msgspec.structs.replace(record, attempts=count), failing(WaitTimeout(text), self.path), now))
        due_at = min(now + self._every.delay_ms(count), until)
        return self._put(msgspec.structs.replace(record, attempts=count, due_at=due_at, detail={**record.detail, "errors": 0}))

    def failed(self, error: BaseException, /) -> State:
        record = self._new()
        errors = int(record.detail["errors"]) + 1
        due_at = next_attempt(self, error, errors)
        if due_at is None:
            return self._put(failed(record, failing(error, self.path), self.slice.worker.now()))
        detail = {**record.detail, "errors": errors}
        return self._put(msgspec.structs.replace(record, due_at=due_at, error=failing(error, self.path), detail=detail))

    def _put(self, record: Record) -> State:
        return Commit(record, self._stands)

    def _stands(self, stands: Record, _is_ours: bool) -> State:
        self._record = stands
        return self._final(stands) if stands.is_final else rest(self.slice, stands)
