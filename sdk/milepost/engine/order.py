"""The order in which an `async def` body saw its results: read from the history, noted for the next replay.

A def body asks for one thing after the other, so its order is in its code. Concurrent tasks see results as they come, and a
replay has to hand them out in the same order (rules 4 to 7 of docs/design/async.md):

    what the slice wrote itself       the record's own (epoch, k, t)
    what others wrote, or nobody      a sighting [path, epoch, k, t], carried by every record of the slice's next write
    what the body cancelled before    a sighting without a time: it is never handed out

For one path the word of the later epoch counts. What a slice that has lost its lease (a zombie) still writes while, or
after, the next one reads the history must not creep in before what that next one saw. So a slice also writes down, once,
which k of the epochs before it had read, its `base`: what those epochs wrote besides came too late to have an order.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from milepost.engine.ports import Blobs
from milepost.engine.records import Packed, Record
from milepost.engine.values import pack, unpack

Place: TypeAlias = tuple[int, int, int]
"""(epoch, k, t): which slice saw it, as its how manieth, at what time of the run's clock."""
Sighting: TypeAlias = tuple[str, int, int, int]
"""path, epoch, k, t; t is NEVER for what the body cancelled."""

Base: TypeAlias = tuple[int, int, list[int]]
"""(first epoch, last epoch, [first k, last k, first k, ...]): what a slice knew of these epochs."""

NEVER: Final = -1
_INLINE: Final = 200
"""Sightings that a record carries as they are; more are packed like a value."""
_WITHOUT_OWN: Final = frozenset({"sleep", "timer", "wait", "callback", "invoke"})
"""Kinds that others complete, or nobody: their own (epoch, k) say when they began."""


def has_own_place(kind: str) -> bool:
    """The record's own (epoch, k, t) say when the body saw it."""
    return kind not in _WITHOUT_OWN


class Order:
    """What is known of the order of one run, and what this slice adds to it."""

    def __init__(self, epoch: int, blobs: Blobs, run: str) -> None:
        self._epoch = epoch
        self._blobs = blobs
        self._run = run
        self._records: Mapping[str, Record] = {}
        """The history, by path; the journal keeps it up to date."""
        self._sighted: dict[str, Place] = {}
        """What it says of things besides the records' own places."""
        self._noted: dict[str, Place] = {}
        """Of this slice, written or not: they outlive a second reading of the history."""
        self._unsaved: list[Sighting] = []
        self._bases: dict[int, list[int]] = {}
        """By epoch: the ranges of k that the latest epoch to speak of it knew."""
        self._own_base: list[Base] | None = None
        self._is_base_saved = False
        self._k = 0
        self.t = 0
        """The run's clock."""
        self.last: tuple[int, int] = (-1, 0)
        """Of what was handed out last."""
        self._latest: tuple[int, int] = (-1, 0)
        self.covered = -2
        """The last epoch whose slice suspended in this attempt of the body, with every turn run to its end; -2 for none."""

    # ---- the history -------------------------------------------------------------------------------------------------

    def follow(self, records: Mapping[str, Record]) -> None:
        """The records of a history that is empty as yet; the journal adds to them."""
        self._records = records

    def read(self, records: Mapping[str, Record]) -> None:
        """Learn the order of a history, as it has just been read."""
        self._records = records
        sightings: list[Sighting] = []
        statements: dict[int, list[Base]] = {}
        for record in records.values():
            if record.seen is not None:
                sightings += record.seen
            for packed in record.more_seen or ():
                sightings += msgspec.json.decode(unpack(packed, self._blobs), type=list[Sighting])
            if record.base is not None:
                statements.update(record.base)
        self._take_bases(statements)
        self._choose(sightings)
        if self._own_base is None:
            self._own_base = self._base_of(sightings)
        self.last, self._latest = (-1, 0), self._end()

    def _take_bases(self, statements: dict[int, list[Base]]) -> None:
        if self._own_base is not None:
            statements[self._epoch] = self._own_base
        self._bases = {}
        for by in sorted(statements):
            for first, last, ranges in statements[by]:
                self._bases.update(dict.fromkeys(range(first, last + 1), ranges))

    def _choose(self, sightings: list[Sighting]) -> None:
        chosen: dict[str, Place] = {}
        for path, epoch, k, t in sightings:
            if self._is_late(epoch, k):
                continue
            stands = chosen.get(path)
            if stands is None or (epoch, t == NEVER) > (stands[0], stands[2] == NEVER):
                chosen[path] = (epoch, k, t)
        self._sighted = chosen

    def _is_late(self, epoch: int, k: int) -> bool:
        """A later slice had read the history before this was written."""
        ranges = self._bases.get(epoch)
        return ranges is not None and not _is_in(k, ranges)

    def _base_of(self, sightings: list[Sighting]) -> list[Base]:
        """What this slice knows of the epochs that no slice has spoken of yet."""
        first = max(self._bases, default=0) + 1
        if first >= self._epoch:
            return []
        known: dict[int, set[int]] = {}
        for record in self._records.values():
            if record.epoch >= first and record.status != "pending" and record.kind not in _WITHOUT_OWN:
                known.setdefault(record.epoch, set()).add(record.k)
        for _path, epoch, k, _t in sightings:
            known.setdefault(epoch, set()).add(k)
        base: list[Base] = []
        for epoch in sorted(epoch for epoch in known if first <= epoch < self._epoch):
            if first < epoch:
                base.append((first, epoch - 1, []))
            base.append((epoch, epoch, _ranges(known[epoch])))
            first = epoch + 1
        if first < self._epoch:
            base.append((first, self._epoch - 1, []))
        return base

    def _end(self) -> tuple[int, int]:
        latest = (-1, 0)
        for record in self._records.values():
            if record.epoch >= latest[0] and (record.epoch, record.k) > latest and (place := self.place(record.path)) is not None:
                latest = max(latest, place[:2]) if place[2] != NEVER else latest
        for epoch, k, t in (*self._sighted.values(), *self._noted.values()):
            if t != NEVER:
                latest = max(latest, (epoch, k))
        return latest

    def place(self, path: str) -> Place | None:
        """When the body saw this; None when that is not known."""
        noted = self._noted.get(path)
        if noted is not None:
            return noted
        sighted = self._sighted.get(path)
        record = self._records.get(path)
        if record is None or record.status == "pending" or record.kind in _WITHOUT_OWN:
            return sighted
        if record.epoch in self._bases and self._is_late(record.epoch, record.k):
            return sighted
        if sighted is None or record.epoch > sighted[0]:
            return (record.epoch, record.k, record.t)
        return sighted

    def places(self) -> list[tuple[str, Place]]:
        """All that is known, by path."""
        paths = {**dict.fromkeys(self._records), **self._sighted, **self._noted}
        return [(path, place) for path in paths if (place := self.place(path)) is not None]

    def is_own(self, record: Record) -> bool:
        """Its own (epoch, k) is its place: no later sighting says otherwise."""
        place = self.place(record.path)
        return has_own_place(record.kind) and (place is None or place[2] != NEVER)

    def is_never(self, path: str) -> bool:
        """The body cancelled it before it saw it."""
        place = self.place(path)
        return place is not None and place[2] == NEVER

    @property
    def is_replaying(self) -> bool:
        """The body does what it did before: there is something in the history that comes after all that was handed out, or a
        slice suspended after the turn of the last thing.
        """
        return self.last < self._latest or self.is_within(self.covered)

    def is_within(self, epoch: int) -> bool:
        """The body is where its history ends, in that epoch or before."""
        return self.last == self._latest and self._latest[0] <= epoch

    # ---- what this slice adds ----------------------------------------------------------------------------------------

    def saw(self, path: str) -> Place:
        """The body sees now what this slice does not write itself: note it for the next write."""
        return self._note(path, self.t)

    def never(self, path: str) -> None:
        """The body has cancelled it: note that."""
        self._note(path, NEVER)

    def _note(self, path: str, t: int) -> Place:
        self._k += 1
        place = (self._epoch, self._k, t)
        self._unsaved.append((path, *place))
        self._noted[path] = place
        return place

    @property
    def has_unsaved(self) -> bool:
        """Something is noted that no record carries yet."""
        return bool(self._unsaved)

    @property
    def carries_much(self) -> bool:
        """So much is noted that only one record should carry it."""
        return len(self._unsaved) > _INLINE // 10

    def stamped(self, record: Record, before: Record | None) -> Record:
        """The record as it is to be written: with its place when it is final, and with all that is noted."""
        changes: dict[str, Any] = {"writer": self._epoch}
        seen = list(before.seen or ()) if before is not None else list(record.seen or ())
        if record.is_final:
            self._k += 1
            if has_own_place(record.kind):
                changes.update(epoch=self._epoch, k=self._k, t=self.t)
            elif record.status != "cancelled":
                seen.append((record.path, self._epoch, self._k, self.t))
        more = list((record if before is None else before).more_seen or ())
        if len(self._unsaved) > _INLINE:
            more.append(_packed(self._unsaved, self._blobs, self._run))
        else:
            seen += self._unsaved
        base = list((record if before is None else before).base or ())
        if self._own_base and not self._is_base_saved:
            base.append((self._epoch, self._own_base))
        if seen:
            changes["seen"] = seen
        if more:
            changes["more_seen"] = more
        if base:
            changes["base"] = base
        return msgspec.structs.replace(record, **changes)

    def wrote(self, written: Sequence[tuple[Record, Record, bool]]) -> None:
        """These were to be written: as stamped, which stands now, whether that is ours. What is final was seen; what at least
        one of them carries is noted for good.
        """
        if any(is_ours for _ours, _stands, is_ours in written):
            self._unsaved = []
            self._is_base_saved = True
        for ours, _stands, is_ours in written:
            if not ours.is_final or ours.status == "cancelled":
                continue
            path = ours.path
            if not is_ours:
                self.saw(path)
            elif not has_own_place(ours.kind):
                _path, *place = (ours.seen or [])[_own_sighting(ours)]
                self._noted[path] = (place[0], place[1], place[2])


def carrying(record: Record, sightings: list[Sighting], blobs: Blobs, run: str) -> Record:
    """The record, and these sightings with it."""
    if len(sightings) <= _INLINE:
        return msgspec.structs.replace(record, seen=sightings or None)
    return msgspec.structs.replace(record, more_seen=[_packed(sightings, blobs, run)])


def _packed(sightings: list[Sighting], blobs: Blobs, run: str) -> Packed:
    return pack(msgspec.json.encode(sightings), blobs, f"the order of run {run}")


def _own_sighting(record: Record) -> int:
    return max(index for index, sighting in enumerate(record.seen or ()) if sighting[0] == record.path)


def _is_in(k: int, ranges: list[int]) -> bool:
    return any(ranges[at] <= k <= ranges[at + 1] for at in range(0, len(ranges), 2))


def _ranges(ks: set[int]) -> list[int]:
    """[first, last, first, last, ...]"""
    found: list[int] = []
    for k in sorted(ks):
        if found and found[-1] == k - 1:
            found[-1] = k
        else:
            found += [k, k]
    return found
