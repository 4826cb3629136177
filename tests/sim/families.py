"""A child outlives nobody who waits for it unless it was told to stop.

Whoever ends a run, or decides a group of branches, tells the children that are still at work. One that it does not know of is an
orphan: it works on, and nobody will ever hear of it. Reads records and cancels as they are written and sent; judges at rest.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from milepost.engine import keys
from milepost.engine.messages import Cancel, decode
from milepost.engine.ports import Item, Key

TOLD_WITHIN_MS = 300_000
"""The slice that decides may fail before it has told them: the next one does."""
_CANCEL = '"kind":"cancel"'


class _Decided(NamedTuple):
    """A group of branches."""

    at_ms: int
    kept: int
    """The branch that counts."""


class Families:
    """Watches what is said of children."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._begun: dict[Key, int] = {}
        """By step: when its parent first recorded that it waits for it."""
        self._over: dict[Key, int] = {}
        """By step: when there was nothing left to tell."""
        self._decided: dict[Key, _Decided] = {}
        self.told: dict[str, int] = {}
        """By run: when somebody first told it to stop."""

    def wrote(self, key: Key, before: Item | None, after: Item) -> None:
        """A step's record has changed."""
        if after["kind"] == "invoke":
            if before is None and after["status"] == "pending":
                self._begun[key] = self._now()
            elif after["status"] != "pending":
                self._over.setdefault(key, self._now())
        elif after["status"] != "pending" and "index" in after.get("detail", {}) and after["kind"] != "wait":
            self._decided.setdefault(key, _Decided(self._now(), after["detail"]["index"]))

    def sent(self, body: str) -> None:
        """A message was sent."""
        if _CANCEL in body and isinstance(message := decode(body), Cancel):
            self.told.setdefault(message.run, self._now())

    def orphans(self, items: Iterable[Item], settled: dict[str, int], is_detached: Callable[[str, str], bool]) -> Iterator[str]:
        """What to say of each that nobody told. ``settled``: when runs were, by their partition; ``is_detached``: by the parent's
        function and the path that invokes it.
        """
        runs = {item["pk"]: item for item in items if item["sk"] == "run"}
        for pk, header in runs.items():
            parent = header.get("parent")
            if parent is None or header["status"] == "cancelled" or keys.run_pk(parent["run"]) not in runs:
                continue
            key = keys.step(parent["run"], parent["path"])
            alone_at = min(self._left_alone(key, parent, settled), default=None)
            if alone_at is None or self._over.get(key, alone_at) <= alone_at or header["pk"].removeprefix("run#") in self.told:
                continue
            if self._begun.get(key, 0) > alone_at:
                continue  # by a worker that was frozen, and thawed after the end: that nobody can take away
            function = runs[key.pk]["function"]
            if not is_detached(function, parent["path"]):
                yield f"{header['function']} {pk}, which {function} {key.pk} had begun at {parent['path']!r}, was never told to stop"

    def _left_alone(self, key: Key, parent: dict[str, Any], settled: dict[str, int]) -> Iterator[int]:
        """When nobody waited for it any more."""
        if key.pk in settled:
            yield settled[key.pk]
        parts = parent["path"].split("/")
        for depth in range(1, len(parts)):
            decided = self._decided.get(keys.step(parent["run"], "/".join(parts[:depth])))
            if decided is not None and str(decided.kept) != parts[depth]:
                yield decided.at_ms + TOLD_WITHIN_MS
