"""From lease to suspend or end: what one worker invocation does for one run.

    acquire ─▶ read history ─▶ run the body ─┬▶ waits       children started, pending steps written, timer armed ─▶ suspend
                    ▲                        ├▶ out of time  release ─▶ continuation
                    │                        ├▶ diverged     pause
                    │                        └▶ over         end ─▶ settle
                    └── the inbox has moved: take that first, then read again, and go on

The steps are those of docs/design/protocols.md M1; each has a counterexample there for leaving it out.
"""

from collections.abc import Iterable
from contextlib import nullcontext

import msgspec

from milepost.engine import cancels, keys, lease, starting, waits
from milepost.engine.body import Diverged, Lost, OutOfTime, Raised, Returned, Suspended, run_body
from milepost.engine.facts import Replayed, Retried, RunEnded, RunPaused
from milepost.engine.interrupts import Fenced, Unserved
from milepost.engine.lifecycle import Move
from milepost.engine.messages import Poke, TimerDue, encode
from milepost.engine.operations import next_attempt
from milepost.engine.origins import Origins, get_origin
from milepost.engine.ports import ConditionFailed, Item, Outgoing
from milepost.engine.records import Failing, Header, Outcome, Packed
from milepost.engine.rerunning import copy_history
from milepost.engine.retention import extend, is_near_expiry, look_again_at
from milepost.engine.settle import cancel_run, disarm, forget_waits, is_quiet, settle, timer_name
from milepost.engine.slice import Pending, Slice, failing
from milepost.engine.starting import write_down
from milepost.engine.worker import Moved, Worker
from milepost.functions import FunctionDefinition
from milepost.options import Retry
from milepost.runs import RunStatus

_RESULT_LIMIT = 300
"""Bytes of a result, or of an error, that the header has room for."""
_CHUNK = 100


class Drive:
    """One slice of one run whose lease is ours."""

    def __init__(self, worker: Worker, definition: FunctionDefinition, header: Header, *, deadline_ms: int, after_crash: bool) -> None:
        self._worker = worker
        self._definition = definition
        self._header = header
        self._seen = header.inbox
        self._slice = Slice(worker, definition, header, deadline_ms=deadline_ms, after_crash=after_crash)
        self.path = ""
        self.retry: Retry = definition.retry
        self.superseded = False
        """Another drives the run now, or may: our message is not to be acknowledged."""

    @property
    def slice(self) -> Slice:
        """For the body's own retries, which follow the same policy as a step's."""
        return self._slice

    def go(self, origins: Origins | None, *, is_new: bool, due_at: int = 0) -> None:
        """Drive the run as far as it goes. Returns when the message may be acknowledged."""
        header, naming = self._header, self._worker.naming
        ids = {"run_id": header.run, "function": header.function, "event_id": header.event_id}
        try:
            with nullcontext() if naming is None else naming(ids):
                self._go(origins, is_new=is_new, due_at=due_at)
        except (Exception, Unserved) as error:
            failure = error.error if isinstance(error, Unserved) else error
            failure.add_note(f"while run {self._header.run} of {self._header.function} was driven: its message comes back")
            self._live_on()
            raise

    def _live_on(self) -> None:
        """A service has failed, the worker lives: the step that it noted has not killed it."""
        if not self._slice.has_noted:
            return
        try:
            lease.forget_doing(self._worker.ports.table, self._header)
        except Exception as error:  # noqa: BLE001 - what failed first is raised
            self._worker.log.warning(
                "a step may be taken for one that has killed its worker: a service failed while it ran, and when this was to be noted",
                run_id=self._header.run,
                function=self._header.function,
                error=f"{type(error).__name__}: {error}",
            )

    def _go(self, origins: Origins | None, *, is_new: bool, due_at: int) -> None:
        slice_ = self._slice
        slice_.run_now = max(slice_.run_now, due_at)
        if not is_new:
            slice_.journal.load()
            if self._worker.notice is not None:
                self._worker.notice(Replayed(self._header.function, self._header.run, slice_.journal.count))
            if slice_.journal.is_superseded:  # we stood still between taking the lease and reading
                self._lose()
                return
            if is_near_expiry(self._worker, slice_.journal.oldest_ttl) or is_near_expiry(self._worker, self._header.ttl):
                extend(self._worker, self._header, slice_.journal)
            if not self._count_death():
                return
        origins = origins or get_origin(self._worker, self._header)
        if self._header.covered == 0 and self._is_cancelled(origins):
            return
        try:
            self._prepare_rerun(origins)
            while not self._round(origins):
                slice_.rewind()
        except Fenced:  # while writing down what the body waits for: a later slice has done so
            self._lose()

    # ---- before the body ---------------------------------------------------------------------------------------------

    def _count_death(self) -> bool:
        """The slice before us noted which step it began, and died in it."""
        doing = self._header.doing
        if doing is None:
            return True
        record = self._slice.journal.peek(doing)
        deaths = self._header.deaths
        if record is None or not record.is_final:
            deaths = {**deaths, doing: deaths.get(doing, 0) + 1}
        try:
            self._header = lease.note_deaths(self._worker.ports.table, self._header, deaths)
        except ConditionFailed as lost:
            self._withdraw(lost.item)
            return False
        self._slice.header = self._header
        return True

    def _is_cancelled(self, origins: Origins) -> bool:
        """cancel_on: rows and look-back, before the first step of a run that has never been suspended."""
        found = cancels.cancelling(self._definition, self._header, origins.data)
        if not found:
            return False
        reason = cancels.register(self._worker, self._header, found)
        if reason is None:
            return False
        cancel_run(self._worker, self._header.run, reason=reason)
        self._lose()
        return True

    def _prepare_rerun(self, origins: Origins) -> None:
        """A rerun from a step begins with the records of the original that were written before that step's first."""
        header = self._header
        if header.from_step is None or header.rerun_of is None:
            return
        if origins.arguments is not None:
            self._slice.arguments = (header.from_step, origins.arguments)
        if header.covered == 0:
            copy_history(self._worker, header, has_order=self._definition.is_async)
            self._slice.rewind()

    # ---- one round of the body ---------------------------------------------------------------------------------------

    def _round(self, origins: Origins) -> bool:
        """Run the body and commit what came of it; False when the history has moved and the body has to run again."""
        header = self._header
        if header.retry_at is not None and not self._slice.is_due(header.retry_at):
            return self._suspend(header.retry_at, header.attempt)
        match run_body(self._slice, origins):
            case Suspended():
                return self._suspend(None, header.attempt)
            case Returned() | Raised(is_final=True) if self._slice.leaves(""):
                return self._suspend(None, header.attempt)
            case Returned(result):
                return self._complete(result)
            case Raised(error, is_final):
                return self._fail_or_retry(error, is_final=is_final)
            case Diverged(error):
                return self._pause(str(error))
            case OutOfTime():
                return self._hand_over()
            case Lost():
                self._lose()
                return True

    def _lose(self) -> None:
        """The run is not ours any more: see what has become of it."""
        self._withdraw(self._worker.ports.table.get(self._header.key))

    def _withdraw(self, item: Item | None) -> None:
        """Ended under our lease: we settle, for only we know that nothing of ours is in flight. Paused: we give the lease
        back. Taken by another: our message stays, in case that other is its own redelivery; resumed meanwhile: it stays, too.
        """
        stands = None if item is None else Header.from_item(item)
        if stands is None:
            return
        ours = stands.epoch == self._header.epoch
        if stands.status.is_terminal:
            if ours:
                settle(self._worker, stands)
        elif ours and stands.status in (RunStatus.PAUSED, RunStatus.WAITING):
            self.superseded = lease.release(self._worker.ports.table, stands)
        else:
            self.superseded = stands.status is not RunStatus.PAUSED

    # ---- suspend -----------------------------------------------------------------------------------------------------

    def _suspend(self, retry_at: int | None, attempt: int) -> bool:
        pending = list(self._slice.pending.values())
        written = self._write_pending(pending)
        if written is not None:
            return written
        now = self._worker.now()
        settings = self._worker.settings
        dues = (retry_at, self._slice.resume_at, *(one.record.due_at for one in pending))
        earliest = min((due_at for due_at in dues if due_at is not None), default=None)
        armed = self._arm(earliest)
        checkup = now + settings.checkup_ms
        idle = 0 if self._slice.journal.written else self._header.idle + 1
        if idle >= settings.max_idle_slices:
            return self._pause(f"{idle} slices in a row recorded nothing new: it is woken again and again but never gets on")
        rest = lease.Rest(
            now=self._slice.run_now,
            next_due=checkup if earliest is None else min(earliest, checkup),
            armed=armed,
            attempt=attempt,
            retry_at=retry_at,
            idle=idle,
            undo=self._slice.has_undo,
            said=None if self._slice.resume_at is None else self._header.epoch,
        )
        try:
            lease.suspend(self._worker.ports.table, self._header, rest, seen=self._seen)
        except ConditionFailed as lost:
            return self._moved(lost)
        self._observe(RunStatus.WAITING, _waits_for(pending, retry_at))
        return True

    def _write_pending(self, pending: list[Pending]) -> bool | None:
        """Records and starts, a few at a time; None when all stand as they were meant to."""
        new = [place for place, one in enumerate(pending) if not one.recorded or one.start is not None]
        overtaken = False
        for begin in range(0, len(new), _CHUNK):
            if begin and not self._slice.has_time():
                return self._hand_over()
            chunk = new[begin : begin + _CHUNK]
            standing = write_down(self._slice, [pending[place] for place in chunk])
            for place, stands in zip(chunk, standing, strict=True):  # of what another slice has begun its due time counts
                pending[place] = stands
            overtaken = overtaken or any(one.record.is_final for one in standing)
        if skipped := [*waits.unreached(self._slice), *starting.unreached(self._slice)]:
            self._slice.journal.put_many(skipped)
        return False if overtaken else None  # a completer was faster: the body can go on

    def _arm(self, earliest: int | None) -> int | None:
        """One physical timer for the run, armed only when it is another than the one that is armed already, and that can still
        fire: of one that is due nobody knows whether it has, perhaps for this very slice.
        """
        header = self._header
        if earliest is not None and (earliest != header.armed or earliest <= self._worker.now()):
            message = Outgoing(group=header.group, body=encode(TimerDue(run=header.run, due_at=earliest)))
            self._worker.ports.timers.arm(timer_name(header.run, earliest), earliest, message)
        return earliest

    def _moved(self, lost: ConditionFailed) -> bool:
        """Fenced, or somebody left word: then take that first; the history is read after it."""
        if lease.is_fenced(lost, self._header.epoch):
            self._withdraw(lost.item)
            return True
        stands = Header.from_item(lost.item or {})
        self._seen = stands.inbox
        self._slice.run_now = max(self._slice.run_now, stands.now)
        return False

    # ---- hand over, pause --------------------------------------------------------------------------------------------

    def _hand_over(self) -> bool:
        """Release, then send, then acknowledge: in this order, or the continuation meets our own lease and is lost."""
        idle = 0 if self._slice.journal.written else self._header.idle + 1
        if idle >= self._worker.settings.max_idle_slices:
            return self._pause(f"{idle} slices in a row recorded nothing new: no step fits into the time of one invocation")
        try:
            lease.hand_over(self._worker.ports.table, self._header, now=self._slice.run_now, idle=idle, next_due=self._worker.now())
        except ConditionFailed as lost:
            self._withdraw(lost.item)
            return True
        self._worker.send(self._header.group, Poke(run=self._header.run))
        self._observe(RunStatus.WAITING, "continues in another slice")
        return True

    def _pause(self, reason: str) -> bool:
        try:
            lease.pause(self._worker.ports.table, self._header, reason=reason, look_at=look_again_at(self._worker), holder=True)
        except ConditionFailed as lost:
            self._withdraw(lost.item)
            return True
        self._worker.log.error("the run is paused", run_id=self._header.run, function=self._header.function, reason=reason)
        self._observe(RunStatus.PAUSED, reason)
        if self._worker.notice is not None:
            self._worker.notice(RunPaused(self._header.function, self._header.run, reason))
        return True

    # ---- end ---------------------------------------------------------------------------------------------------------

    def _fail_or_retry(self, error: BaseException, *, is_final: bool) -> bool:
        due_at = None if is_final else next_attempt(self, error, self._header.attempt)
        if due_at is None:
            return self._end(Move.FAIL, None, failing(error, None))
        self._worker.log.warning(
            "the body failed and is tried again",
            run_id=self._header.run,
            function=self._header.function,
            error=f"{type(error).__name__}: {error}",
            attempt=self._header.attempt,
        )
        if self._worker.notice is not None:
            self._worker.notice(Retried(self._header.function, self._header.run, ""))
        self._slice.pending = {}
        while not self._suspend(due_at, self._header.attempt + 1):
            pass  # word has come meanwhile: it is in the history, and the next attempt will read it, not before its time
        return True

    def _complete(self, result: str) -> bool:
        try:
            packed = self._slice.pack(result, f"the result of {self._header.function}")
        except Exception as error:  # noqa: BLE001 - too large a result fails the run, as a result that cannot be stored does
            return self._end(Move.FAIL, None, failing(error, None))
        return self._end(Move.COMPLETE, packed, None)

    def _end(self, move: Move, result: Packed | None, error: Failing | None) -> bool:
        header, table = self._header, self._worker.ports.table
        now = self._worker.now()
        ended_in, short_result, short_error = self._put_outcome(result, error)
        records = self._slice.journal.all()
        quiet = is_quiet(header, self._definition, records, move)
        if quiet:
            forget_waits(self._worker, header, records)
        ending = lease.Ending(
            move=move, result=short_result, error=short_error, ended_in=ended_in, undo=self._slice.has_undo, settled=quiet
        )
        try:
            ended = lease.finish(table, header, ending, now=now, ttl=self._worker.ttl(now))
        except ConditionFailed as lost:
            self._withdraw(lost.item)
            return True
        self._observe(ended.status, "" if error is None else str(error.info()))
        if self._worker.notice is not None:
            self._worker.notice(RunEnded(header.function, header.run, ended.status, max(0, now - header.created_at)))
        if quiet:
            disarm(self._worker, header)
        else:
            settle(self._worker, ended)
        return True

    def _put_outcome(self, result: Packed | None, error: Failing | None) -> tuple[int | None, Packed | None, Failing | None]:
        """What the header has no room for goes into a row of its own, named by the epoch: a zombie cannot overwrite it."""
        small = result is None or (result.text is not None and len(result.text.encode()) <= _RESULT_LIMIT)
        if small and error is None:
            return None, result, None
        header = self._header
        key = keys.result_row(header.run, header.epoch)
        row = Outcome(pk=key.pk, sk=key.sk, result=result, error=error, ttl=self._worker.ttl(self._worker.now()))
        self._worker.ports.table.put(row.to_item())
        short = None if error is None else msgspec.structs.replace(error, message=error.message[:_RESULT_LIMIT], traceback="")
        return header.epoch, None, short

    def _observe(self, status: RunStatus, note: str) -> None:
        header = self._header
        self._worker.observe(Moved(header.run, header.function, status, self._worker.now(), note))


def _waits_for(pending: Iterable[Pending], retry_at: int | None) -> str:
    names = [f"{one.record.kind} {one.record.path}" for one in pending]
    if retry_at is not None:
        return "tries again later"
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
