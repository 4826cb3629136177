"""Who holds a run, and whether it was woken: what is lost here the sweeper, or the next message, may make good unseen.

Watches headers and steps as they are written, with who writes them, and the readings of histories.

    only the holder suspends and ends      who raised the epoch last
    who waits is woken                     what somebody else has completed is read by a slice after that; what is due is due to
                                           somebody. To be asked when no message is on its way that could still bring it about.
"""

from collections.abc import Callable, Iterable, Iterator

from milepost.engine.ports import Item, Key

_HELD = frozenset({"waiting", "queued", "completed", "failed"})
"""What only the holder of a running run makes of it."""
_AWAITED = frozenset({"wait", "callback", "invoke"})
LATE_MS = 300_000
"""Something that is so late will not come by itself."""


class Progress:
    """Of all runs of a play."""

    def __init__(self, now: Callable[[], int], who: Callable[[], object]) -> None:
        self._now = now
        self._who = who
        self._holders: dict[str, object] = {}
        """Who raised the epoch of a run."""
        self._read: dict[str, int] = {}
        """When the history of a run was last read."""
        self._told: dict[str, tuple[int, str]] = {}
        """When somebody else last completed a step that a run waits for; and which."""

    def header(self, pk: str, before: Item | None, after: Item) -> str | None:
        """A header has changed: what is wrong with who changed it."""
        if after.get("epoch", 0) > (0 if before is None else before.get("epoch", 0)):
            self._holders[pk] = self._who()
            return None
        if before is None or before["status"] != "running" or after["status"] not in _HELD or self._who() is self._holders.get(pk):
            return None
        return f"{pk}: somebody else makes it {after['status']}"

    def step(self, key: Key, before: Item | None, after: Item) -> None:
        """A step's record has changed."""
        is_over = after["status"] != "pending" and (before is None or before["status"] == "pending")
        if is_over and after["kind"] in _AWAITED and self._who() is not self._holders.get(key.pk):
            self._told[key.pk] = (self._now(), key.sk)

    def read(self, pk: str) -> None:
        """A history is being read."""
        self._read[pk] = self._now()

    def asleep(self, headers: Iterable[Item]) -> Iterator[str]:
        """The runs that nobody will look at, though there is something to see."""
        now = self._now()
        for header in headers:
            pk = header["pk"]
            if header["status"] != "waiting":
                continue
            at_ms, sk = self._told.get(pk, (0, ""))
            if self._read.get(pk, 0) < at_ms < now - LATE_MS:
                yield f"{pk} waits, and has not been read since {sk} was completed {(now - at_ms) / 1000:.0f} s ago"
            elif header.get("next_due", now) < now - LATE_MS:
                yield f"{pk} waits, and has been due for {(now - header['next_due']) / 1000:.0f} s"
