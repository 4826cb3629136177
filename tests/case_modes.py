"""The modes in which every case runs, and the marker by which a case says that it does not.

A case is written for the mode `normal`; in each other mode the same source, as def and as its async twin, runs on boxes that
drive their runs otherwise. Whatever a user can see of a run is the same in all of them. A case that asserts what a mode is
there to change (how many writes, slices or port calls, how often the body was replayed) says so:

    pytestmark = pytest.mark.modes("normal", reason="it counts writes")         the module, or one test: the modes it runs in
"""

import ast
from dataclasses import dataclass
from typing import Final

from milepost.engine.worker import Pace

MARKER: Final = "modes"
NORMAL: Final = "normal"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mode:
    """A way to run the cases besides the normal one."""

    name: str
    """What the ids of its tests say: `file.py::NAME::test`, `file.py::async::NAME::test`."""
    does: str
    """What is different, for docs/design/cases.md."""
    pace: Pace
    """Of the workers that a case opens: in a Sandbox, a LocalCloud of its own process, a Stage."""


MODES: Final = (
    Mode(
        name="always-suspend",
        does="once a slice has recorded something, whatever comes next waits for another slice: each step sees the records alone",
        pace=Pace.ALWAYS_SUSPEND,
    ),
    Mode(
        name="one-step",
        does="a slice hands over after one step, as if its time were up",
        pace=Pace.ONE_STEP,
    ),
    # The simulator with faults is a mode, too: it joins here when its cloud can stand in for the one in a box.
)
NAMES: Final = (NORMAL, *(mode.name for mode in MODES))


def check_marker(names: tuple[object, ...], reason: object) -> str | None:
    """What is wrong with a marker; None if nothing is."""
    if unknown := [name for name in names if name not in NAMES]:
        return f"pytest.mark.{MARKER}: {unknown[0]!r} is no mode; there are {', '.join(NAMES)}"
    if NORMAL not in names or len(set(names)) == len(NAMES):
        return f"pytest.mark.{MARKER} names the modes that a case runs in: {NORMAL!r} and not all others"
    if not isinstance(reason, str) or not reason:
        return f"pytest.mark.{MARKER} gives a reason: what does the case assert that a mode is there to change?"
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Marker:
    """What a marker says."""

    without: tuple[str, ...]
    """The modes that it does not name."""
    reason: str


def read_marker(mark: ast.expr) -> Marker | None:
    """From its source; None for another marker."""
    match mark:
        case ast.Call(
            func=ast.Attribute(attr=attr), args=args, keywords=[ast.keyword(arg="reason", value=ast.Constant(value=str() as reason))]
        ):
            named = {arg.value for arg in args if isinstance(arg, ast.Constant)}
            return Marker(without=tuple(name for name in NAMES if name not in named), reason=reason) if attr == MARKER else None
        case _:
            return None
