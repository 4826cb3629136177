"""Brings many operations on at once: their work runs elsewhere, their records are committed together.

    begin ──▶ work starts ──▶ ... ──▶ finished ──▶ succeeded() or failed() ──▶ records of all that wait, in one write ──▶ ended

Everything but the work itself happens on the slice's thread. Who owns a job is told how it ended, once; what an ended job
means for the body, and when the body hears of it, is the owner's: a map's (fan.py), or an async body's (aio/turns.py).
"""

from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any, Protocol

from milepost.engine.interrupts import Interrupt
from milepost.engine.operations import Again, Commit, Done, Operation, Parked, State, Work
from milepost.engine.slice import Pending, Slice

BATCH = 256
"""Records in one write at most: the first of them waits for the last."""


class Job:
    """One operation on its way."""

    __slots__ = ("call", "context", "due_at", "is_clean", "is_dropped", "operation", "owner", "pending", "stop", "timeout_ms")

    def __init__(self, operation: Operation, owner: "Owner", context: Context | None = None) -> None:
        self.operation = operation
        self.owner = owner
        self.context = context
        """Of the caller, for the work to run in a copy of it."""
        self.pending: Pending | None = None
        """What it waits for, parked or resting."""
        self.due_at: int | None = None
        """When it is to be begun again."""
        self.is_dropped = False
        """Nobody wants its end any more."""
        self.is_clean = True
        """Nothing had been misused in the slice when its work began."""
        self.call: Callable[[], Any] | None = None
        self.timeout_ms: int | None = None
        self.stop: Callable[[], None] | None = None
        """Stops the work, where work can be stopped."""


class Owner(Protocol):
    """Who is told what becomes of a job."""

    def done(self, job: Any, value: Any, /, *, is_committed: bool) -> None:
        """It has a value; `is_committed`: a record of it was written just now."""
        ...

    def raised(self, job: Any, error: BaseException, /, *, is_committed: bool) -> None:
        """It raised its error, or one that it should not have."""
        ...

    def waits(self, job: Any, /) -> None:
        """It is parked: the body waits for `job.pending`."""
        ...

    def rests(self, job: Any, /) -> None:
        """It is to be begun again at `job.due_at`, which is near; if nobody can wait so long, it is parked."""
        ...

    def worked(self, job: Any, /) -> None:
        """Its work has ended; what became of it is told later."""
        ...


class Runner(Protocol):
    """Where work runs."""

    def start(self, job: Job, ended: Callable[[Job, Any, BaseException | None], None], /) -> None:
        """Run `job.call`, on any thread, within `job.timeout_ms`; then tell `ended`."""
        ...

    def flush(self) -> None:
        """Let what was started go out."""
        ...

    def retract(self) -> list[Job]:
        """Take back what was started and has not begun."""
        ...


class Pump:
    """The operations of one slice that are under way."""

    def __init__(self, slice_: Slice, runner: Runner) -> None:
        self._slice = slice_
        self._runner = runner
        self._signal = slice_.worker.signal()
        self._finished: deque[tuple[Job, Any, BaseException | None]] = deque()
        self._commits: deque[tuple[Job, Commit]] = deque()
        self._at_work: set[Job] = set()
        self.running = 0
        """Work under way whose end is still wanted."""

    # ---- bringing on -------------------------------------------------------------------------------------------------

    def begin(self, job: Job) -> None:
        """Bring a job on as far as it goes. Raises the interrupt that keeps its work from beginning."""
        self._advance(job, job.operation.begin, is_committed=False)

    def drop(self, job: Job) -> None:
        """Nobody wants its end: stop it where that can be done, pass over its result."""
        if not job.is_dropped:
            job.is_dropped = True
            if job in self._at_work:
                self._at_work.discard(job)
                self.running -= 1
                job.call = None
                if job.stop is not None:
                    job.stop()

    def retract(self, owner: "Owner") -> list[Job]:
        """Take back what its owner has started and has not begun to work."""
        jobs = [job for job in self._runner.retract() if job.owner is owner]
        for job in jobs:
            self.drop(job)
        return jobs

    def drop_all(self) -> None:
        """The slice is over: what still works does so for nothing."""
        for job in list(self._at_work):
            self.drop(job)

    def _advance(self, job: Job, step: Callable[[], State], *, is_committed: bool) -> None:
        try:
            state = step()
        except Interrupt:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the owner raises it where the body waits
            job.owner.raised(job, error, is_committed=is_committed)
            return
        match state:
            case Done(value):
                job.owner.done(job, value, is_committed=is_committed)
            case Work():
                self._start(job, state)
            case Commit():
                self._commits.append((job, state))
            case Again(at_ms, pending):
                job.due_at, job.pending = at_ms, pending
                job.owner.rests(job)
            case Parked(pending):
                job.due_at, job.pending = pending.record.due_at, pending
                job.owner.waits(job)

    def _start(self, job: Job, work: Work) -> None:
        if self._slice.frozen:
            return  # a replay of an ended run begins nothing: the body waits for ever, and is suspended
        self._slice.guard(job.operation.path)
        try:
            call = work.prepare()
            value = call() if work.is_ours else None
        except Interrupt:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a step raises is its failure, sys.exit() too
            failure = error
            self._advance(job, lambda: job.operation.failed(failure), is_committed=False)
            return
        if work.is_ours:
            self._advance(job, lambda: job.operation.succeeded(value), is_committed=False)
            return
        job.call, job.timeout_ms = call, work.timeout_ms
        job.is_clean = self._slice.misuse is None
        self.running += 1
        self._at_work.add(job)
        self._runner.start(job, self._ended)

    # ---- work that ended ---------------------------------------------------------------------------------------------

    def _ended(self, job: Job, value: Any, error: BaseException | None) -> None:
        """From whatever thread it ran on."""
        self._finished.append((job, value, error))
        self._signal.set()

    def take_finished(self) -> bool:
        """Take in the work that has ended; False when none has."""
        self._runner.flush()
        self._signal.clear()
        taken = False
        while self._finished:
            job, value, error = self._finished.popleft()
            if job.is_dropped:
                continue
            taken = True
            job.call = job.stop = None
            self._at_work.discard(job)
            self.running -= 1
            job.owner.worked(job)
            self._take(job, value, error)
        return taken

    def _take(self, job: Job, value: Any, error: BaseException | None) -> None:
        operation = job.operation
        if error is None and job.is_clean and self._slice.misuse is not None:
            error = self._slice.misuse  # swallowed, by this work or by what went on beside it: after a crash nobody would know of it
        if error is None:
            self._advance(job, lambda: operation.succeeded(value), is_committed=False)
        elif isinstance(error, Exception | SystemExit):  # whatever a step raises is its failure, sys.exit() too
            self._advance(job, lambda: operation.failed(error), is_committed=False)
        else:
            raise error  # the end of the process, or of a simulated one

    def wait(self, timeout_s: float | None) -> None:
        """Wait until some work has ended, for at most so long."""
        self._signal.wait(timeout_s)

    # ---- records -----------------------------------------------------------------------------------------------------

    @property
    def has_commits(self) -> bool:
        """Records wait to be written."""
        return bool(self._commits)

    def commit(self) -> None:
        """Write the records that wait, so many of them together, and bring their jobs on."""
        if self._slice.frozen:
            self._commits.clear()
            return
        batch: list[tuple[Job, Commit]] = []
        while self._commits and len(batch) < BATCH:
            one = self._commits.popleft()
            if not one[0].is_dropped:
                batch.append(one)
        if not batch:
            return
        standing = self._slice.journal.put_many([commit.record for _, commit in batch])
        for (job, commit), (stands, is_ours) in zip(batch, standing, strict=True):
            self._conclude(job, commit, stands, is_ours=is_ours)

    def _conclude(self, job: Job, commit: Commit, stands: Any, *, is_ours: bool) -> None:
        self._advance(job, lambda: commit.then(stands, is_ours), is_committed=True)
