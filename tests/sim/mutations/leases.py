"""Bugs of the lease: who may drive a run, and what the conditions of its header's writes are for."""

from collections.abc import Iterable
from typing import Any

import msgspec

from milepost.engine.messages import Poke, Received
from milepost.engine.ports import Absent, Change, Condition
from milepost.engine.records import Header
from milepost.engine.worker import Worker
from tests.sim.mutations.planting import Garden, Patch, calm, careless, engine, everywhere, gives, lossless_with, rates
from tests.sim.mutations.workloads import cancelled_at_work

deliver = engine("deliver")
drive = engine("drive")
lease = engine("lease")

GARDEN = Garden()
mutant = GARDEN.mutant


@mutant("suspends whatever the inbox says", "a suspension has no condition on the inbox")
def _inbox() -> Iterable[Patch]:
    return careless(lease.suspend, "inbox")


@mutant("takes word without reading", "a suspension that meets word in the inbox tries again without reading the history")
def _word() -> Iterable[Patch]:
    rewind = drive.Slice.rewind

    def mutated(self: Any) -> None:
        load = self.journal.load
        self.journal.load = gives(None)
        rewind(self)
        self.journal.load = load

    return [(drive.Slice, "rewind", mutated)]


@mutant("suspends what another drives", "a suspension has no condition on the epoch")
def _suspend_epoch() -> Iterable[Patch]:
    return careless(lease.suspend, "epoch")


@mutant("suspends what has ended", "a suspension has no condition on the status")
def _suspend_status() -> Iterable[Patch]:
    return careless(lease.suspend, "status")


@mutant(
    "ends what another drives",
    "the end has no condition on the epoch",
    focus=rates(freeze=0.03, freeze_ms=240_000, slow=0.1, slow_ms=20_000),
    focused_on="freezes and slow calls",
)
def _finish_epoch() -> Iterable[Patch]:
    return careless(lease.finish, "epoch")


@mutant("ends what has ended", "the end has no condition on the status")
def _finish_status() -> Iterable[Patch]:
    return careless(lease.finish, "status")


@mutant("hands over what another drives", "a hand-over has no condition on the epoch")
def _hand_over_epoch() -> Iterable[Patch]:
    return careless(lease.hand_over, "epoch")


@mutant("takes a live lease", "acquire has no condition on the lease")
def _live() -> Iterable[Patch]:
    return careless(lease.acquire, "lease_until")


@mutant("a lease for ever", "acquire takes a free run, never one whose lease has expired")
def _for_ever() -> Iterable[Patch]:
    free = lease.Or

    def mutated(conditions: tuple[Condition, ...]) -> Any:
        if conditions and isinstance(conditions[0], Absent) and conditions[0].field == "lease_until":
            return conditions[0]
        return free(conditions)

    return [(lease, "Or", mutated)]


@mutant("revives what has ended", "acquire has no condition on the status")
def _revive() -> Iterable[Patch]:
    return careless(lease.acquire, "status")


@mutant("the epoch stays", "acquire does not raise the epoch")
def _epoch() -> Iterable[Patch]:
    return careless(lease.acquire, change=lambda change: Change(set=change.set, remove=change.remove))


@mutant("bumps an inbox that nobody reads", "a bump has no condition that there is a holder")
def _bump_lease() -> Iterable[Patch]:
    return careless(lease.bump, "lease_until")


@mutant("acknowledges its own dead lease", "a redelivery that meets the lease of its own first delivery bumps it, and is done")
def _own() -> Iterable[Patch]:
    refused = deliver._refused

    def mutated(received: Received, worker: Worker, header: Header, **kwargs: Any) -> Any:
        if header.is_leased(worker.now()) and header.owner == received.id:
            header = msgspec.structs.replace(header, owner="somebody else")
        return refused(received, worker, header, **kwargs)

    return everywhere(refused, mutated)


@mutant(
    "continues before it lets go",
    "the message for the next slice is sent before the lease is released",
    focus=lossless_with(slow=0.3, slow_ms=20_000),
    focused_on="slow calls, so that slices run out of time",
)
def _continue() -> Iterable[Patch]:
    hand_over = drive.Drive._hand_over

    def mutated(self: Any) -> Any:
        worker, header = self._worker, self._header
        worker.send(header.group, Poke(run=header.run))
        self._worker = _Mute(worker)
        done = hand_over(self)
        self._worker = worker
        return done

    return [(drive.Drive, "_hand_over", mutated)]


class _Mute:
    """A worker that has sent already."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def send(self, *_args: Any, **_kwargs: Any) -> None:
        """Nothing."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._worker, name)


@mutant("cancel takes the lease away", "a cancel ends the holder's lease, and settles at once")
def _cancel() -> Iterable[Patch]:
    taken = ("owner", "lease_until")
    return careless(lease.cancel, change=lambda change: Change(set=change.set, remove=(*change.remove, *taken), add=change.add))


@mutant("a holder that is ended under does not settle", "a slice whose commit fails because its run has ended goes away")
def _withdraw() -> Iterable[Patch]:
    withdraw = drive.Drive._withdraw

    def mutated(self: Any, item: Any) -> None:
        if item is None or not Header.from_item(item).status.is_terminal:
            withdraw(self, item)

    return [(drive.Drive, "_withdraw", mutated)]


@mutant(
    "a slice that was paused acknowledges",
    "a slice whose run was paused and resumed beneath it acknowledges, though whoever came to wake it met the lease",
    focus=calm(),
    focused_on="no fault and no sweeper",
)
def _superseded() -> Iterable[Patch]:
    go = drive.Drive.go

    def mutated(self: Any, *args: Any, **kwargs: Any) -> None:
        go(self, *args, **kwargs)
        self.superseded = False

    return [(drive.Drive, "go", mutated)]


@mutant(
    "steps go on after a cancel",
    "a step begins without a look at the header, however long ago the last one was",
    focus=cancelled_at_work(),
    focused_on="sixty steps and a cancel in the middle of them",
)
def _guard() -> Iterable[Patch]:
    guard = drive.Slice.guard

    def mutated(self: Any, path: str) -> None:
        self._checked_at = self.worker.now()
        guard(self, path)

    return [(drive.Slice, "guard", mutated)]
