"""One slice: one worker invocation's work on one run, from the lease to suspend or end.

Owns what the steps of a body share while it runs: the journal, the run's clock, what is pending, and the guard that
every step body passes before it begins. It decides nothing about the run; `drive.py` does, from what is left here.
"""

from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import Any, NoReturn

import msgspec

from milepost.engine import lease
from milepost.engine.interrupts import Abandoned, Fenced, HandOver, Interrupt, Suspend
from milepost.engine.journal import Journal
from milepost.engine.naming import in_step
from milepost.engine.order import Order
from milepost.engine.outage import Outage, guarded
from milepost.engine.ports import ConditionFailed, Outgoing
from milepost.engine.records import Failing, Header, Packed, Record
from milepost.engine.values import pack, unpack
from milepost.engine.worker import Pace, Worker
from milepost.errors import CodecError, ErrorInfo, MilepostError, NonDeterminismError, describe
from milepost.functions import FunctionDefinition


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """What the body waits for at one place: its record, and what has to be sent for it; see starting.py for the order."""

    record: Record
    recorded: bool
    """The record stands as it is."""
    start: Outgoing | None = None


class Undo(msgspec.Struct, frozen=True):
    """A compensation found while replaying an ended run: later steps are undone first."""

    order: tuple[int, int]
    path: str
    call: Callable[[], object]


class Slice:
    """What the steps of one body share. Used by several threads when branches run at once."""

    def __init__(
        self,
        worker: Worker,
        definition: FunctionDefinition,
        header: Header,
        *,
        deadline_ms: int,
        after_crash: bool = False,
        frozen: bool = False,
    ) -> None:
        self.outside = worker
        """For what the user's own code asks for."""
        self.outage = Outage()
        self.worker = worker = replace(worker, ports=guarded(worker.ports, self.outage))
        """For what the engine asks for: a port that fails ends the slice."""
        self.definition = definition
        self.header = header
        self.frozen = frozen
        """Replay only: nothing begins, nothing is written."""
        self.journal = Journal(worker.ports.table, header.run, epoch=header.epoch, ttl=worker.ttl(header.acquired_at), frozen=frozen)
        if definition.is_async:
            order = Order(header.epoch, worker.ports.blobs, header.run)
            self.journal.keep_order(order)
            if header.covered and header.retry_at is None:
                order.covered = header.covered
        self.run_now = max(header.now, worker.now() + worker.settings.skew_ms) if frozen else header.now
        """Until when delays are over; in a replay of an ended run those too that were so by the clock of another worker alone."""
        self.pending: dict[str, Pending] = {}
        self.undos: dict[str, Undo] = {}
        self.has_undo = header.undo
        self.arguments: tuple[str, str] | None = None
        """Of a rerun: a step's path and the JSON of the arguments it gets."""
        self.misuse: MilepostError | None = None
        """The first error that the body must not swallow."""
        self.waiting: dict[str, Record] = {}
        """Waits that this slice has begun, recorded yet or not."""
        self.registered: set[str] = set()
        """Waits whose rows this slice has written."""
        self.awoken: set[str] = set()
        """Sleeps that this slice has seen end, and told of."""
        self.started: set[str] = set()
        """Children that this slice has started."""
        self.resume_at: int | None = None
        """When the run is to go on, whatever else it waits for."""
        self.unpatched: set[str] = set()
        """Patches that this replay has passed without."""
        self.has_noted = False
        """Which step begins, for the case that it kills its worker."""
        self._deadline_ms = deadline_ms
        self._after_crash = after_crash
        self._checked_at = header.acquired_at
        self._has_begun = False
        """A step of its own."""
        self.is_idle = False
        """The body has ended: a branch that is still on its way, because another broke, begins nothing more."""
        self._stopped: tuple[type[Interrupt], str] | None = None
        self._decided: dict[str, int] = {}
        """Groups of branches that are decided, with the branch that counts."""
        self._lock = Lock()

    # ---- time --------------------------------------------------------------------------------------------------------

    def now(self) -> int:
        """The run's time, from which its delays count: this worker's clock, or where any before it has judged the run to be. A
        delay that began on a clock behind that would be over as soon as it began.
        """
        return max(self.worker.now(), self.run_now)

    def is_due(self, due_at: int) -> bool:
        """By this worker's clock, or by that of any before it. What was judged due once stays due."""
        if due_at <= self.run_now:
            return True
        if due_at <= self.worker.now():
            with self._lock:
                self.run_now = max(self.run_now, due_at)
            return True
        return False

    def has_time(self) -> bool:
        """Enough of the invocation is left for another step."""
        return self._deadline_ms - self.worker.now() > self.worker.settings.margin_ms

    def wait_here(self, until_ms: int) -> bool:
        """Wait on this thread when the time is near; False when the body should suspend instead."""
        wait = until_ms - self.worker.now()
        if wait <= 0:
            return True
        if self.frozen or wait > self.worker.settings.wait_in_slice_ms or self._deadline_ms - until_ms <= self.worker.settings.margin_ms:
            return False
        return self.worker.ports.clock.wait(wait)

    # ---- before a step begins ----------------------------------------------------------------------------------------

    def guard(self, path: str) -> None:
        """Raise the interrupt that keeps this step from beginning, if there is one."""
        self.outage.check()
        if self.is_idle:
            raise Abandoned("the body has ended")
        if self._stopped is not None:
            kind, reason = self._stopped
            raise kind(reason)
        self.check_branch(path)
        now = self.worker.now()
        settings = self.worker.settings
        if self._deadline_ms - now <= settings.margin_ms:
            self._stop(HandOver, "its time is up")
        if settings.pace is Pace.ONE_STEP and self._has_begun:
            self._stop(HandOver, "it has begun its one step")
        if now >= (self.header.lease_until or 0):
            self._stop(Fenced, "its lease has expired")
        if now - self._checked_at >= settings.header_check_ms:
            self._check_header(now)
        if self._after_crash:
            self._note(path)
        self._has_begun = True

    def leaves(self, path: str) -> bool:
        """What would begin at this path, or the end of the body at "", is left to another slice, which goes on at once: this
        one has its pace, and has recorded something that came before.
        """
        if self.worker.settings.pace is not Pace.ALWAYS_SUSPEND or self.frozen or self.misuse is not None:
            return False
        record = self.journal.peek(path)
        if (record is not None and record.is_final) or not any(_are_in_turn(path, written) for written in self.journal.written):
            return False
        self.resume_at = self.worker.now()
        return True

    def check_branch(self, path: str) -> None:
        """Raise Abandoned in a branch that has lost."""
        for group, kept in self._decided.items():
            if path.startswith(f"{group}/") and not _is_in(path, f"{group}/{kept}"):
                raise Abandoned("this branch has lost")

    def refuse_cancelled(self, path: str) -> NoReturn:
        """A record that was to be written has been cancelled meanwhile: by the branch that has won in this slice, or in a later one.
        Raises Abandoned or Fenced.
        """
        self.check_branch(path)
        raise Fenced("a later slice has decided that this branch lost")

    def drop(self, group: str, kept: int) -> None:
        """All branches of the group but this one have lost: forget what they wait for, refuse what they still do."""
        with self._lock:
            self._decided = {**self._decided, group: kept}
            self.pending = {
                path: pending
                for path, pending in self.pending.items()
                if not path.startswith(f"{group}/") or _is_in(path, f"{group}/{kept}")
            }

    def withdraw(self, group: str) -> None:
        """Take back what the group's branches wait for. What is recorded of it stays, and its wait rows with it: whoever comes
        to it again finds it begun.
        """
        with self._lock:
            self.pending = {path: pending for path, pending in self.pending.items() if not path.startswith(f"{group}/")}

    def _stop(self, kind: type[Interrupt], reason: str) -> None:
        self._stopped = (kind, reason)
        raise kind(reason)

    def _check_header(self, now: int) -> None:
        item = self.worker.ports.table.get(self.header.key)
        self._checked_at = now
        stands = None if item is None else Header.from_item(item)
        if stands is None or stands.epoch != self.header.epoch or stands.owner != self.header.owner or stands.status.value != "running":
            self._stop(Fenced, "the run is cancelled, paused, or driven by another")

    def _note(self, path: str) -> None:
        try:
            self.has_noted = True
            lease.note_doing(self.worker.ports.table, self.header, path)
        except ConditionFailed as lost:
            raise Fenced("the run is cancelled, paused, or driven by another") from lost

    def has_killed(self, path: str) -> bool:
        """The step has killed its worker too often."""
        return self.header.deaths.get(path, 0) >= self.worker.settings.max_deaths

    def is_replaying(self, prefix: str) -> bool:
        """The body, or the branch with this prefix, has not yet got to where it was before."""
        order = self.journal.order
        return self.journal.is_replaying(prefix) if order is None else order.is_replaying

    def is_silent(self, prefix: str) -> bool:
        """What the body, or the branch with this prefix, says now has been said: it replays, or has only just got to where a
        slice handed over. That one had come further than its records show.
        """
        said, order = self.header.said, self.journal.order
        if self.frozen or self.is_replaying(prefix):
            return True
        return said is not None and (self.journal.is_within(prefix, said) if order is None else order.is_within(said))

    def named(self, path: str, call: Callable[[], Any]) -> Callable[[], Any]:
        """The call of a step's function, such that what it logs can be told from other steps'."""
        naming = self.worker.naming
        return call if naming is None else in_step(naming, path, call)

    # ---- what is left for the end of the slice -----------------------------------------------------------------------

    def park(self, pending: Pending) -> None:
        """The body waits for this."""
        path = pending.record.path
        with self._lock:  # a branch that loses now is either dropped with what it waits for, or refused here
            self.check_branch(path)
            self.pending[path] = pending

    def misused(self, error: MilepostError) -> MilepostError:
        """Remember an error that fails or pauses the run even when the body swallows it; returns it to be raised."""
        with self._lock:
            self.misuse = self.misuse or error
        return error

    def expect(self, record: Record, kind: str) -> None:
        """Refuse a name that was recorded as something else, or whose branch had lost. Raises NonDeterminismError, or the interrupt
        of a branch that has lost.
        """
        if record.status == "cancelled":
            if self.frozen:
                raise Suspend
            self.check_branch(record.path)
            raise self.misused(
                NonDeterminismError(
                    f"run {self.header.run} of {self.header.function}: step {record.path!r} was cancelled when its branch lost, and now "
                    "the body waits for it. Branch with step.patched(), then deploy: the run goes on by itself."
                )
            )
        if record.kind != kind:
            raise self.misused(
                NonDeterminismError(
                    f"run {self.header.run} of {self.header.function}: step {record.path!r} is recorded as {record.kind!r}, the code "
                    f"now makes it {kind!r}. Give the new step another name, or branch with step.patched(), then deploy: the run goes "
                    "on by itself."
                )
            )

    def rewind(self) -> None:
        """Before the body is replayed in the same slice."""
        self.pending = {}
        self.resume_at = None
        self.undos = {}
        self.unpatched = set()
        self.waiting = {}
        self.journal.load()
        if self.journal.is_superseded:
            raise Fenced("a later slice has written")

    def begin_wait(self, record: Record, meets: Callable[[Record], bool]) -> list[str]:
        """Note that a wait begins; returns the pending ones that it meets, which each get the event that it gets."""
        with self._lock:
            others = {**{known.path: known for known in self.journal.waits()}, **self.waiting}
            self.waiting[record.path] = record
        pending = (path for path, other in others.items() if not (self.journal.peek(path) or other).is_final and meets(other))
        return sorted(path for path in pending if path != record.path)

    # ---- values ------------------------------------------------------------------------------------------------------

    def pack(self, text: str | bytes, what: str) -> Packed:
        """Put a JSON text away. Raises ValueNotStorable."""
        return pack(text, self.worker.ports.blobs, what)

    def unpack(self, packed: Packed | None) -> str:
        """The JSON text again; of nothing: null. Raises NonDeterminismError, and so pauses the run, when it is gone: a body that took
        that for a failed step would go another way.
        """
        if packed is None:
            return "null"
        try:
            return unpack(packed, self.worker.ports.blobs)
        except CodecError as lost:
            text = f"run {self.header.run} of {self.header.function} cannot read what it recorded: {lost}"
            raise self.misused(NonDeterminismError(f"{text}. Restore it and resume the run, or cancel it")) from lost


def _are_in_turn(path: str, other: str) -> bool:
    """They are not in two branches that run at the same time."""
    scope, others = path[: path.rfind("/") + 1], other[: other.rfind("/") + 1]
    return scope.startswith(others) or others.startswith(scope)


def _is_in(path: str, branch: str) -> bool:
    return path == branch or path.startswith(f"{branch}/")


def failing(error: BaseException, path: str | None) -> Failing:
    """An exception as stored with the step that it came from."""
    return Failing.of(describe(error, path))


def information(failing: Failing | None) -> ErrorInfo:
    """An error as its owner sees it."""
    return ErrorInfo(type="", message="") if failing is None else failing.info()
