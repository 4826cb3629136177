"""From the engine's records to the shapes of `--json`. Owns no words and no layout."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from milepost.cli.clouds import Window
from milepost.cli.shapes import EventShape, Failure, RunRef, RunShape, ShownRun, StepShape, WaitingShape
from milepost.dev.pending import shown_path, shown_scope, waiting_for
from milepost.engine import keys
from milepost.engine.journal import Journal
from milepost.engine.messages import ENVELOPE
from milepost.engine.origins import get_header, get_origin, get_outcome
from milepost.engine.records import Failing, Header, Packed, Record
from milepost.engine.rerunning import order_of
from milepost.engine.values import unpack
from milepost.local.event_log import LoggedEvent
from milepost.runs import RunStatus, StepStatus
from milepost.timestamps import instant, milliseconds

NULL: Final = msgspec.Raw(b"null")


def ref(header: Header) -> RunRef:
    """A run, named."""
    return RunRef(header.run, header.function, header.status)


def failure(error: Failing | None) -> Failure | None:
    """An error."""
    return None if error is None else Failure(error.type, error.message, error.step, error.traceback)


def run_shape(client: Window, header: Header, now: datetime) -> RunShape:
    """A run, as in a list."""
    error = get_outcome(client.worker, header).error if header.status is RunStatus.FAILED else None
    created = instant(header.created_at)
    ended = None if header.ended_at is None else instant(header.ended_at)
    return RunShape(
        id=header.run,
        function=header.function,
        status=header.status,
        created_at=created,
        ended_at=ended,
        duration_ms=((ended or now) - created) // timedelta(milliseconds=1),
        event=header.event_name,
        event_id=header.event_id,
        attempt=header.attempt,
        reason=header.reason,
        error=failure(error),
        parent=None if header.parent is None else header.parent.run,
        rerun_of=header.rerun_of,
        subject=header.subject,
    )


def records_of(client: Window, run: str) -> list[Record]:
    """The run's history, in the order in which its steps began."""
    journal = Journal(client.worker.ports.table, run, epoch=0, ttl=0)
    journal.load()
    return sorted(journal.all(), key=order_of)


def step_shape(client: Window, record: Record, now: datetime) -> StepShape:
    """A step. A sleep that is over is completed, though nothing was written of its end."""
    slept = record.kind == "sleep" and not record.is_final and (record.due_at or 0) <= milliseconds(now)
    ended = record.due_at if slept else record.ended_at
    child = record.detail.get("child")
    path, scope = shown_path(record.path), shown_scope(record.path)
    return StepShape(
        path=path,
        scope=scope,
        name=path[len("/".join(scope)) + 1 :] if scope else path,
        kind=record.kind,
        status="completed" if slept else record.status,
        attempts=record.attempts,
        started_at=instant(record.started_at),
        ended_at=None if ended is None else instant(ended),
        due_at=None if record.due_at is None else instant(record.due_at),
        result=_value(client, record.value),
        error=failure(record.error),
        child=None if child is None else str(child),
    )


def shown_run(client: Window, header: Header, now: datetime) -> ShownRun:
    """A run with all that is known of it."""
    records = records_of(client, header.run)
    outcome = get_outcome(client.worker, header)
    waits = [WaitingShape(one.step, one.until, one.events, one.child, one.words) for one in waiting_for(header, records, now)]
    return ShownRun(
        **msgspec.structs.asdict(run_shape(client, header, now)),
        data=msgspec.Raw(get_origin(client.worker, header).data.encode()),
        result=_value(client, outcome.result),
        waiting_for=waits,
        steps=_steps(client, records, now, failed="" if outcome.error is None else shown_path(outcome.error.step or "")),
        children=_refs(client, [str(record.detail["child"]) for record in records if "child" in record.detail]),
        related=_related(client, header.run),
    )


def _value(client: Window, packed: Packed | None) -> msgspec.Raw:
    return NULL if packed is None else msgspec.Raw(unpack(packed, client.worker.ports.blobs).encode())


def _steps(client: Window, records: list[Record], now: datetime, *, failed: str) -> list[StepShape]:
    """The steps. Of a map only its number of items is recorded: it is over when all of them are, and has failed when the
    run failed with one of them (``failed``), for a policy may allow for failures.
    """
    steps = [step_shape(client, record, now) for record in records]
    for place, (step, record) in enumerate(zip(steps, records, strict=True)):
        if step.kind not in ("map", "parallel", "race") or step.status != "pending":
            continue
        inner = [*step.scope, step.name]
        items = [one for one in steps if one.scope[: len(inner)] == inner]
        begun = {one.scope[len(inner)] if len(one.scope) > len(inner) else one.name for one in items}
        if len(begun) >= int(record.detail.get("count", 0)) and all(one.ended_at is not None for one in items):
            ended = max((one.ended_at for one in items if one.ended_at is not None), default=step.started_at)
            status: StepStatus = "failed" if failed.startswith(f"{step.path}/") else "completed"
            steps[place] = msgspec.structs.replace(step, status=status, ended_at=ended)
    return steps


def _refs(client: Window, runs: Sequence[str]) -> list[RunRef]:
    found = {header.run: ref(header) for header in headers_of(client, runs)}
    return [found[run] for run in runs if run in found]


def headers_of(client: Window, runs: Sequence[str]) -> list[Header]:
    """Those of the runs that there are."""
    items = client.worker.ports.table.get_many([keys.header(run) for run in runs])
    return [Header.from_item(item) for item in items]


def _related(client: Window, run: str) -> list[RunRef]:
    ids = [keys.handler_id(run, role) for role in ("on_failure", "on_cancel", "undo")]
    number = 1
    while get_header(client.worker.ports.table, again := keys.rerun_id(run, number)) is not None:
        ids.append(again)
        number += 1
    return _refs(client, ids)


def started(client: Window, events: Sequence[tuple[str, str]]) -> dict[str, list[RunRef]]:
    """By event id, the runs that events (name, id) have started: found by the ids that they must have."""
    wanted = {
        keys.run_id(function, name, event_id): event_id for name, event_id in events for function in client.worker.definitions.functions
    }
    found: dict[str, list[RunRef]] = {}
    ids = list(wanted)
    for begin in range(0, len(ids), 500):
        for header in sorted(headers_of(client, ids[begin : begin + 500]), key=lambda header: header.function):
            found.setdefault(wanted[header.run], []).append(ref(header))
    return found


def event_shape(event: LoggedEvent, runs: list[RunRef]) -> EventShape:
    """An event of the log, without our envelope."""
    fields = msgspec.json.decode(event.detail, type=dict[str, msgspec.Raw])
    fields.pop(ENVELOPE, None)
    return EventShape(
        id=event.id,
        name=event.name,
        source=event.source,
        at=instant(event.at_ms),
        data=msgspec.Raw(msgspec.json.encode(fields)),
        runs=runs,
    )
