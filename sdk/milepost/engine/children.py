"""Child runs: the step that invokes one, and the answer that the child gives when it ends.

the parent   start message ──▶ pending step ──▶ suspend              (a slice that finds the record sends no more)
             pending step ──▶ start message ──▶ suspend              a child that may be abandoned; see starting.py
the child    terminal ──▶ parent's step done ──▶ poke the parent, also when that failed
"""

import msgspec

from milepost.engine import keys
from milepost.engine.completing import complete
from milepost.engine.journal import completed, failed
from milepost.engine.messages import Cancel, Start, encode
from milepost.engine.operations import Commit, Done, Parked, State, WithoutWork
from milepost.engine.ports import Outgoing
from milepost.engine.records import Failing, Header, Kind, Packed, Parent, Record
from milepost.engine.slice import Pending, Slice, failing
from milepost.engine.starting import FIRST, is_to_be_started
from milepost.engine.worker import Worker
from milepost.errors import ErrorInfo, InvokeError, StepError, WaitTimeout, step_error
from milepost.functions import FunctionDefinition


class InvokeOperation(WithoutWork):
    """step.invoke: one start message, one pending record, one answer."""

    kind: Kind = "invoke"

    def __init__(
        self,
        slice_: Slice,
        path: str,
        target: FunctionDefinition,
        data: str,
        *,
        event_name: str,
        timeout_ms: int | None,
        detach: bool,
        crowd: bool = False,
    ) -> None:
        self.slice = slice_
        self.path = path
        self._target = target
        self._data = data
        self._event_name = event_name
        self._timeout_ms = timeout_ms
        self._detach = detach
        self.crowd = crowd
        """One of many: their answers are poked for with a delay, so that many are read at once."""

    def begin(self) -> State:
        record = self.slice.journal.get(self.path)
        if record is None:
            return self._begin()
        self.slice.expect(record, self.kind)
        if record.is_final:
            return self._final(record)
        if record.due_at is not None and self.slice.is_due(record.due_at):
            return self._time_out(record)
        start = self._start(record) if is_to_be_started(self.slice, record) else None
        return Parked(Pending(record=record, recorded=True, start=start))

    def _begin(self) -> State:
        header, now = self.slice.header, self.slice.now()
        child = keys.child_id(header.run, self.path)
        detail = {"child": child, "function": self._target.name, "group": self._target.worker, "detach": self._detach}
        if self._may_be_abandoned:
            detail[FIRST] = True
        record = self.slice.journal.record(self.path, self.kind, now)
        record = msgspec.structs.replace(record, due_at=None if self._timeout_ms is None else now + self._timeout_ms, detail=detail)
        return Parked(Pending(record=record, recorded=False, start=self._start(record)))

    @property
    def _may_be_abandoned(self) -> bool:
        """By its branch, its join or its task. Of a crowd each stands in the history only after its start."""
        is_concurrent = "/" in self.path or self.slice.journal.order is not None
        return is_concurrent and not self.crowd

    def _start(self, record: Record) -> Outgoing:
        """The message, the same whoever sends it."""
        header = self.slice.header
        start = Start(
            run=record.detail["child"],
            function=self._target.name,
            data=self._data,
            event_name=self._event_name,
            event_id=f"{header.run}/{self.path}",
            event_at=record.started_at,
            event_source=f"milepost.{self.slice.worker.definitions.app}",
            hops=header.hops + 1,
            parent=Parent(
                run=header.run,
                path=self.path,
                group=header.group,
                started_at=record.started_at,
                due_at=record.due_at,
                epoch=record.epoch,
                k=record.k,
                t=record.t,
                crowd=self.crowd,
            ),
        )
        return Outgoing(group=self._target.worker, body=encode(start))

    def _time_out(self, record: Record) -> State:
        text = f"run {record.detail['child']} of {self._target.name} did not end within {(self._timeout_ms or 0) / 1000:g} s"
        late = msgspec.structs.replace(record, detail={**record.detail, "late": self.slice.header.epoch})
        ours = failed(late, failing(WaitTimeout(text), self.path), self.slice.worker.now())
        return Commit(ours, lambda stands, _is_ours: self._final(stands))

    def _final(self, record: Record) -> State:
        if is_let_go(record, self.slice.header) and not self.slice.frozen:
            cancel_child(self.slice.worker, record, f"its parent {self.slice.header.run} waited long enough")
        if record.status == "completed":
            return Done(self._target.result.decode(self.slice.unpack(record.value), f"the result of {self._target.name}"))
        stored = record.error or Failing(type="milepost.errors.StepError", message="")
        if record.detail.get("late"):  # not by the error's type: the child may have failed of a time-out of its own
            raise WaitTimeout(stored.message)
        raise invoke_error(str(record.detail.get("child", "")), self._target.name, stored.info())


def invoke_error(child: str, function: str, info: ErrorInfo) -> InvokeError:
    """What a parent sees of a child that did not complete."""
    if info.type == CANCELLED:
        return InvokeError(child, None, f"run {child} of {function} was cancelled: {info.message}")
    cause: StepError = step_error(info.step or "", info, StepError)
    return InvokeError(child, cause, f"run {child} of {function} failed: {info}")


CANCELLED = "milepost.cancelled"
"""Type of the error by which a cancelled child answers."""


def answer(worker: Worker, header: Header, parent: Parent, result: Packed | None, error: Failing | None) -> None:
    """Tell the parent how the child ended, and poke it whether or not it knew."""
    now = worker.now()
    key = keys.step(parent.run, parent.path)
    pending = Record(
        pk=key.pk,
        sk=key.sk,
        kind="invoke",
        status="pending",
        started_at=parent.started_at,
        epoch=parent.epoch,
        k=parent.k,
        t=parent.t,
        detail={"child": header.run, "function": header.function, "group": header.group},
        ttl=worker.ttl(now),
    )
    record = completed(pending, result, now) if error is None else failed(pending, error, now)
    if not complete(worker, parent.run, parent.group, record, salt=header.run, crowd=parent.crowd):
        worker.log.debug("the parent's step is settled already", run_id=header.run, parent=parent.run)


def cancel_child(worker: Worker, record: Record, reason: str) -> None:
    """Cancel the child of a pending invoke, born or not."""
    detail = record.detail
    worker.send(str(detail["group"]), Cancel(run=str(detail["child"]), function=str(detail["function"]), reason=reason))


def is_cancellable(record: Record) -> bool:
    """An invoke that nobody waits for any more."""
    return record.kind == "invoke" and not record.is_final and not record.detail.get("detach", False)


def is_let_go(record: Record, header: Header) -> bool:
    """An invoke whose time was up, noted by a slice that may have died before the child was told: each slice tells it again,
    until one of them has suspended.
    """
    return int(record.detail.get("late", 0)) > header.covered and not record.detail.get("detach", False)
