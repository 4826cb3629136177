"""The faults that `crash_everywhere` plays a scenario with, each under the name by which it can be played again.

A play has one of them. Port calls are those of workers, from 1 on; deliveries are those of messages to workers, from 1 on.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from milepost.testing.calls import Call, call_of
from milepost.testing.crashes import Fuse, WorkerKilled


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A worker dies at a port call: before its effect, or after it and before the worker hears of that."""

    is_before: bool
    call: int

    def __str__(self) -> str:
        return f"{'before' if self.is_before else 'after'} {self.call}"


@dataclass(frozen=True, slots=True)
class Calm:
    """No fault: the yardstick."""

    def __str__(self) -> str:
        return "calm"


@dataclass(frozen=True, slots=True)
class Crash:
    """A worker dies, and perhaps a second one; the calls of the second are counted from the first death on."""

    first: Kill
    second: Kill | None = None

    def __str__(self) -> str:
        return f"crash {self.first}" if self.second is None else f"crash {self.first}, then {self.second}"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A message is delivered twice: the second time at once, or when everything has gone quiet."""

    delivery: int
    is_late: bool

    def __str__(self) -> str:
        return f"duplicate {self.delivery} {'late' if self.is_late else 'at once'}"


@dataclass(frozen=True, slots=True)
class Last:
    """A message is delivered after all others that can be delivered at its instant."""

    delivery: int

    def __str__(self) -> str:
        return f"delivery {self.delivery} last"


@dataclass(frozen=True, slots=True)
class NewestFirst:
    """What came last is delivered first, at every instant."""

    def __str__(self) -> str:
        return "newest first"


Fault: TypeAlias = Calm | Crash | Duplicate | Last | NewestFirst

NAMES: Final = (
    '"crash before 7", "crash after 7", "crash before 7, then after 3", "duplicate 2 at once", "duplicate 2 late", '
    '"delivery 2 last", "newest first" or "calm"'
)

_KILL: Final = r"(before|after) ([1-9]\d*)"
_READERS: Final[tuple[tuple[str, Callable[[re.Match[str]], Fault]], ...]] = (
    ("calm", lambda _: Calm()),
    (f"crash {_KILL}", lambda found: Crash(_kill(found, 1))),
    (f"crash {_KILL}, then {_KILL}", lambda found: Crash(_kill(found, 1), _kill(found, 3))),
    (r"duplicate ([1-9]\d*) (at once|late)", lambda found: Duplicate(int(found[1]), found[2] == "late")),
    (r"delivery ([1-9]\d*) last", lambda found: Last(int(found[1]))),
    ("newest first", lambda _: NewestFirst()),
)


def fault_named(name: str) -> Fault | None:
    """The fault of that name; None when no fault is called so."""
    for pattern, read in _READERS:
        found = re.fullmatch(pattern, name.strip())
        if found is not None:
            return read(found)
    return None


def _kill(found: re.Match[str], group: int) -> Kill:
    return Kill(is_before=found[group] == "before", call=int(found[group + 1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """A worker that died, and the call at which it did."""

    kill: Kill
    call: Call


class FaultFuse(Fuse):
    """Kills where a play says, besides where the scenario itself says; and keeps count of the workers' port calls."""

    def __init__(self, kills: Iterable[Kill]) -> None:
        super().__init__()
        self._kills = list(kills)
        self._since = 0
        """Calls before the death from which those of the next kill are counted."""
        self._call: tuple[str, tuple[Any, ...]] = ("", ())
        self.calls = 0
        self.deaths: list[Death] = []
        self.marks: set[int] = set()
        """Calls after which something of the user's ran, or a delivery ended: dying there is not dying before the next."""

    def mark(self) -> None:
        """Something happens between two calls that a death before the next call comes after."""
        self.marks.add(self.calls)

    def approach(self, name: str, args: tuple[Any, ...]) -> None:
        super().approach(name, args)
        self.calls += 1
        self._call = (name, args)
        self._strike(is_before=True)

    def count(self) -> None:
        self._strike(is_before=False)
        super().count()

    def _strike(self, *, is_before: bool) -> None:
        if not self._kills:
            return
        kill = self._kills[0]
        if kill.is_before is is_before and self.calls - self._since == kill.call:
            del self._kills[0]
            self._since = self.calls
            self.deaths.append(Death(kill=kill, call=call_of(*self._call)))
            self.is_blown = True
            raise WorkerKilled
