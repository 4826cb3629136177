"""Runs the body of a slice and says how that ended; knows the three shapes of a body: function, handler, undo run."""

from typing import TypeAlias, cast

import msgspec

from milepost.codec import Codec
from milepost.engine.ambient import CURRENT, Ambient
from milepost.engine.interrupts import Abandoned, Fenced, HandOver, Suspend
from milepost.engine.origins import Origins, get_header, get_origin
from milepost.engine.records import Header
from milepost.engine.running import RunOperation, without_result
from milepost.engine.slice import Pending, Slice, Undo
from milepost.engine.steps import BodyStep
from milepost.engine.worker import Worker
from milepost.errors import CodecError, MilepostError, NonDeterminismError, RetryAfterError, StepError
from milepost.events import Failure
from milepost.functions import FunctionDefinition


class Returned(msgspec.Struct, frozen=True):
    """It returned; the JSON of its result."""

    result: str


class Raised(msgspec.Struct, frozen=True):
    """It raised; `is_final` when no retry can mend it."""

    error: BaseException
    is_final: bool


class Suspended(msgspec.Struct, frozen=True):
    """It waits for what is pending in the slice."""


class Diverged(msgspec.Struct, frozen=True):
    """The code does not fit the history: the run is paused."""

    error: NonDeterminismError


class OutOfTime(msgspec.Struct, frozen=True):
    """Another has to go on."""


class Lost(msgspec.Struct, frozen=True):
    """The run is no longer ours."""


Ended: TypeAlias = Returned | Raised | Suspended | Diverged | OutOfTime | Lost


def run_body(slice_: Slice, origins: Origins) -> Ended:
    """Run the body from its beginning, replaying what is recorded. Raises Unserved, whatever the body made of it."""
    slice_.is_idle = False
    ambient = CURRENT.set(Ambient(slice_.outside, slice_.header.run, slice_.header.hops))
    try:
        ended = _run(slice_, origins)
    finally:
        CURRENT.reset(ambient)
        slice_.is_idle = True
    slice_.outage.check()
    return ended


def _run(slice_: Slice, origins: Origins) -> Ended:
    try:
        value = _call(slice_, origins)
    except Suspend:
        return _unless_misused(slice_, Suspended())
    except HandOver:
        return _unless_misused(slice_, OutOfTime())  # the next slice would know nothing of it
    except (Fenced, Abandoned):
        return Lost()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a body raises is its failure, sys.exit() too
        return _unless_misused(slice_, _raised(error))
    if slice_.misuse is not None:
        return _unless_misused(slice_, Suspended())
    return _encoded(slice_, value)


def _unless_misused(slice_: Slice, ended: Ended) -> Ended:
    """A misuse that the body swallowed has the word."""
    match slice_.misuse:
        case None:
            return ended
        case NonDeterminismError() as error:
            return Diverged(error)
        case error:
            return Raised(error, is_final=True)


def _raised(error: BaseException) -> Ended:
    """A group, as a TaskGroup raises it, is final when each error in it is; of one error it says no more than that error."""
    leaves = _leaves(error)
    for leaf in leaves:
        if isinstance(leaf, NonDeterminismError):
            return Diverged(leaf)
    return Raised(leaves[0] if len(leaves) == 1 else error, is_final=all(_is_final(leaf) for leaf in leaves))


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return [leaf for inner in group.exceptions for leaf in _leaves(inner)]
    return [error]


def _is_final(error: BaseException) -> bool:
    if isinstance(error, StepError):  # whatever it was raised as in the step, which had its retries
        return True
    return isinstance(error, MilepostError) and not isinstance(error, RetryAfterError)


def _encoded(slice_: Slice, value: object) -> Ended:
    if slice_.header.role == "undo":
        return Returned("null")
    try:
        raw, _seen = slice_.definition.result.round_trip(value, f"the result of {slice_.definition.name}")
    except CodecError as error:
        return Raised(error, is_final=True)
    return Returned(raw.decode())


def _call(slice_: Slice, origins: Origins) -> object:
    if slice_.header.role == "undo":
        _undo(slice_)
        return None
    definition = slice_.definition
    data = definition.decode_event(slice_.header.event_name, origins.data)
    failure = (Codec.of(Failure).decode(origins.failure or "{}", "the failure"),) if definition.takes_failure else ()
    if definition.is_async:
        from milepost.engine.aio.steps import run_async

        return run_async(slice_, lambda own: definition.body(data, own, *failure))
    step = BodyStep(slice_)
    value = definition.body(data, step, *failure)
    step.require_not_swallowed()
    return value


def _undo(slice_: Slice) -> None:
    """Compensate the steps of the ended run, the last one first. One that fails for good does not keep the others from
    being tried; the undo run then fails with the first such error.
    """
    operations = [RunOperation(slice_, f"~undo/{undo.path}", without_result(undo.call), (), {}) for undo in compensations(slice_)]
    if slice_.definition.is_async:
        from milepost.engine.aio.steps import perform_all, run_async

        failures = run_async(slice_, lambda step: perform_all(step, operations))
    else:
        step = BodyStep(slice_)
        failures = [error for operation in operations if (error := _failure_of(step, operation)) is not None]
    if failures:
        raise failures[0]


def _failure_of(step: BodyStep, operation: RunOperation) -> MilepostError | None:
    try:
        step.perform(operation)
    except MilepostError as error:
        return error
    return None


def compensations(slice_: Slice) -> list[Undo]:
    """Replay the ended run's body over its history, start nothing, and collect the compensations of the steps that are
    done, the last one first. The replay stops at the first unrecorded step, or at the failure that is recorded.
    """
    header = get_header(slice_.worker.ports.table, slice_.header.subject or "")
    if header is None:
        return []
    replayed, ended = _replay_ended(slice_.outside, slice_.definition, header)
    if isinstance(ended, Diverged):
        raise ended.error
    missed = [
        record.path
        for record in replayed.journal.all()
        if record.undo and record.status == "completed" and record.path not in replayed.undos
    ]
    if missed:
        raise NonDeterminismError(
            f"run {header.run} of {header.function} is to be undone, and its body no longer comes to {', '.join(map(repr, missed))}, which "
            "has a compensation: there is a new step before it, or it is gone. Branch with step.patched(), then deploy: the undo goes on."
        )
    return sorted(replayed.undos.values(), key=lambda undo: undo.order, reverse=True)


def unrecorded(worker: Worker, definition: FunctionDefinition, header: Header) -> list[Pending]:
    """What the ended run's last slice may have begun to wait for without living to record it, children above all."""
    replayed, _ended = _replay_ended(worker, definition, header)
    return [pending for pending in replayed.pending.values() if not pending.recorded]


def _replay_ended(worker: Worker, definition: FunctionDefinition, header: Header) -> tuple[Slice, Ended]:
    replayed = Slice(worker, definition, header, deadline_ms=0, frozen=True)
    replayed.journal.load()
    return replayed, run_body(replayed, get_origin(worker, header))
