"""What the doors of an app do: send, start, cancel, rerun, resume, answer, list. Every cloud has one client of these."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from milepost.engine import callbacks, keys, lease
from milepost.engine.callbacks import Token
from milepost.engine.inputs import check_sendable, encode_data, encoded_event
from milepost.engine.journal import Journal
from milepost.engine.lifecycle import Move, after
from milepost.engine.messages import MAX_ID, Envelope, Poke, Publish, Start, detail_of
from milepost.engine.origins import Origins, get_origin, put_header, put_origin, unborn
from milepost.engine.ports import Absent, ConditionFailed, Entry
from milepost.engine.reading import Reader, RunsQuery
from milepost.engine.records import Failing, Header
from milepost.engine.rerunning import order_of
from milepost.engine.sending import source_of
from milepost.engine.settle import cancel_run, pause_run, resume_run
from milepost.engine.worker import Worker
from milepost.errors import EventError, FunctionNotFound, RunNotFound, StepNotFound, UsageError, describe
from milepost.events import EventType
from milepost.functions import Function
from milepost.options import check_instant
from milepost.runs import Run
from milepost.timestamps import milliseconds


class Client:
    """One cloud, from outside of its runs. `new_id` makes the ids of events that are sent without one; `hops`: how many
    events led to the caller, inside a slice.
    """

    def __init__(self, worker: Worker, *, new_id: Callable[[], str], hops: int = 0) -> None:
        self._worker = worker
        self._new_id = new_id
        self._hops = hops
        self.reader = Reader(worker)

    # ---- events and starts -------------------------------------------------------------------------------------------

    def send(self, events: Sequence[object], *, id: str | None = None, at: datetime | None = None) -> list[str]:
        """Check all, then publish all; returns their ids. Raises EventError, UsageError before anything is sent."""
        encoded = [encoded_event(self._worker.definitions, event) for event in events]
        for event_type, _ in encoded:
            check_sendable(event_type)
        entries = self.entries(encoded, id)
        self.publish(entries, at=at)
        return [entry.id for entry in entries]

    def send_json(self, name: str, data: str | bytes, *, id: str | None = None, at: datetime | None = None) -> str:
        """The same for an event by name, its data as JSON. Raises EventError."""
        event_type = self._worker.definitions.event_named(name)
        checked = event_type.encode(event_type.decode(data)).decode()
        [entry] = self.entries([(event_type, checked)], id)
        self.publish([entry], at=at)
        return entry.id

    def entries(self, events: Sequence[tuple[EventType[Any], str]], id: str | None) -> list[Entry]:
        """Events on their way to the bus."""
        if id is not None and (type(id) is not str or not 1 <= len(id) <= MAX_ID):
            raise UsageError(f"an event's id is a string of 1 to {MAX_ID} characters, not {id!r}")
        ids = [self._new_id() if id is None else id if len(events) == 1 else f"{id}:{number}" for number in range(len(events))]
        now = self._worker.now()
        app = self._worker.definitions.app
        return [
            Entry(
                name=event_type.name,
                source=source_of(app, event_type),
                detail=detail_of(data, Envelope(id=given, sent_at=now, hops=self._hops)),
                id=given,
            )
            for given, (event_type, data) in zip(ids, events, strict=True)
        ]

    def publish(self, entries: Sequence[Entry], *, at: datetime | None = None) -> None:
        """Put the events on the bus, now or at that time."""
        ports = self._worker.ports
        if at is None or milliseconds(check_instant(at, "send(at=)")) <= self._worker.now():
            ports.bus.publish(entries)
            return
        for entry in entries:
            message = Publish(name=entry.name, source=entry.source, detail=entry.detail, id=entry.id)
            ports.timers.arm(keys.digest("publish", entry.id), milliseconds(at), self._worker.outgoing("default", message))

    def invoke(self, function: Function[Any, Any], data: Any, *, id: str | None = None) -> Run[Any]:
        """Start a function directly, without an event. Raises UsageError, EventError, CodecError."""
        definition, raw, event_name = encode_data(
            self._worker.definitions, function, data, f"invoke of {getattr(function, 'name', function)!r}"
        )
        event_id = id or self._new_id()
        run = keys.run_id(definition.name, "~invoke", event_id)
        start = Start(
            run=run,
            function=definition.name,
            data=raw,
            event_name=event_name,
            event_id=event_id,
            event_at=self._worker.now(),
            event_source=source_of(self._worker.definitions.app),
            hops=self._hops,
        )
        self._worker.send(definition.worker, start)
        return Run(run, self.reader)

    # ---- runs --------------------------------------------------------------------------------------------------------

    def runs(self, query: RunsQuery) -> list[Run[Any]]:
        """The newest runs that fit. Raises FunctionNotFound."""
        if query.function is not None and not query.function.endswith(".undo"):
            self._worker.definitions.function(query.function)
        return self.reader.runs(query)

    def cancel(self, run: str, *, reason: str = "cancelled by request") -> None:
        """Cancel the run; a run that has ended stays as it is. Returns after the commit. Raises RunNotFound."""
        if cancel_run(self._worker, run, reason=reason) is None:
            raise RunNotFound(f"no run {run!r} to cancel: `milepost runs` lists those that there are")

    def commit_cancel(self, run: str, *, reason: str) -> bool:
        """Commit the cancel and leave what follows (handlers, compensations, children) to a worker. False when the run has ended
        already. Raises RunNotFound.
        """
        worker = self._worker
        try:
            header = lease.cancel(worker.ports.table, run, now=worker.now(), reason=reason)
        except ConditionFailed:
            self.reader.header(run)
            return False
        worker.poke(run, header.group)
        return True

    def pause(self, run: str, *, reason: str = "paused by request") -> bool:
        """Stop a run until it is resumed; False when it has ended or is paused already. Raises RunNotFound."""
        self.reader.header(run)
        return pause_run(self._worker, run, reason=reason)

    def resume(self, run: str) -> bool:
        """Let a paused run go on; False when it is not paused. Raises RunNotFound."""
        self.reader.header(run)
        return resume_run(self._worker, run)

    def rerun(self, run: str, *, from_step: str | None = None, input: object = None) -> Run[Any]:
        """Run it again, as a run of its own: from the start, or with what was recorded before a step. `input` replaces the
        event's data, or the arguments of that step.run. Raises RunNotFound, StepNotFound, FunctionNotFound, EventError, UsageError.
        """
        worker = self._worker
        original = self.reader.header(run)
        if original.role != "function":
            raise UsageError(f"run {run} is a handler's or an undo run: rerun the run it is about, {original.subject}")
        definition = worker.definitions.functions.get(original.function)
        if definition is None:
            raise FunctionNotFound(f"run {run} is of function {original.function!r}, which is not deployed any more")
        origins = get_origin(worker, original)
        path = None if from_step is None else self._path_of(original, from_step)
        if input is not None and path is not None:
            origins = self._edited(origins, original, path, input)
        elif input is not None:
            origins = Origins(self._checked_input(original, input))
        else:
            origins = Origins(origins.data)
        return Run(self._put_rerun(original, origins, path), self.reader)

    def _checked_input(self, original: Header, input: object) -> str:
        definition = self._worker.definitions.function(original.function)
        raw = input if isinstance(input, str | bytes) else self._encoded(input)
        definition.decode_event(original.event_name, raw)
        return raw if isinstance(raw, str) else raw.decode()

    def _encoded(self, input: object) -> str:
        try:
            return encoded_event(self._worker.definitions, input)[1]
        except EventError:
            return msgspec.json.encode(input).decode()

    def _edited(self, origins: Origins, original: Header, path: str, input: object) -> Origins:
        """With other arguments for the step. Raises UsageError for one that has none."""
        item = self._worker.ports.table.get(keys.step(original.run, path))
        kind = "group of branches" if item is None else item["kind"]
        if kind != "run":
            shown = keys.unescape_path(path)
            raise UsageError(
                f"input= replaces the arguments of a step.run, and {shown!r} is a {kind}: leave input= out, or name a step.run"
            )
        return msgspec.structs.replace(origins, arguments=msgspec.json.encode(input).decode())

    def _path_of(self, original: Header, step: str) -> str:
        journal = Journal(self._worker.ports.table, original.run, epoch=0, ttl=0)
        journal.load()
        records = sorted(journal.all(), key=order_of)
        shown = {keys.unescape_path(record.path): record.path for record in records}
        path = shown.get(step) or (step if step in shown.values() else None)
        if path is None:
            groups = [known for known in shown if known.startswith(f"{step}/")]
            if groups:
                return "/".join(keys.escape(part) for part in step.split("/"))
            names = ", ".join(repr(name) for name in list(shown)[:10]) or "none"
            raise StepNotFound(f"run {original.run} has no step {step!r}; its steps are {names}")
        return path

    def _put_rerun(self, original: Header, origins: Origins, path: str | None) -> str:
        """The n-th rerun of a run has the same id for everybody: the first free number is ours."""
        worker = self._worker
        number = 1
        while True:
            run = keys.rerun_id(original.run, number)
            now = worker.now()
            start = Start(
                run=run,
                function=original.function,
                data=origins.data,
                event_name=original.event_name,
                event_id=original.event_id,
                event_at=original.event_at,
                event_source=original.event_source,
                hops=original.hops,
            )
            header = msgspec.structs.replace(
                unborn(worker, start, original.group, now=now),
                status=after(None, Move.SCHEDULE),
                rerun_of=original.run,
                from_step=path,
                due_shard=keys.due_shard(keys.shard(run)),
                next_due=now,
            )
            try:
                put_header(worker.ports.table, put_origin(worker, header, origins, Absent()))
            except ConditionFailed:
                number += 1
                continue
            worker.send(header.group, Poke(run=run))
            return run

    # ---- callbacks ---------------------------------------------------------------------------------------------------

    def succeed(self, token: str, value: object) -> None:
        """Answer a callback. Raises UsageError, RunNotFound, ValueNotStorable."""
        callbacks.succeed(self._worker, Token.of(token), value)

    def fail(self, token: str, error: str | Exception) -> None:
        """Fail a callback. Raises UsageError, RunNotFound."""
        failing = Failing(type="milepost.errors.StepError", message=error) if isinstance(error, str) else Failing.of(describe(error))
        callbacks.fail(self._worker, Token.of(token), failing)

    def heartbeat(self, token: str) -> None:
        """Put off a callback's time-out. Raises UsageError, RunNotFound."""
        callbacks.heartbeat(self._worker, Token.of(token))
