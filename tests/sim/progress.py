"""Who holds a run, and whether it was woken: what is lost here the sweeper, or the next message, may make good unseen.

Watches headers and steps as they are written, with who writes them, and the readings of histories.

    only the holder suspends and ends      who raised the epoch last; nor does anybody else begin a step, when he had time to notice
    who waits is woken                     what somebody else has completed is read by a slice after that; an event that is there is
                                           given to who waits for it; what is due wakes the run. To be asked when no message is on
                                           its way that could still bring it about.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from milepost.engine import keys
from milepost.engine.ports import Item, Key

_HELD = frozenset({"waiting", "queued", "completed", "failed"})
"""What only the holder of a running run makes of it."""
_AWAITED = frozenset({"wait", "callback", "invoke"})
LATE_MS = 300_000
"""Something that is so late will not come by itself."""


class Writer(Protocol):
    """An environment, of a worker or a client."""

    name: str
    is_alive: bool


class Progress:
    """Of all runs of a play."""

    def __init__(self, now: Callable[[], int], who: Callable[[], Writer | None]) -> None:
        self._now = now
        self._who = who
        self._holders: dict[str, tuple[Writer | None, int]] = {}
        """Who raised the epoch of a run last, and when."""
        self._read: dict[str, int] = {}
        """When the history of a run was last read."""
        self._told: dict[str, tuple[int, str, Writer | None]] = {}
        """When somebody else last completed a step that a run waits for; which, and who."""

    def header(self, pk: str, before: Item | None, after: Item) -> str | None:
        """A header has changed: what is wrong with who changed it."""
        if after.get("epoch", 0) > (0 if before is None else before.get("epoch", 0)):
            self._holders[pk] = (self._who(), self._now())
            return None
        if before is None or before["status"] != "running" or after["status"] not in _HELD or self.holds(pk, self._who()):
            return None
        return f"{pk}: somebody else makes it {after['status']}"

    def holds(self, pk: str, who: Writer | None, *, since: int | None = None) -> bool:
        """Nobody else holds the run, or nobody else did until that time."""
        holder, at_ms = self._holders.get(pk, (who, 0))
        return holder is who or (since is not None and at_ms > since)

    def step(self, key: Key, before: Item | None, after: Item) -> None:
        """A step's record has changed."""
        is_over = after["status"] != "pending" and (before is None or before["status"] == "pending")
        if is_over and after["kind"] in _AWAITED and not self.holds(key.pk, self._who()):
            self._told[key.pk] = (self._now(), key.sk, self._who())

    def read(self, pk: str) -> None:
        """A history is being read."""
        self._read[pk] = self._now()

    def asleep(self, items: Iterable[Item], logged: Mapping[tuple[str, str], int], told: Mapping[str, int]) -> Iterator[str]:
        """The runs that nobody will look at, though there is something to see. ``logged``: when the row of each event was written;
        ``told``: when runs were told to stop.
        """
        now = self._now()
        scene = _Scene(items, logged, now - LATE_MS)
        scene.unwanted.update(keys.run_pk(run) for run, at_ms in told.items() if at_ms < now - LATE_MS)
        for pk, header in scene.headers.items():
            if pk in scene.unwanted and "ended_at" not in header:
                yield f"{pk} goes on, and nobody wants it any more"
            if header["status"] == "waiting":
                yield from self._unseen(header, now)
                yield from _missed(header, scene.waits.get(pk, []), scene.events)
            elif "settled_at" not in header and header.get("born_by") and header.get("ended_at", now) < now - LATE_MS:
                yield f"{pk} is {header['status']}, and nobody has settled it"
        for row in scene.cancels:
            header = scene.headers[keys.run_pk(row["run"])]
            for event in scene.events.get(row["pk"].replace("wait#", "event#", 1), ()):
                if row["detail"]["since"] <= event["at"] and event["id"] not in row["used"] and "ended_at" not in header:
                    yield f"{header['pk']} goes on, and {event['id']} cancels it"

    def _unseen(self, header: Item, now: int) -> Iterator[str]:
        pk = header["pk"]
        at_ms, sk, teller = self._told.get(pk, (0, "", None))
        if self._read.get(pk, 0) < at_ms < now - LATE_MS and not _has_died(teller):
            yield f"{pk} waits, and has not been read since {sk} was completed {(now - at_ms) / 1000:.0f} s ago"
        elif header.get("next_due", now) < now - LATE_MS:
            yield f"{pk} waits, and has been due for {(now - header['next_due']) / 1000:.0f} s"


def _missed(header: Item, waits: list[Item], events: Mapping[str, list[Item]]) -> Iterator[str]:
    """What one of the run's waits could have had for long."""
    used = {header.get("event_id"), *(record["detail"].get("event") for record in waits)}
    for record in waits:
        if record["status"] == "pending":
            for _name, _keys, wait_pk in record["detail"]["waits"]:
                for row in events.get(wait_pk.replace("wait#", "event#", 1), ()):
                    is_in_time = record["detail"]["since"] <= row["at"] <= record["due_at"]
                    if is_in_time and row["id"] not in used and '"good":false' not in row["data"]["text"]:  # what predicates ask for
                        yield f"{header['pk']} waits for {record['sk']}, and {row['id']} is there"


def _has_died(teller: Writer | None) -> bool:
    """A client that completed something and has not lived to tell the run: nobody does it again in its place."""
    return teller is not None and teller.name.startswith("client") and not teller.is_alive


class _Scene:
    """What is there, sorted; events and time-outs only if they are old."""

    def __init__(self, items: Iterable[Item], logged: Mapping[tuple[str, str], int], old_ms: int) -> None:
        self.headers: dict[str, Item] = {}
        self.waits: dict[str, list[Item]] = {}
        """The records of waits, by run."""
        self.cancels: list[Item] = []
        """The rows of cancel_on."""
        self.events: dict[str, list[Item]] = {}
        self.unwanted: set[str] = set()
        """Children that their parents have waited for long enough. Only looked up, never gone through."""
        for item in items:
            pk = item["pk"]
            if item["sk"] == "run":
                self.headers[pk] = item
            elif item.get("cancels"):
                self.cancels.append(item)
            elif item.get("kind") == "wait":
                self.waits.setdefault(pk, []).append(item)
            elif item.get("kind") == "invoke" and "late" in item["detail"] and not item["detail"]["detach"] and item["ended_at"] < old_ms:
                self.unwanted.add(keys.run_pk(item["detail"]["child"]))
            elif pk.startswith("event#") and logged[pk, item["sk"]] < old_ms:
                self.events.setdefault(pk, []).append(item)
