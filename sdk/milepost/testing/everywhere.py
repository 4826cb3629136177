"""crash_everywhere: a scenario, played again with each fault that can happen to it, has to come to the same end.

The first play is calm and says what that end is. Owns which plays there are, and the report. Every play has a cloud of its own.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from textwrap import indent
from typing import Final

from milepost.definitions import HasDefinitions
from milepost.errors import UsageError
from milepost.testing.faults import NAMES, Crash, Duplicate, Fault, Kill, Last, NewestFirst, fault_named
from milepost.testing.findings import Finding, found_in, named_differences, whereabouts
from milepost.testing.outcomes import About, Difference, Outcome
from milepost.testing.playing import LeftOut, Played, Player
from milepost.testing.sandbox import Sandbox

_MOST_FINDINGS: Final = 3
"""Different things that are wrong: more is not looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashReport:
    """What `crash_everywhere` did, when all went well. Its text is one line."""

    plays: int
    """With a fault each; two calm ones came before them."""
    crashes: int
    duplicates: int
    reorderings: int
    runs: int
    """In the calm play."""
    port_calls: int
    """Of workers, in the calm play: calls of table, queue, timers, bus and blobs."""
    has_effects: bool
    """There were effects to compare."""

    def __str__(self) -> str:
        same = "the same runs, results and effects" if self.has_effects else "the same runs and results; no effects were given"
        kinds = f"{_many(self.crashes, 'crash', 'crashes')}, {_many(self.duplicates, 'duplicate')}, {_many(self.reorderings, 'reordering')}"
        return f"{_many(self.plays, 'play')} ({kinds}) of {_many(self.runs, 'run')} and {_many(self.port_calls, 'port call')}: {same}"


def crash_everywhere(
    app: HasDefinitions,
    scenario: Callable[[Sandbox], object],
    /,
    *,
    effects: Callable[[], object] | None = None,
    pairs: int = 0,
    only: str | None = None,
    start: datetime | None = None,
) -> CrashReport:
    """Play a scenario with a worker killed at each of its port calls, with each message delivered twice, and with messages in
    other orders; and see that each play ends as the calm one: the same runs, results, steps and effects.

    ``scenario`` is a def that takes a `Sandbox`, sends events, lets time pass, and may assert. It is played some dozens of
    times, so it makes its fakes anew each time, or empties them. What it returns are the effects: what the app has done to
    the world, as the fakes saw it. Lists in them, also in a dict or in the attributes of an object, are compared without
    order.

    ``effects``: called at the end of each play, says the effects in the place of what the scenario returns. ``pairs``: so
    many plays in which a second worker dies, too. ``only``: the one play of this name, as a report gives it, with its logs.
    ``start``: when the boxes' clock begins, as for `Sandbox`.

    A crash costs two minutes of the box's time, and the calls that are made again: what a scenario asserts about exact
    times or about `Sandbox.meter` fails. A global outlives these crashes, which it would not a real one: do not rely on it.
    A run in which a step with ``once`` was interrupted may go another way, but no effect may be there more often.

    Raises AssertionError, whose message is the report: which step is not idempotent and what it did twice, or what else
    differs, and in which play. Raises UsageError for a scenario that ends differently without any fault, or starts no run.
    """
    __tracebackhide__ = True
    if not app.definitions.functions:
        raise UsageError(f"app {app.definitions.app!r} has no functions: import the modules that define them before the test")
    chosen = None if only is None else _chosen(only)
    if pairs < 0:
        raise UsageError(f"pairs is a number of plays, not {pairs}")
    player = Player(app=app, scenario=scenario, effects=effects, start=start)
    calm = player.calm(is_brief=chosen is not None)
    outcome = _yardstick(calm)
    if chosen is None:
        _check_repeatable(outcome, player.calm(is_brief=True))
    faults = list(_faults(calm, pairs)) if chosen is None else [chosen]
    wrong = _Wrong(calm, faults)
    for fault in faults:
        played = player.play(fault, calm.rest_ms, is_brief=chosen is None)

        def again(left_out: LeftOut, fault: Fault = fault) -> Played:
            return player.play(fault, calm.rest_ms, left_out=left_out)

        wrong.add(played, found_in(calm, played, again))
        if wrong.is_enough:
            break
    wrong.check()
    return _report(faults, outcome, calm)


def _chosen(only: str) -> Fault:
    fault = fault_named(only)
    if fault is None:
        raise UsageError(f"only={only!r} is the name of no play: they are called {NAMES}")
    return fault


# ---- which plays -----------------------------------------------------------------------------------------------------


def _faults(calm: Played, pairs: int) -> Iterator[Fault]:
    kills = list(_kills(calm))
    yield from (Crash(kill) for kill in kills)
    yield from (Duplicate(number, late) for late in (False, True) for number in range(1, calm.deliveries + 1))
    yield from (Last(number) for number in calm.contended)
    if calm.contended:
        yield NewestFirst()
    every = [(first, second) for first in kills for second in kills]
    yield from (Crash(*every[index * len(every) // pairs]) for index in range(min(pairs, len(every))))


def _kills(calm: Played) -> Iterable[Kill]:
    """Before each call; and after it, unless nothing but milepost runs from there to the next: then it is the same."""
    for call in range(1, calm.calls + 1):
        yield Kill(is_before=True, call=call)
        if call in calm.marks or call == calm.calls:
            yield Kill(is_before=False, call=call)


# ---- the yardstick ---------------------------------------------------------------------------------------------------


def _yardstick(calm: Played) -> Outcome:
    if not calm.is_used:
        raise UsageError("the scenario did nothing with its box: send events with box.send, or start a function with box.invoke")
    if calm.outcome is None or not calm.outcome.runs:
        raise UsageError(
            "the scenario started no run: is there a function for the events that it sends, and does its filter let them through?"
        )
    return calm.outcome


def _check_repeatable(first: Outcome, second: Played) -> None:
    __tracebackhide__ = True
    if second.outcome is None:
        raise UsageError("the scenario is not repeatable: without any fault it failed when it was played again") from second.error
    difference, listed = named_differences(first, second.outcome)
    if difference is not None:
        raise UsageError(
            f"the scenario is not repeatable: played again without any fault, it ended differently:\n\n{listed}\n\n{_remedy(difference)}"
        )


def _remedy(difference: Difference) -> str:
    match difference.about:
        case About.STEP if difference.path is not None:
            return (
                "Give a step that reads a clock or draws a random number a stub:\n"
                f'    box.stub("{difference.function}", "{difference.path}", ...)\n'
                "and empty fakes, and whatever else outlives a play, at the beginning of the scenario."
            )
        case About.EFFECT:
            return "Make fakes anew, or empty them, at the beginning of the scenario."
        case _:
            return (
                "No step returned anything else, so this comes from the body of the function, or from state that outlives a play.\n"
                "A body reads clocks, random numbers and globals that change in steps only."
            )


# ---- the report ------------------------------------------------------------------------------------------------------


class _Wrong:
    """What has been found wrong so far, each thing once, with the plays that it was found in."""

    def __init__(self, calm: Played, faults: list[Fault]) -> None:
        self._calm = calm
        self._faults = faults
        self._found: dict[str, tuple[Finding, list[Played]]] = {}
        self._count = 0

    def add(self, played: Played, findings: list[Finding]) -> None:
        """Note what a play showed."""
        self._count += 1
        for finding in findings:
            _, plays = self._found.setdefault(finding.root, (finding, []))
            plays.append(played)

    @property
    def is_enough(self) -> bool:
        """More would not be read."""
        return len(self._found) >= _MOST_FINDINGS

    def check(self) -> None:
        """Raise the report, if there is anything to report."""
        __tracebackhide__ = True
        if not self._found:
            return
        text = "\n\n".join(self._told(*one) for one in self._found.values())
        error = next((finding.error for finding, _ in self._found.values() if finding.error is not None), None)
        raise AssertionError(text) from error

    def _told(self, finding: Finding, plays: list[Played]) -> str:
        first = plays[0]
        where = whereabouts(first, self._calm.calls)
        lines = [
            finding.text,
            "",
            f"Found in play  {first.fault}" + (f" ({where})" if where else ""),
            *([f"               and {len(plays) - 1} more of {self._count} plays"] if len(plays) > 1 else []),
            f'Play it alone  crash_everywhere(app, scenario, only="{first.fault}")',
        ]
        return f"{finding.title}\n\n{indent(chr(10).join(lines), '  ')}"


def _report(faults: list[Fault], outcome: Outcome, calm: Played) -> CrashReport:
    return CrashReport(
        plays=len(faults),
        crashes=sum(isinstance(fault, Crash) for fault in faults),
        duplicates=sum(isinstance(fault, Duplicate) for fault in faults),
        reorderings=sum(isinstance(fault, Last | NewestFirst) for fault in faults),
        runs=len(outcome.runs),
        port_calls=calm.calls,
        has_effects=outcome.has_effects,
    )


def _many(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
