"""The modes in which every case runs, and the marker by which a case says that it does not.

A case is written for the mode `normal`; in each other mode the same source, as def and as its async twin, runs on boxes that
drive their runs otherwise. Whatever a user can see of a run is the same in all of them. A case that asserts what a mode is
there to change (how many writes, slices or port calls, how often the body was replayed) says so:

    pytestmark = pytest.mark.modes("normal", reason="it counts writes")         the module, or one test: the modes it runs in
    pytestmark = pytest.mark.modes(without="simulated-rough", reason="...")     the same: those it does not run in, several in a tuple
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from milepost.engine.worker import Pace

MARKER: Final = "modes"
NORMAL: Final = "normal"
SEEDS: Final = (1, 2, 3, 4, 5, 6)
SHORT: Final = 1
"""So many seeds run in `make test`, the others in `make test-all`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mode:
    """A way to run the cases besides the normal one."""

    name: str
    """What the ids of its tests say: `file.py::NAME::test`, `file.py::async::NAME::test`."""
    does: str
    """What is different, for docs/design/cases.md."""
    pace: Pace = Pace.FULL
    """Of the workers that a case opens: in a Sandbox, a LocalCloud of its own process, a Stage."""
    seeds: tuple[int, ...] = ()
    """Its sandboxes are the simulator's, once with each of these seeds, all but the first SHORT under the mark `long`; a case that
    opens none does not run in it."""
    is_rough: bool = False
    """Of the simulator's faults those, too, that a count of executions or of time shows."""
    is_on_moto: bool = False
    """Its sandboxes are on moto; a case that opens none does not run in it, and its async twin under the mark `long`: moto is slow."""

    @property
    def needs_sandboxes(self) -> bool:
        """A case that opens none would run in it as in the normal mode."""
        return bool(self.seeds) or self.is_on_moto

    @property
    def nodes(self) -> tuple[tuple[str, int], ...]:
        """What the ids of its tests say, and the seed: `simulated-1`, `simulated-2`; of a mode without seeds its name."""
        return tuple((f"{self.name}-{seed}", seed) for seed in self.seeds) or ((self.name, 0),)


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
    Mode(
        name="simulated",
        does="a sandbox is the simulator's: environments side by side that take turns at every port call, duplicates, other orders, "
        "calls that are refused or repeated, cold starts, stale indexes",
        seeds=SEEDS,
    ),
    Mode(
        name="simulated-rough",
        does="the same with crashes, freezes, delays, failed calls and clocks that differ, which execute steps again and take time",
        seeds=SEEDS,
        is_rough=True,
    ),
    Mode(
        name="moto",
        does="a sandbox is on moto: the ports of AWS, and the Lambda handlers, called with what SQS, EventBridge and Scheduler send",
        is_on_moto=True,
    ),
)
NAMES: Final = (NORMAL, *(mode.name for mode in MODES))


def check_marker(names: tuple[object, ...], words: Mapping[str, object]) -> str | None:
    """What is wrong with a marker; None if nothing is."""
    without = _several(words.get("without", ()))
    if unknown := [name for name in (*names, *without) if name not in NAMES]:
        return f"pytest.mark.{MARKER}: {unknown[0]!r} is no mode; there are {', '.join(NAMES)}"
    if bool(names) == bool(without) or words.keys() - {"without", "reason"}:
        return f"pytest.mark.{MARKER} names the modes that a case runs in, or those that it does not, without=..., with a reason="
    if NORMAL in without or (names and NORMAL not in names) or len(set(names)) == len(NAMES):
        return f"pytest.mark.{MARKER} names the modes that a case runs in: {NORMAL!r} and not all others"
    reason = words.get("reason")
    if not isinstance(reason, str) or not reason:
        return f"pytest.mark.{MARKER} gives a reason: what does the case assert that a mode is there to change?"
    return None


def allows(names: tuple[object, ...], words: Mapping[str, object], mode: str) -> bool:
    """Whether a marker lets a case run in a mode."""
    return mode in names if names else mode not in _several(words.get("without", ()))


def _several(one_or_more: object) -> tuple[object, ...]:
    match one_or_more:
        case tuple():
            return cast(tuple[object, ...], one_or_more)
        case _:
            return (one_or_more,)


def opens_sandboxes(tree: ast.Module) -> bool:
    """Whether a module imports the Sandbox."""
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "milepost.testing"]
    return any(one.name == "Sandbox" for node in imports for one in node.names)


@dataclass(frozen=True, kw_only=True, slots=True)
class Marker:
    """What a marker says."""

    without: tuple[str, ...]
    """The modes that it does not name."""
    reason: str


def read_marker(mark: ast.expr) -> Marker | None:
    """From its source; None for another marker."""
    match mark:
        case ast.Call(func=ast.Attribute(attr=attr), args=args, keywords=keywords) if attr == MARKER:
            named = tuple(arg.value for arg in args if isinstance(arg, ast.Constant))
            words = {str(word.arg): ast.literal_eval(word.value) for word in keywords}
            if isinstance(reason := words.get("reason"), str):
                return Marker(without=tuple(name for name in NAMES if not allows(named, words, name)), reason=reason)
            return None
        case _:
            return None
