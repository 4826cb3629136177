"""What scenarios are made of: a ledger of what the steps have done, an app with three events, a list they enter themselves in."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

from milepost import App, Event
from tests.engine.scenarios.box import MortalBox

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

ASYNC = "__async"
"""What the name of a module's async twin ends with."""


@dataclass
class Ledger:
    """What the steps have done: each execution leaves another value, so a step that is done again is seen."""

    did: list[str] = field(default_factory=list[str])
    returned: set[str] = field(default_factory=set[str])
    tokens: list[str] = field(default_factory=list[str])
    lasts: Callable[[timedelta], None] = lambda _duration: None
    """Lets time pass in the middle of a step."""

    def do(self, what: str) -> str:
        self.did.append(what)
        value = f"{what}#{self.did.count(what)}"
        self.returned.add(value)
        return value

    def do_slowly(self, what: str) -> str:
        """It takes the better part of an invocation."""
        self.lasts(56 * SECOND)
        return self.do(what)

    def counts(self) -> Counter[str]:
        return Counter(self.did)


Play: TypeAlias = Callable[[MortalBox], None]
Build: TypeAlias = Callable[[Ledger], tuple[App, Play]]


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A shape of durable work, and what a crash may change of it without harm."""

    build: Build
    in_flight: int = 1
    """Steps that may be under way at once, and so be done again after one crash."""
    by_chance: frozenset[str] = frozenset()
    """What is done or not, the steps whose outcome differs, and the functions that run or not, according to when a worker dies."""
    is_small: bool = False
    """Its pairs of crashes are all tried."""
    fails: str | None = None
    """It fails, and should not: why."""


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    *, in_flight: int = 1, by_chance: tuple[str, ...] = (), is_small: bool = False, fails: str | None = None, async_fails: str | None = None
) -> Callable[[Build], Build]:
    """Enter it under its name; those of an async twin as `<name>-async`. `fails`, `async_fails`: why it, or its twin, does."""

    def enter(build: Build) -> Build:
        is_twin = build.__module__.endswith(ASYNC)
        name = build.__name__ + ("-async" if is_twin else "")
        assert name not in SCENARIOS
        SCENARIOS[name] = Scenario(
            build=build,
            in_flight=in_flight,
            by_chance=frozenset(by_chance),
            is_small=is_small,
            fails=async_fails if is_twin else fails,
        )
        return build

    return enter


class Placed(Event):
    id: str
    note: str = ""


class Approved(Event):
    id: str
    by: str = "ada"


class Withdrawn(Event):
    id: str


class Kit:
    """An app with the three events that all scenarios speak of."""

    def __init__(self) -> None:
        self.app = App("shop")
        self.placed = self.app.event("order/placed", keys=("id",))(Placed)
        self.approved = self.app.event("order/approved", keys=("id",))(Approved)
        self.withdrawn = self.app.event("order/withdrawn", keys=("id",))(Withdrawn)


def start(kit: Kit) -> Play:
    """Send the event, and let all its time pass."""

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.advance(4 * DAY)

    return play
