"""step.run: a user's function, run to success once. Owns retries, at-most-once, compensation, and edited arguments."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, cast

import msgspec

from milepost.codec import arguments_digest, decode_arguments, return_codec
from milepost.engine.facts import Retried, StepEnded
from milepost.engine.journal import completed, failed
from milepost.engine.operations import Commit, Done, Recorded, State, Work, next_attempt, recorded_error, rest
from milepost.engine.ports import Absent
from milepost.engine.records import Failing, Kind, Record
from milepost.engine.slice import Slice, Undo, failing
from milepost.errors import CodecError, ErrorInfo, StepInterrupted, WorkerCrashed
from milepost.options import Retry


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Per-step options."""

    retry: Retry | None = None
    once: bool = False
    timeout_ms: int | None = None
    compensate: Callable[..., object] | None = None


NO_OPTIONS = RunOptions()


NOT_RECORDED = object()


def recall(slice_: Slice, path: str, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The recorded value of a step without options, or NOT_RECORDED: the short way of a replay, for what is most frequent.
    Whatever is out of the ordinary takes the long way, by a RunOperation.
    """
    record = slice_.journal.get(path)
    if record is None or record.status != "completed" or record.kind != "run" or record.value is None or record.value.text is None:
        return NOT_RECORDED
    if record.digest != arguments_digest(args, kwargs):
        return NOT_RECORDED
    return return_codec(fn, slice_.definition.localns).decode(record.value.text, _ResultOf(path))


class _ResultOf:
    """What a value is, in words, if they are asked for."""

    __slots__ = ("_path",)

    def __init__(self, path: str) -> None:
        self._path = path

    def __str__(self) -> str:
        return f"the result of step {self._path!r}"


class RunOperation(Recorded):
    """step.run: run to success once, record, return the record for ever after. One write, no read."""

    kind: Kind = "run"

    __slots__ = ("_args", "_begun_at", "_digest", "_fn", "_kwargs", "_options", "_record", "path", "slice")

    def __init__(
        self,
        slice_: Slice,
        path: str,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        options: RunOptions = NO_OPTIONS,
    ) -> None:
        self.slice = slice_
        self.path = path
        self._fn = fn
        self._args = args
        self._kwargs = kwargs
        self._options = options
        self._digest = arguments_digest(args, kwargs)
        self._record: Record | None = None
        """What stands there now, if something does."""
        self._begun_at: int | None = None

    @property
    def retry(self) -> Retry:
        return self._options.retry or self.slice.definition.retry

    @property
    def _what(self) -> str:
        return f"the result of step {self.path!r}"

    def begin(self) -> State:
        record = self.slice.journal.get(self.path)
        if record is None:
            return self._attempt()
        self.slice.expect(record, self.kind)
        if record.digest is not None and record.digest != self._digest and self.slice.arguments is None:
            self._warn_arguments()
        if record.is_final:
            return self._final(record)
        self._record = record
        if record.detail.get("once"):
            return self._give_up(failing(_interrupted(self.path), self.path))
        if record.due_at is not None and not self.slice.is_due(record.due_at):
            return rest(self.slice, record)
        return self._attempt()

    def _attempt(self) -> State:
        return Work(self._prepare, self._options.timeout_ms)

    def _warn_arguments(self) -> None:
        self.slice.worker.log.warning(
            "a step is replayed with other arguments than it was recorded with; its recorded result is used",
            run_id=self.slice.header.run,
            function=self.slice.header.function,
            step=self.path,
        )

    def _prepare(self) -> Callable[[], Any]:
        self._begun_at = self.slice.worker.now()
        if self.slice.has_killed(self.path):
            raise _crashed(self.path, self.slice.worker.settings.max_deaths)
        args, kwargs = self._arguments()
        if self._options.once:
            self._begin_once()
        fn = self.slice.worker.stub(self.slice.header.function, self.path, self._fn)
        return self.slice.named(self.path, partial(fn, *args, **kwargs))

    def _arguments(self) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
        edited = self.slice.arguments
        if edited is None or edited[0] != self.path:
            return self._args, self._kwargs
        return decode_arguments(self._fn, msgspec.json.decode(edited[1]), self.slice.definition.localns)

    def _begin_once(self) -> None:
        begun = msgspec.structs.replace(self._new(), detail={"once": True})
        stands, is_ours = self.slice.journal.put(begun, Absent())
        if not is_ours:
            raise _interrupted(self.path)
        self._record = stands

    def _new(self) -> Record:
        if self._record is None:
            now = self.slice.worker.now()
            record = self.slice.journal.record(self.path, self.kind, now, self._digest)
            # Made when the call has returned; the step's time began before it.
            self._record = msgspec.structs.replace(record, started_at=now if self._begun_at is None else self._begun_at)
            if self._options.compensate is not None:
                self._record = msgspec.structs.replace(self._record, undo=True)
        return self._record

    def succeeded(self, value: Any, /) -> State:
        try:
            raw, seen = return_codec(self._fn, self.slice.definition.localns).round_trip(value, self._what)
            packed = self.slice.pack(raw, self._what)
        except CodecError as error:
            return self.failed(error)
        now = self.slice.worker.now()
        if self._record is None:
            begun_at = now if self._begun_at is None else self._begun_at
            undo = self._options.compensate is not None
            ours = self.slice.journal.completed(self.path, self.kind, packed, begun_at, now, digest=self._digest, undo=undo)
        else:
            ours = completed(self._record, packed, now)
            ours = msgspec.structs.replace(ours, attempts=self._record.attempts + 1, detail={})

        def committed(stands: Record, is_ours: bool) -> State:
            if not is_ours:
                return self._final(stands)
            self._tell(stands)
            if self._options.compensate is not None:
                self._keep_undo(stands, seen)
            return Done(seen)

        return Commit(ours, committed)

    def failed(self, error: BaseException, /) -> State:
        record = self._new()
        attempts = record.attempts + 1
        due_at = None if self._options.once else next_attempt(self, error, attempts)
        if due_at is None:
            self._record = msgspec.structs.replace(record, attempts=attempts)
            return self._give_up(failing(error, self.path))
        resting = msgspec.structs.replace(record, attempts=attempts, due_at=due_at, error=failing(error, self.path))
        return Commit(resting, self._stands)

    def _give_up(self, error: Failing) -> State:
        return Commit(failed(self._new(), error, self.slice.worker.now()), self._stands)

    def _tell(self, stands: Record) -> None:
        """What has become of an attempt of ours, for whoever counts."""
        notice, header = self.slice.worker.notice, self.slice.header
        if notice is None:
            return
        if not stands.is_final:
            notice(Retried(header.function, header.run, self.path))
            return
        ended_at = stands.ended_at or 0
        took_ms = max(0, ended_at - (self._begun_at or ended_at))
        notice(StepEnded(header.function, header.run, self.path, stands.status == "completed", took_ms, max(1, stands.attempts)))

    def _stands(self, stands: Record, is_ours: bool) -> State:
        if is_ours:
            self._tell(stands)
        if stands.is_final:
            return self._final(stands)
        self._record = stands
        return rest(self.slice, stands)

    def _final(self, record: Record) -> State:
        if record.status == "failed":
            raise recorded_error(record)
        codec = return_codec(self._fn, self.slice.definition.localns)
        packed = record.value
        text = packed.text if packed is not None and packed.text is not None else self.slice.unpack(packed)
        value = codec.decode(text, self._what)
        if self._options.compensate is not None:
            self._keep_undo(record, value)
        return Done(value)

    def keep_recorded_undo(self) -> None:
        """In the replay of an ended run: what is recorded as done is to be undone, though the body may not have come to see it."""
        record = self.slice.journal.peek(self.path)
        if record is not None and record.status == "completed" and self._options.compensate is not None:
            self._final(record)

    def _keep_undo(self, record: Record, value: Any) -> None:
        compensate = self._options.compensate
        if compensate is not None:
            self.slice.has_undo = True
            self.slice.undos[self.path] = Undo((record.epoch, record.k), self.path, undo_call(compensate, value))


def undo_call(compensate: Callable[..., object], value: Any) -> Callable[[], object]:
    """A compensation takes the step's result, or nothing."""
    try:
        parameters = inspect.signature(compensate).parameters.values()
    except (TypeError, ValueError):  # a builtin that tells nothing of itself
        return lambda: compensate(value)
    takes = any(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL) for p in parameters)
    return (lambda: compensate(value)) if takes else compensate


def without_result(call: Callable[..., object]) -> Callable[..., None]:
    """The same, its result of no interest: it need not be storable. What an async function returns is awaited all the same."""

    def run(*args: object) -> None:
        value = call(*args)
        return cast(None, _to_nothing(value)) if inspect.isawaitable(value) else None

    return run


async def _to_nothing(awaitable: Awaitable[object]) -> None:
    await awaitable


def _interrupted(path: str) -> StepInterrupted:
    text = f"the worker died in step {path!r}, which runs at most once: nobody knows whether it had its effect"
    return StepInterrupted(path, ErrorInfo("milepost.errors.StepInterrupted", text, "", path))


def _crashed(path: str, deaths: int) -> WorkerCrashed:
    text = f"the worker died in step {path!r} {deaths} times: out of memory, out of time, or killed"
    return WorkerCrashed(path, ErrorInfo("milepost.errors.WorkerCrashed", text, "", path))
