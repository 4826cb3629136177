"""Runs as their owner sees them, read from the table: handles, lists, events are views, never state."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from milepost.engine import keys
from milepost.engine.journal import Journal
from milepost.engine.origins import get_header, get_outcome
from milepost.engine.ports import BY_FUNCTION, Key
from milepost.engine.records import Failing, Header, Record
from milepost.engine.values import unpack
from milepost.engine.worker import Worker
from milepost.errors import RunNotCompleted, RunNotFound
from milepost.runs import Run, RunStatus, RunView, StepRecord, StepStatus
from milepost.timestamps import instant, milliseconds

_OVER_WHEN_DUE = frozenset({"sleep", "timer"})
"""Kinds of which nobody writes that they are over."""


class RunsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs to list: newest first."""

    function: str | None = None
    status: RunStatus | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100


class Reader:
    """`RunReader` of runs.py, on a worker's table."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def header(self, run: str) -> Header:
        """The run's header. Raises RunNotFound."""
        header = get_header(self._worker.ports.table, run)
        if header is None:
            raise RunNotFound(f"no run {run!r}: `milepost runs` lists those that there are; a run is kept for 30 days after its end")
        return header

    def view(self, run: str, /) -> RunView:
        return self.view_of(self.header(run))

    def view_of(self, header: Header) -> RunView:
        """What a header says."""
        error = get_outcome(self._worker, header).error if header.status is RunStatus.FAILED else None
        return RunView(
            id=header.run,
            function=header.function,
            status=header.status,
            created_at=instant(header.created_at),
            ended_at=None if header.ended_at is None else instant(header.ended_at),
            error=None if error is None else error.info(),
            reason=header.reason,
            event_name=header.event_name,
            event_id=header.event_id,
            attempt=header.attempt,
            rerun_of=header.rerun_of,
            parent=None if header.parent is None else header.parent.run,
        )

    def result(self, run: str, /) -> Any:
        header = self.header(run)
        outcome = get_outcome(self._worker, header)
        if header.status is not RunStatus.COMPLETED:
            error = Failing(type="milepost.cancelled", message=header.reason or "") if header.reason else outcome.error
            raise RunNotCompleted(header.status.value, None if error is None else error.info())
        text = "null" if outcome.result is None else unpack(outcome.result, self._worker.ports.blobs)
        definition = self._worker.definitions.functions.get(header.function)
        if definition is None:
            return msgspec.json.decode(text)
        return definition.result.decode(text, f"the result of {header.function}")

    def steps(self, run: str, /) -> list[StepRecord]:
        header = self.header(run)
        journal = Journal(self._worker.ports.table, run, epoch=0, ttl=0)
        journal.load()
        records = sorted(journal.all(), key=lambda record: (record.started_at, record.epoch, record.k))
        return [self._step(record, self._shown_status(record, header)) for record in records]

    def _shown_status(self, record: Record, header: Header) -> StepStatus:
        """What is left pending on purpose, to save a write, is shown as what it is: a sleep that is over, a group of branches
        that the run got past, what an ended run waited for.
        """
        if record.is_final:
            return record.status
        if record.kind in _OVER_WHEN_DUE and (record.due_at or 0) <= min(self._worker.now(), header.ended_at or self._worker.now()):
            return "completed"
        if not header.status.is_terminal:
            return "pending"
        return "completed" if header.status is RunStatus.COMPLETED and record.kind == "map" else "cancelled"

    def _step(self, record: Record, status: StepStatus) -> StepRecord:
        scope, _, name = record.path.rpartition("/")
        ended = record.due_at if record.kind in _OVER_WHEN_DUE and status == "completed" else record.ended_at
        value = None if record.value is None else msgspec.json.decode(unpack(record.value, self._worker.ports.blobs))
        return StepRecord(
            name=keys.unescape(name),
            scope=keys.unescape_path(scope),
            kind=record.kind,
            status=status,
            result=value,
            error=None if record.error is None else record.error.info(),
            attempts=record.attempts,
            started_at=instant(record.started_at),
            ended_at=None if ended is None else instant(ended),
            due_at=None if record.due_at is None else instant(record.due_at),
        )

    def runs(self, query: RunsQuery) -> list[Run[Any]]:
        """The newest runs of one function, or of all; handlers and undo runs among them."""
        return [Run(header.run, self) for header in self.headers(query)]

    def headers(self, query: RunsQuery) -> list[Header]:
        """Their headers."""
        found: list[Header] = []
        for function in self._functions(query.function):
            found += self._of(function, query)
        found.sort(key=lambda header: (header.created_at, header.run), reverse=True)
        return found[: query.limit]

    def _functions(self, function: str | None) -> list[str]:
        if function is not None:
            return [function]
        names = list(self._worker.definitions.functions)
        return [*names, *(f"{name}.undo" for name in names)]

    def _of(self, function: str, query: RunsQuery) -> list[Header]:
        found: list[Header] = []
        for number in range(keys.SHARDS):
            wanted = query.limit
            for header in self._shard(keys.function_shard(function, number), query):
                found.append(header)
                wanted -= 1
                if wanted == 0:
                    break
        return found

    def _shard(self, shard: str, query: RunsQuery) -> Iterator[Header]:
        """Newest first; the index only names the runs, their headers say how they are."""
        table = self._worker.ports.table
        before = None if query.until is None else milliseconds(query.until)
        since = 0 if query.since is None else milliseconds(query.since)
        after: str | None = None
        while True:
            page = table.query_index(BY_FUNCTION, shard, before=before, after=after, limit=min(max(query.limit, 25), 1_000), backwards=True)
            order = {item["pk"]: position for position, item in enumerate(page.items)}
            headers = [Header.from_item(item) for item in table.get_many([Key(pk, "run") for pk in order])]
            for header in sorted(headers, key=lambda header: order[header.pk]):
                if header.created_at < since:
                    return
                if query.status is None or header.status is query.status:
                    yield header
            after = page.next
            if after is None:
                return
