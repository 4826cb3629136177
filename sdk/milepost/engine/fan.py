"""One operation for each of many items, waited for at the join only: map and invoke_many.

Items do not wait for each other's commits: as many works run as the limit allows, and whatever has ended is written
together. An item that fails or waits does not disturb the others; how the group ends is branches.py's.
"""

from collections.abc import Callable, Iterator
from contextvars import Context

from milepost.engine.branches import Broke, Errored, Group, Outcome, Returned, Waits, outcome_of
from milepost.engine.interrupts import Interrupt
from milepost.engine.operations import Operation
from milepost.engine.pump import Job, Pump
from milepost.engine.slice import Slice

Make = Callable[[int], Operation]


class Fan:
    """The items of a group that are under way. It owns their jobs."""

    def __init__(
        self,
        slice_: Slice,
        pump: Pump,
        group: Group,
        make: Make,
        limit: int,
        rest: Callable[[Job], None],
        context: Context | None = None,
    ) -> None:
        self._slice = slice_
        self._pump = pump
        self._group = group
        self._make = make
        self._limit = limit
        self._rest = rest
        """Begins a job again when it is due, or parks it."""
        self._context = context
        """Of the caller, for the items' work to run in copies of it; None: that of this thread."""
        self.outcomes: list[Outcome | None] = [None] * group.count
        self._left: Iterator[int] = iter(range(group.count))
        self._index: dict[Job, int] = {}
        """Of the jobs that have begun and neither ended nor wait."""
        self._working = 0
        self._errors = 0
        self.is_over = not group.count
        """No more items begin: all have, or it is decided."""
        self.is_decided = False
        """It has failed: what has not begun to work will not."""
        self.interrupt: Interrupt | None = None
        """What kept an item from beginning: the slice is over."""

    @property
    def is_drained(self) -> bool:
        """Nothing more will happen to any item in this slice."""
        return self.is_over and not self._index

    @property
    def jobs(self) -> list[Job]:
        """Those under way."""
        return list(self._index)

    def go_on(self) -> None:
        """Begin as many items as the limit allows."""
        if self.is_decided:
            self._retract()
        while not self.is_over and self._working < self._limit:
            index = next(self._left, None)
            if index is None:
                self.is_over = True
                return
            self.again(self._job(index))

    def _job(self, index: int) -> Job:
        job = Job(self._make(index), self, self._context)
        self._index[job] = index
        return job

    def again(self, job: Job) -> None:
        """Begin a job, or begin it again."""
        try:
            self._pump.begin(job)
        except Interrupt as interrupt:
            self.stop(interrupt)
            self._index.pop(job, None)
        else:
            self._working += job.call is not None

    def stop(self, interrupt: Interrupt) -> None:
        """The slice is over: what runs may end, nothing more begins."""
        self.interrupt = self.interrupt or interrupt
        self.is_over = True

    # ---- what becomes of the jobs ------------------------------------------------------------------------------------

    def worked(self, job: Job, /) -> None:  # noqa: ARG002 - any of them
        self._working -= 1

    def done(self, job: Job, value: object, /, *, is_committed: bool) -> None:  # noqa: ARG002 - all the same to a join
        self._note(job, Returned(value, self._index[job]))

    def raised(self, job: Job, error: BaseException, /, *, is_committed: bool) -> None:  # noqa: ARG002 - all the same to a join
        self._note(job, outcome_of(error))

    def waits(self, job: Job, /) -> None:
        if job.pending is not None:
            self._slice.park(job.pending)
        self._note(job, Waits())

    def rests(self, job: Job, /) -> None:
        self._rest(job)

    def _note(self, job: Job, outcome: Outcome) -> None:
        self.outcomes[self._index.pop(job)] = outcome
        self._errors += isinstance(outcome, Errored)
        if isinstance(outcome, Broke) or self._errors > self._group.allowed:
            self.is_over = self.is_decided = True

    def _retract(self) -> None:
        for job in self._pump.retract(self):
            self._working -= 1
            del self._index[job]


def run_fan(slice_: Slice, pump: Pump, group: Group, make: Make, limit: int) -> list[Outcome | None]:
    """Bring a fan on as far as it goes, on this thread. Raises the interrupt that ends the slice."""
    try:
        return _run_fan(slice_, pump, group, make, limit)
    finally:
        pump.drop_all()  # of a slice that has ended: what has not begun to work will not


def _run_fan(slice_: Slice, pump: Pump, group: Group, make: Make, limit: int) -> list[Outcome | None]:
    resting: list[Job] = []
    fan = Fan(slice_, pump, group, make, limit, resting.append)
    while True:
        fan.go_on()
        took = pump.take_finished()
        if pump.has_commits:
            pump.commit()
        elif not took and pump.running:
            pump.wait(_until_due(slice_, resting))
        elif not took and not resting:
            break
        _wake(slice_, fan, resting, idle=not pump.running and not pump.has_commits)
    if fan.interrupt is not None:
        raise fan.interrupt
    return fan.outcomes


def _until_due(slice_: Slice, resting: list[Job]) -> float | None:
    if not resting:
        return None
    return max(0, min(job.due_at or 0 for job in resting) - slice_.worker.now()) / 1000


def _wake(slice_: Slice, fan: Fan, resting: list[Job], *, idle: bool) -> None:
    """Begin again what is due; when nothing else goes on, wait for the next, or park what is too far away."""
    if idle and resting:
        first = min(job.due_at or 0 for job in resting)
        if not slice_.wait_here(first):
            for job in resting:
                fan.waits(job)
            resting.clear()
            return
    now = slice_.worker.now()
    due = [job for job in resting if (job.due_at or 0) <= now]
    resting[:] = [job for job in resting if job not in due]
    for job in due:
        fan.again(job)
