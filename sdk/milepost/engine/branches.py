"""Branches that run at once: map, each, parallel and race, on threads lent by the worker.

A branch that suspends does not disturb its siblings: they run on until each has ended or waits, then the whole group
suspends. All succeeded needs no record, because each branch's steps say so; any other end is recorded under the
group's own path before the body sees it, with the branch that decided, so that a replay decides alike.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from threading import Lock
from typing import Any, TypeAlias

import msgspec

from milepost.engine.abandoning import abandon
from milepost.engine.interrupts import Suspend
from milepost.engine.journal import completed, failed
from milepost.engine.operations import Commit, Done, Operation, Recorded, State
from milepost.engine.records import Kind, Record
from milepost.engine.slice import Slice, failing
from milepost.engine.worker import Signal
from milepost.errors import MilepostError, NonDeterminismError, RaceError, RetryAfterError, StepError
from milepost.options import Completion


class Returned(msgspec.Struct, frozen=True):
    """The branch returned."""

    value: Any
    index: int = 0


class Errored(msgspec.Struct, frozen=True):
    """The branch ended with an error that every replay sees too."""

    error: MilepostError


class Waits(msgspec.Struct, frozen=True):
    """The branch is suspended."""


class Broke(msgspec.Struct, frozen=True):
    """The branch raised something that is not recorded, or the slice is over."""

    error: BaseException


Outcome: TypeAlias = Returned | Errored | Waits | Broke
Branch: TypeAlias = Callable[[int], Any]


def attempt(branch: Branch, index: int) -> Outcome:
    """Run one branch as far as it goes."""
    try:
        return Returned(branch(index), index)
    except Suspend:
        return Waits()
    except BaseException as error:  # noqa: BLE001 - raised again in the thread of the body: nobody would hear of it here
        return outcome_of(error)


def outcome_of(error: BaseException) -> Errored | Broke:
    """How a branch ended that raised this."""
    if isinstance(error, StepError):  # whatever it was raised as in the step, which had its retries
        return Errored(error)
    if isinstance(error, NonDeterminismError | RetryAfterError) or not isinstance(error, MilepostError):
        return Broke(error)
    return Errored(error)


class Group:
    """One group of branches under a claimed path."""

    def __init__(
        self, slice_: Slice, path: str, kind: Kind, *, count: int, limit: int, allowed: int, race: bool = False, is_counted: bool = False
    ) -> None:
        self._slice = slice_
        self.path = path
        self.kind: Kind = kind
        self.count = count
        self.limit = limit
        self.allowed = allowed
        """Failures that do not fail the group."""
        self._race = race
        self.is_counted = is_counted
        """How many there are is recorded before the first begins."""

    def run(self, branch: Branch, go: "Callable[[], list[Outcome | None]] | None" = None) -> list[Outcome]:
        """Every branch's outcome, or of a race that is won only the winner's. Raises what the group ends with.
        ``go`` runs all branches and says how they ended; without it they run on threads.
        """
        record = self.recorded()
        if record is not None and record.is_final:
            return self._as_decided(branch, int(record.detail["index"]))
        outcomes = self._run(branch) if go is None else go()
        self._slice.outage.check()
        broken = next((outcome.error for outcome in outcomes if isinstance(outcome, Broke)), None)
        if broken is not None:
            self._slice.withdraw(self.path)  # its branches ask for it again when they are tried again
            raise broken
        decisive = self.decisive(outcomes)
        if decisive is not None:
            return self._decide(record, outcomes, decisive, branch)
        if any(outcome is None or isinstance(outcome, Waits) for outcome in outcomes):
            raise Suspend
        return self.ended(outcomes)

    def ended(self, outcomes: Sequence[Outcome | None]) -> list[Outcome]:
        """All have ended, and none was decisive. Raises RaceError."""
        ended = [outcome for outcome in outcomes if outcome is not None]
        if self._race:
            raise RaceError(tuple(outcome.error for outcome in ended if isinstance(outcome, Errored)))
        return ended

    # ---- the record --------------------------------------------------------------------------------------------------

    def recorded(self) -> Record | None:
        """The group's own record, if it has one. Raises NonDeterminismError."""
        record = self._slice.journal.get(self.path)
        if record is not None and record.status == "cancelled" and self._slice.frozen:
            return None  # it lost: what its branches had done by then may have something to undo
        if record is not None:
            self._slice.expect(record, self.kind)
            recorded = record.detail.get("count", self.count)
            if recorded != self.count:
                raise self._slice.misused(
                    NonDeterminismError(
                        f"run {self._slice.header.run} of {self._slice.header.function}: {self.path!r} has {self.count} items, "
                        f"it was recorded with {recorded}. Make its items in a step, so that they are recorded too."
                    )
                )
        return record

    def count_items(self) -> None:
        """Record how many items there are before the first of them begins. One write, once."""
        if self.recorded() is None and not self._slice.frozen:
            self._slice.journal.put(self.fresh())
            self.recorded()

    def fresh(self) -> Record:
        """The record that says how many there are."""
        record = self._slice.journal.record(self.path, self.kind, self._slice.worker.now())
        return msgspec.structs.replace(record, detail={"count": self.count})

    def _as_decided(self, branch: Branch, index: int) -> list[Outcome]:
        if self._slice.frozen:  # compensations of the branches that lost are found too
            for other in range(self.count):
                if other != index:
                    attempt(branch, other)
        elif self._lost(index):  # the worker that decided died before it had told them
            self.abandon(index)
        return self._deliver(attempt(branch, index))

    def _deliver(self, outcome: Outcome) -> list[Outcome]:
        self._slice.journal.pass_over(f"{self.path}/")
        match outcome:
            case Returned():
                return [outcome]
            case Errored(error) | Broke(error):
                raise error
            case Waits():
                raise Suspend

    def decisive(self, outcomes: Sequence[Outcome | None]) -> int | None:
        """Which branch that decides before all have ended, if one does: a race's first success, or one failure too many."""
        if self._race:
            return next((index for index, outcome in enumerate(outcomes) if isinstance(outcome, Returned)), None)
        errored = [index for index, outcome in enumerate(outcomes) if isinstance(outcome, Errored)]
        return errored[0] if len(errored) > self.allowed else None

    def _decide(self, record: Record | None, outcomes: Sequence[Outcome | None], index: int, branch: Branch) -> list[Outcome]:
        outcome = outcomes[index]
        if self._slice.frozen:
            raise Suspend
        ours = self.decision(record, index, outcome)
        stands, is_ours = self._slice.journal.put(ours)
        decided = int(stands.detail["index"])
        self.abandon(decided)
        return self._deliver(outcome if is_ours and outcome is not None else attempt(branch, decided))

    def decision(self, record: Record | None, index: int, outcome: Outcome | None) -> Record:
        """The record that says which branch decided, and how."""
        now = self._slice.worker.now()
        ours = msgspec.structs.replace(record or self.fresh(), detail={"count": self.count, "index": index})
        return failed(ours, failing(outcome.error, None), now) if isinstance(outcome, Errored) else completed(ours, None, now)

    def abandon(self, kept: int) -> None:
        """It is decided. The others have lost: their waits and children are cancelled, their late results dropped."""
        self._slice.drop(self.path, kept)
        abandon(self._slice, self._lost(kept), f"its branch in {self.path!r} of run {self._slice.header.run} lost")

    def _lost(self, kept: int) -> list[Record]:
        """What other branches than this one wait for, the waits that have a row but no record yet among them."""
        prefix, own = f"{self.path}/", f"{self.path}/{kept}"
        known = {record.path: record for record in (*self._slice.waiting.values(), *self._slice.journal.under(prefix))}
        return [
            record
            for path, record in known.items()
            if path.startswith(prefix) and not record.is_final and path != own and not path.startswith(f"{own}/")
        ]

    # ---- running -----------------------------------------------------------------------------------------------------

    def _run(self, branch: Branch) -> list[Outcome | None]:
        if self._slice.frozen:  # each of them, also what began beside the one that decided: it may have something to undo
            return [attempt(branch, index) for index in range(self.count)]
        worker = self._slice.worker
        threads = worker.threads
        signal = worker.signal()
        tally = _Tally(self.count, signal, race=self._race, allowed=self.allowed)
        if threads is None or self.count < 2 or self.limit < 2:
            tally.work(branch)
        elif self._race:
            for _ in range(min(self.limit, self.count)):
                worker.spawn(_here(partial(tally.work, branch)))
            _wait(signal, lambda: tally.is_over)
        else:
            lent: list[Future[None]] = [
                threads.submit(copy_context().run, tally.work, branch) for _ in range(min(self.limit, self.count) - 1)
            ]
            tally.work(branch)
            begun = [future for future in lent if not future.cancel()]
            for future in begun:
                future.add_done_callback(lambda _: signal.set())
            _wait(signal, lambda: all(future.done() for future in begun))
        return list(tally.outcomes)


def _here(work: Callable[[], None]) -> Callable[[], None]:
    """The work, in a copy of this context wherever it is called."""
    context = copy_context()
    return lambda: context.run(work)


def _wait(signal: Signal, is_over: Callable[[], bool]) -> None:
    """Wait until it is over: whoever makes it so sets the signal after that."""
    while True:
        signal.clear()
        if is_over():
            return
        signal.wait()


class GroupEnd(Recorded):
    """A group of an async body that one branch has decided: its own record, with the branch that did."""

    def __init__(
        self, slice_: Slice, group: Group, index: int, outcome: Outcome | None, item: Callable[[int], Operation] | None = None
    ) -> None:
        self.slice = slice_
        self.path = group.path
        self._group = group
        self._index = index
        self._outcome = outcome
        self._item = item
        """Of a group that is one operation: what each of its items is."""

    def begin(self) -> State:
        record = self._group.recorded()
        if record is not None and record.is_final:
            return self._decided(record)
        return Commit(self._group.decision(record, self._index, self._outcome), self._recorded)

    def _recorded(self, stands: Record, _is_ours: bool) -> State:
        return self._decided(stands)

    def _decided(self, record: Record) -> State:
        """Should a zombie have recorded another end: of items, of which the body has seen nothing, that one counts; branches, of
        which it has, keep the end that their own order has led to, on every replay.
        """
        index = int(record.detail["index"])
        if self._item is not None and not self.slice.frozen:
            self._group.abandon(index)
        if self._item is not None and index != self._index:
            return self._item(index).replay()
        if isinstance(self._outcome, Errored):
            raise self._outcome.error
        return Done(self._outcome.value if isinstance(self._outcome, Returned) else None)

    def succeeded(self, value: Any, /) -> State:
        return Done(value)

    def failed(self, error: BaseException, /) -> State:
        raise error


class _Tally:
    """Hands out branches and counts how they ended. The caller works too, so a group needs no lent thread to move."""

    def __init__(self, count: int, signal: Signal, *, race: bool, allowed: int) -> None:
        self.outcomes: list[Outcome | None] = [None] * count
        self.is_over = False
        """Nothing more needs to begin: all have ended, or it is decided. The signal is set after this."""
        self._signal = signal
        self._left: Iterator[int] = iter(range(count))
        self._open = count
        self._errors = 0
        self._race = race
        self.allowed = allowed
        self._lock = Lock()

    def work(self, branch: Branch) -> None:
        while not self.is_over:
            with self._lock:
                index = next(self._left, None)
            if index is None:
                return
            self._note(index, attempt(branch, index))

    def _note(self, index: int, outcome: Outcome) -> None:
        with self._lock:
            if self.is_over and self._race:
                return
            self.outcomes[index] = outcome
            self._open -= 1
            self._errors += isinstance(outcome, Errored)
            decided = isinstance(outcome, Returned) if self._race else self._errors > self.allowed
            if decided or self._open == 0 or isinstance(outcome, Broke):
                self.is_over = True
        if self.is_over:
            self._signal.set()


def allowed_failures(policy: Completion | None, count: int) -> int:
    """How many of the items may fail."""
    if policy is None:
        return 0
    bounds = [count]
    if policy.max_failures is not None:
        bounds.append(policy.max_failures)
    if policy.min_success is not None:
        bounds.append(count - policy.min_success)
    return min(bounds)
