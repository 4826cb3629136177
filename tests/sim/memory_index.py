"""An index of the table in memory, as it is now and as it was up to a minute ago.

Owns the order of an index's entries and what changed in them lately. Holds no items: the table does, and hands in what stood
there before each change, so that a view that lags shows the past exactly, with items that are gone or have changed since.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

from milepost.engine.ports import Index, Item

MAX_LAG_MS: Final = 60_000
"""How far back a view can look; one that should look further shows what was so then."""

Place: TypeAlias = tuple[float, str, str]
"""The range attribute, pk and sk: the order of an index within one value of its hash attribute."""


class Listing(NamedTuple):
    """Where an item stands in an index."""

    value: str
    place: Place


class _Past(NamedTuple):
    """Until then this stood at the place; None: nothing did."""

    until_ms: int
    place: Place
    body: bytes | None


class MemoryIndex:
    """One index. Not for several threads at once: the table sees to that."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._present: dict[str, list[Place]] = {}
        self._past: dict[str, deque[_Past]] = {}

    def change(self, before: Listing | None, body: bytes | None, after: Listing | None) -> None:
        """An item moved or changed in, came into or left the index; ``body`` is the item as it was before."""
        if before != after:
            if before is not None:
                places = self._present[before.value]
                del places[bisect_left(places, before.place)]
            if after is not None:
                insort(self._present.setdefault(after.value, []), after.place)
                self._note(after, None)
        if before is not None:
            self._note(before, body)

    def _note(self, listing: Listing, body: bytes | None) -> None:
        now = self._now()
        past = self._past.setdefault(listing.value, deque())
        past.append(_Past(now, listing.place, body))
        while past[0].until_ms < now - MAX_LAG_MS:
            past.popleft()

    def view(self, value: str, lag_ms: int) -> tuple[list[Place], dict[Place, bytes]]:
        """The places in order, as they were so long ago, and what then stood at those that have changed since. Not to be changed."""
        present = self._present.get(value, [])
        past = self._past.get(value)
        if lag_ms <= 0 or not past:
            return present, {}
        since = self._now() - min(lag_ms, MAX_LAG_MS)
        stood: dict[Place, bytes | None] = {}
        for each in reversed(past):
            if each.until_ms <= since:
                break
            stood[each.place] = each.body
        if not stood:
            return present, {}
        old = {place: body for place, body in stood.items() if body is not None}
        return sorted([*(place for place in present if place not in stood), *old]), old


def listing_of(index: Index, item: Item) -> Listing | None:
    """Where the item stands in the index; None when it lacks one of the attributes. Raises TypeError for what cannot be ordered."""
    value: Any = item.get(index.hash)
    number: Any = item.get(index.range)
    if value is None or number is None:
        return None
    if not isinstance(value, str) or not isinstance(number, int | float):
        raise TypeError(f"index {index.name} orders numbers by text: {index.hash} is {value!r} and {index.range} is {number!r}")
    return Listing(value, (number, item["pk"], item["sk"]))
