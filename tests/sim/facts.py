"""What the world did, as far as it decides which ends of a run are allowed; and the places of a program by their paths."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from tests.sim.programs import Node, Place, Program, flat, places

CRASHES: Final = 4
"""Deaths of a worker in one step after which the step fails."""

SLACK_MS: Final = 10_000
"""So far two workers' clocks may be apart."""

STEPS: Final = frozenset({"run", "fails", "flaky", "exhausted", "once", "compensate", "map", "callback"})
"""What runs a function of the user's that may kill its worker."""


class Telling(msgspec.Struct, frozen=True):
    """An event that was sent to a wait's key."""

    mark: str
    good: bool = True
    is_shown: bool = False
    at_ms: int | None = None
    """When the bus accepted it; None: not known, and no wait is blamed for it."""
    landed_ms: int | None = None
    """When its delivery was through: since then no wait can miss it."""


class Answer(msgspec.Struct, frozen=True):
    """An answer that was given to a callback: its value, or with ``is_failure`` the error's message."""

    value: str
    is_failure: bool = False


class Facts(msgspec.Struct):
    """What the world did, of all runs. It is filled while they go on; note here first, then do it."""

    told: dict[str, list[Telling]] = msgspec.field(default_factory=dict[str, list[Telling]])
    """By the awaited event's key. Repetitions may be left out."""
    answers: dict[str, list[Answer]] = msgspec.field(default_factory=dict[str, list[Answer]])
    """By the run's key and the callback's path, joined by a colon."""
    deaths: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """By the run's key: slices of it that did not end as they should: killed, out of time, frozen, overtaken, failed by a port."""
    asked: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """When the event was accepted that started the run, by its key; where it is not known no wait of the run is blamed."""
    cancelled: dict[str, None] = msgspec.field(default_factory=dict[str, None])
    """Keys of runs that somebody tried to cancel, by a door or by a Stop."""


@lru_cache(maxsize=64)
def located(program: Program) -> Mapping[str, Place]:
    """The places of a program, by path."""
    return {place.path: place for place in places(program.root)}


@lru_cache(maxsize=64)
def unsettled(program: Program) -> frozenset[str]:
    """The paths of an async program where a body may see another outcome than a slice saw that died before it wrote anything.

    A time-out of asyncio, or which of two tasks failed first, is kept with the next record that is written, not before it is
    seen (async.md, rules 5 and 8). All else that a body sees, in a def program everything, is recorded first.
    """
    return frozenset(path for path, place in located(program).items() if any(map(_is_kept_later, flat(place.node))))


def _is_kept_later(node: Node) -> bool:
    return node.op == "within" or node.mode in ("gather", "group")


def allowed_failures(mode: str, count: int) -> int:
    """How many of a join's items may fail."""
    return {"": 0, "any": count, "one": min(1, count), "least": count - 1}[mode]
