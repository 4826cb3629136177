"""step.wait_for_callback: a token goes out by a step, and whoever has it answers, once.

The token names run and step; it carries no secret. The answer is put once like any other record, then the run is poked.
"""

import base64
from collections.abc import Callable
from typing import Any

import msgspec

from milepost.codec import Codec
from milepost.codec import encode as encode_value
from milepost.engine import keys
from milepost.engine.completing import complete
from milepost.engine.journal import completed, failed
from milepost.engine.operations import Commit, Done, Parked, State, WithoutWork, recorded_error
from milepost.engine.origins import get_header
from milepost.engine.ports import And, Change, ConditionFailed, Equals, Present
from milepost.engine.records import Failing, Kind, Record
from milepost.engine.slice import Pending, Slice, failing
from milepost.engine.values import pack
from milepost.engine.worker import Worker
from milepost.errors import RunNotFound, UsageError, WaitTimeout

_PREFIX = "mp1-"


class Token(msgspec.Struct, frozen=True, array_like=True):
    """Whom a callback answers."""

    run: str
    path: str
    group: str

    def text(self) -> str:
        raw = msgspec.json.encode(self)
        return _PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")

    @classmethod
    def of(cls, text: str) -> "Token":
        """The token again. Raises UsageError."""
        raw = text.removeprefix(_PREFIX)
        try:
            return msgspec.json.decode(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)), type=Token)
        except (ValueError, msgspec.DecodeError) as error:
            raise UsageError(f"{text!r} is not a callback token: they begin with {_PREFIX!r} and are given to submit(token)") from error


class CallbackOperation(WithoutWork):
    """The wait for the answer; the submit is a step of its own, before it."""

    kind: Kind = "callback"

    def __init__(self, slice_: Slice, path: str, *, returns: Any, timeout_ms: int, heartbeat_ms: int | None) -> None:
        self.slice = slice_
        self.path = path
        self._returns = returns
        self._timeout_ms = timeout_ms
        self._heartbeat_ms = heartbeat_ms
        self._begun: Record | None = None
        """Its record from the time when it began: while it is not written its time-out runs all the same."""

    @property
    def token(self) -> str:
        return Token(self.slice.header.run, self.path, self.slice.header.group).text()

    @property
    def is_answered(self) -> bool:
        """The answer may be there before the submit is recorded."""
        record = self.slice.journal.peek(self.path)
        return record is not None and record.is_final

    def begin(self) -> State:
        record = self.slice.journal.get(self.path)
        recorded = record is not None
        if record is None:
            record = self._begun = self._begun or self._new()
        self.slice.expect(record, self.kind)
        if record.is_final:
            return self._final(record)
        if record.due_at is not None and self.slice.is_due(record.due_at):
            return self._time_out(record)
        return Parked(Pending(record=record, recorded=recorded))

    def _new(self) -> Record:
        now = self.slice.now()
        record = self.slice.journal.record(self.path, self.kind, now)
        until = now + self._timeout_ms
        due_at = until if self._heartbeat_ms is None else min(until, now + self._heartbeat_ms)
        return msgspec.structs.replace(record, due_at=due_at, detail={"until": until, "heartbeat": self._heartbeat_ms})

    def _time_out(self, record: Record) -> State:
        silent = record.due_at is not None and record.due_at < int(record.detail["until"])
        limit_ms = (self._heartbeat_ms or 0) if silent else self._timeout_ms
        text = f"no {'heartbeat' if silent else 'answer'} to callback {self.path!r} within {limit_ms / 1000:g} s"
        ours = failed(record, failing(WaitTimeout(text), self.path), self.slice.worker.now())
        return Commit(ours, lambda stands, _is_ours: self._final(stands))

    def _final(self, record: Record) -> State:
        if record.status != "completed":
            raise recorded_error(record)
        raw = self.slice.unpack(record.value)
        if self._returns is None:
            return Done(msgspec.json.decode(raw))
        return Done(Codec.of(self._returns).decode(raw, f"the answer to callback {self.path!r}"))


def succeed(worker: Worker, token: Token, value: object) -> None:
    """Answer with a value. The first answer counts. Raises RunNotFound, ValueNotStorable."""
    packed = pack(encode_value(value, "the answer to a callback"), worker.ports.blobs, "the answer to a callback")
    _answer(worker, token, lambda record: completed(record, packed, worker.now()))


def fail(worker: Worker, token: Token, error: Failing) -> None:
    """Answer with an error: the wait raises it as a StepError. The first answer counts. Raises RunNotFound."""
    _answer(worker, token, lambda record: failed(record, error, worker.now()))


def _answer(worker: Worker, token: Token, outcome: Callable[[Record], Record]) -> None:
    _check_run(worker, token)
    now = worker.now()
    key = keys.step(token.run, token.path)
    stands = worker.ports.table.get(key)
    if stands is None:
        record = Record(pk=key.pk, sk=key.sk, kind="callback", status="pending", started_at=now, t=now, ttl=worker.ttl(now))
    else:
        record = Record.from_item(stands)
    if not complete(worker, token.run, token.group, outcome(record), salt=token.path):
        worker.log.info("a callback was answered before; the first answer counts", run_id=token.run, step=token.path)


def heartbeat(worker: Worker, token: Token) -> None:
    """Put off the time-out of a callback with a heartbeat. Raises RunNotFound."""
    _check_run(worker, token)
    key = keys.step(token.run, token.path)
    stands = worker.ports.table.get(key)
    if stands is None:
        return  # not registered yet: its first heartbeat is due a whole interval after that
    record = Record.from_item(stands)
    interval = record.detail.get("heartbeat")
    if record.is_final or interval is None:
        return
    due_at = min(int(record.detail["until"]), worker.now() + int(interval))
    try:
        worker.ports.table.update(key, Change(set={"due_at": due_at}), And((Present(), Equals("status", "pending"))))
    except ConditionFailed:
        worker.log.debug("a heartbeat came after the answer", run_id=token.run, step=token.path)


def _check_run(worker: Worker, token: Token) -> None:
    if get_header(worker.ports.table, token.run) is None:
        days = worker.settings.retention_ms // 86_400_000
        raise RunNotFound(f"no run {token.run}: it is of another app or cloud, or was deleted {days} days after its end")
