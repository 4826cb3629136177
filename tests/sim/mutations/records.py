"""Bugs of what is recorded of steps, and of the order in which an async body saw them."""

from collections.abc import Iterable
from typing import Any

import msgspec

from milepost.engine.ports import Outgoing
from tests.sim.mutations.planting import ANYWAY, Garden, Patch, engine, gives, rates

drive = engine("drive")
journal = engine("journal")
order = engine("order")
running = engine("running")

GARDEN = Garden()
mutant = GARDEN.mutant


@mutant("results are put blindly", "a step's record is put whatever stands there")
def _blind() -> Iterable[Patch]:
    return [(journal, "OPEN", ANYWAY), (journal, "open_to", gives(ANYWAY))]


@mutant(
    "whoever wrote",
    "an async body's record is put over a pending one that a later slice has written",
    focus=rates(freeze=0.03, freeze_ms=240_000),
    focused_on="freezes of up to four minutes",
)
def _writer() -> Iterable[Patch]:
    return [(journal, "open_to", gives(journal.OPEN))]


@mutant("sightings are dropped", "what an async body sees of others' doing is not noted in its records")
def _seen() -> Iterable[Patch]:
    def mutated(self: Any, path: str, t: int) -> Any:
        self._k += 1
        place = (self._epoch, self._k, t)
        self._noted[path] = place
        return place

    return [(order.Order, "_note", mutated)]


@mutant("a child is recorded before its start", "the pending record of an invoke is written, then the child's start is sent")
def _start_last() -> Iterable[Patch]:
    write = drive.Drive._write_pending

    def mutated(self: Any, pending: list[Any]) -> Any:
        starts: list[Outgoing] = [one.start for one in pending if one.start is not None and not one.recorded]
        pending[:] = [msgspec.structs.replace(one, start=None) for one in pending]
        written = write(self, pending)
        if starts:
            self._worker.ports.queue.send(starts)
        return written

    return [(drive.Drive, "_write_pending", mutated)]


@mutant("nothing pending is recorded", "a suspension writes no pending records")
def _pending() -> Iterable[Patch]:
    def mutated(self: Any, pending: list[Any]) -> None:
        starts: list[Outgoing] = [one.start for one in pending if one.start is not None and not one.recorded]
        if starts:
            self._worker.ports.queue.send(starts)

    return [(drive.Drive, "_write_pending", mutated)]


@mutant("once is run again", "a step that is to run at most once does not note that it begins")
def _once() -> Iterable[Patch]:
    return [(running.RunOperation, "_begin_once", gives(None))]


@mutant("once is tried again", "a redelivery that finds a step begun that is to run at most once runs it again")
def _interrupted() -> Iterable[Patch]:
    begin = running.RunOperation.begin

    def mutated(self: Any) -> Any:
        own = self.slice.journal
        record = own.peek(self.path)
        if record is not None and not record.is_final and record.detail.get("once"):
            own._records[self.path] = msgspec.structs.replace(record, detail={})
        return begin(self)

    return [(running.RunOperation, "begin", mutated), (running, "Absent", gives(journal.OPEN))]


@mutant("one's own record is another's", "who writes a record twice because the answer was lost takes it for somebody else's")
def _twice() -> Iterable[Patch]:
    winner = journal._winner

    def mutated(lost: Any, ours: Any) -> Any:
        stands = winner(lost, ours)
        return msgspec.structs.replace(stands) if stands is ours else stands

    return [(journal, "_winner", mutated)]
