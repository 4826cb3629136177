"""What happened in a play, in order, as it is told; put into words only when somebody wants to read it.

Recording keeps references, and formats nothing. `Timeline.text` makes lines of it: when, who, which run, what; by default only of
the runs that a failure is about, with their parents and children. The words are those of words.py and names.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.sim.names import Call, Names
from tests.sim.scheduler import START_MS
from tests.sim.words import Words, clock

if TYPE_CHECKING:
    from tests.sim.world import World

WIDTH = 160
_PAUSE_MS = 10_000
"""So much time between two lines deserves an empty one."""


class Line(NamedTuple):
    """Something that was told: a template, and what goes into it."""

    at_ms: int
    who: str
    run: str
    """Its id or its key; "" when it is about none, or about what its teller works at."""
    what: str
    args: tuple[Any, ...]


class Called(NamedTuple):
    """A port call."""

    at_ms: int
    who: str
    call: Call


class Shown(NamedTuple):
    """A line as it is read."""

    at_ms: int
    time: str
    lane: str
    run: str
    text: str


class Timeline:
    """The record of one play."""

    def __init__(self) -> None:
        self.entries: list[Line | Called] = []

    def tell(self, at_ms: int, who: str, run: str, what: str, args: tuple[Any, ...]) -> None:
        """Add a line."""
        self.entries.append(Line(at_ms, who, run, what, args))

    def called(self, at_ms: int, who: str, call: Call) -> None:
        """Add a port call."""
        self.entries.append(Called(at_ms, who, call))

    def names(self, world: World) -> Names:
        """The names of the runs."""
        return Names(world, [entry.call for entry in self.entries if isinstance(entry, Called)])

    def text(self, world: World, focus: frozenset[str] | None = None, *, last: int = 400) -> str:
        """The end of it: lines about the runs of these names, with their parents and children; None: of all runs."""
        names = self.names(world)
        shown = list(self._shown(names, None if focus is None else names.family(focus)))
        left_out = max(0, len(shown) - last)
        widths = [
            max(map(len, column), default=0) for column in zip(*((one.time, one.lane, one.run) for one in shown[left_out:]), strict=True)
        ]
        lines = [f"... {left_out} lines before"] if left_out else []
        before = None
        for at_ms, time, lane, run, text in shown[left_out:]:
            if before is not None and at_ms - before >= _PAUSE_MS:
                lines.append("")
            before = at_ms
            line = f"{time:>{widths[0]}}  {lane:<{widths[1]}}  {run:<{widths[2]}}  {text}".rstrip()
            lines.append(line if len(line) <= WIDTH else line[: WIDTH - 1] + "…")
        return "\n".join(lines)

    def _shown(self, names: Names, family: frozenset[str] | None) -> Iterator[Shown]:
        words = Words(names)
        at_work: dict[str, str] = {}
        """By who: the run that it works at."""
        for entry in self.entries:
            if isinstance(entry, Called):
                runs, text = names.runs_of(entry.call), words.call(entry.call, entry.at_ms)
            else:
                runs, text = names.runs_in(entry.run, entry.args), words.line(entry.what, entry.args, entry.at_ms)
            if entry.who and len(runs) == 1:
                at_work[entry.who] = runs[0]
            about = runs or [at_work.get(entry.who, "")]
            if text and (family is None or any(run in family or not run for run in about)):
                run = next((run for run in about if family and run in family), about[0])
                yield Shown(entry.at_ms, clock(entry.at_ms - START_MS), _lane(entry.who), run, text)


def _lane(who: str) -> str:
    """An environment's name, a client, the sweeper, or a service."""
    name = who.partition("@")[0]
    return "client" if name.startswith("client") else name
