"""A smaller plan that breaks the same law.

Greedy: whatever can be left out is left out, largest parts first, as long as the law is still broken. A change shifts who draws what,
so each smaller plan is also played under some other seeds, which draw otherwise; at last single faults are left out, by their
names. The same failure gives the same smaller one, unless the time is over before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import TypeVar

import msgspec

from tests.sim.faults import Rates
from tests.sim.laws import Broken
from tests.sim.plan import MANAGING, Action, Plan
from tests.sim.programs import smaller
from tests.sim.timeline import Timeline
from tests.sim.world import World

T = TypeVar("T")

SECONDS = 30.0
MOST_PLAYS = 5_000
_OTHER_SEEDS = 6
_STRIDE = 1_000_003
_RATES = (
    *("crash_before", "crash_after", "freeze", "refused", "ambiguous", "repeated", "partial", "bursts", "slow", "index_lag_ms"),
    *("duplicated", "delayed", "ack_lost", "timer_late", "timer_lost", "skew_ms", "cold", "sweeper_overlaps"),
)
"""What can be made none."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, and which of its faults do not strike."""

    plan: Plan
    dropped: frozenset[str] = frozenset()


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A case that breaks a law."""

    case: Case
    law: str
    what: str
    struck: tuple[str, ...]
    """Names of the faults that did strike."""


def law_of(error: Exception) -> str:
    """The law that is broken; of what is no law, the type of the error."""
    return error.law if isinstance(error, Broken) else type(error).__name__


def attempt(case: Case, timeline: Timeline | None = None) -> tuple[World, Failure | None]:
    """Play a case."""
    world = World(case.plan, dropped=case.dropped, timeline=timeline)
    try:
        world.play()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        struck = tuple(dict.fromkeys(fault.name for fault in world.faults.struck))
        return world, Failure(case=case, law=law_of(error), what=str(error), struck=struck)
    return world, None


def shrunken(failure: Failure, *, seconds: float = SECONDS, most_plays: int = MOST_PLAYS) -> Failure:
    """A smaller one."""
    return _Shrinker(failure, monotonic() + seconds, most_plays).shrink()


class _Shrinker:
    def __init__(self, failure: Failure, until: float, most_plays: int) -> None:
        self._found = failure
        self._until = until
        self._left = most_plays

    def shrink(self) -> Failure:
        while True:
            before = self._found
            self._passes((_fewer_actions, _fewer_programs, _fewer_kinds, _smaller_systems, _plainer))
            if self._found is before or self._is_over:
                break
        self._fewer_faults()
        self._passes((_fewer_actions, _smaller_systems))  # what the faults needed that are gone
        self._fewer_faults()
        return self._found

    @property
    def _is_over(self) -> bool:
        return self._left <= 0 or monotonic() >= self._until

    def _passes(self, ways: Sequence[Callable[[Plan], Iterator[Plan]]]) -> None:
        for way in ways:
            while not self._is_over and self._one(way):
                pass

    def _one(self, way: Callable[[Plan], Iterator[Plan]]) -> bool:
        """Go one step this way."""
        return any(self._accepts(plan) for plan in way(self._found.case.plan))

    def _accepts(self, plan: Plan) -> bool:
        dropped = self._found.case.dropped
        seeds = (plan.seed,) if dropped else [plan.seed, *(plan.seed % _STRIDE + number * _STRIDE for number in range(1, _OTHER_SEEDS + 1))]
        return any(self._breaks(Case(plan=msgspec.structs.replace(plan, seed=seed), dropped=dropped)) for seed in dict.fromkeys(seeds))

    def _breaks(self, case: Case) -> bool:
        if self._is_over:
            return False
        self._left -= 1
        _, failure = attempt(case)
        if failure is None or failure.law != self._found.law:
            return False
        self._found = failure
        return True

    def _fewer_faults(self) -> None:
        """Leave out single faults: many at a time, then each."""
        size = len(self._found.struck)
        while size >= 1 and not self._is_over:
            case, struck = self._found.case, self._found.struck
            size = min(size, len(struck))
            parts = [struck[begin : begin + size] for begin in range(0, len(struck), max(1, size))]
            if not any(self._breaks(Case(plan=case.plan, dropped=case.dropped.union(part))) for part in parts):
                size //= 2


# ---- smaller plans ---------------------------------------------------------------------------------------------------


def _parts(whole: Sequence[T]) -> Iterator[list[T]]:
    """The whole without a part of it: halves, quarters, and so on to single ones, the last ones first."""
    size = len(whole)
    while size >= 1:
        for begin in reversed(range(0, len(whole), size)):
            yield [*whole[:begin], *whole[begin + size :]]
        size //= 2


def _fewer_actions(plan: Plan) -> Iterator[Plan]:
    for actions in _parts(plan.actions):
        if any(action.kind == "ask" for action in actions):
            yield msgspec.structs.replace(plan, actions=tuple(actions))


def _fewer_programs(plan: Plan) -> Iterator[Plan]:
    """`smaller` leaves out programs first, each in turn; what is done to their runs goes with them."""
    count = len(plan.system.programs)
    for dropped, system in enumerate(smaller(plan.system)):
        if dropped >= count or len(system.programs) == count:
            return
        actions = [_shifted(action, dropped) for action in plan.actions if action.index != dropped or action.kind == "tell"]
        if any(action.kind == "ask" for action in actions):
            yield msgspec.structs.replace(plan, system=system, actions=tuple(actions))


def _shifted(action: Action, dropped: int) -> Action:
    """The same where the programs after the dropped one have moved up; the keys of children name their parents' programs."""

    def moved(key: str) -> str:
        return re.sub(r">(\d+)\.", lambda found: f">{int(found[1]) - (int(found[1]) > dropped)}.", key)

    one = action.awaited
    return msgspec.structs.replace(
        action,
        index=action.index - (action.index > dropped),
        awaited=None if one is None else msgspec.structs.replace(one, key=moved(one.key), run=moved(one.run)),
    )


def _fewer_kinds(plan: Plan) -> Iterator[Plan]:
    names = [name for name in _RATES if getattr(plan.rates, name)]
    for left in _parts(names):
        none = {name: type(getattr(plan.rates, name))(0) for name in names if name not in left}
        yield msgspec.structs.replace(plan, rates=msgspec.structs.replace(plan.rates, **none))


def _smaller_systems(plan: Plan) -> Iterator[Plan]:
    for system in smaller(plan.system):
        if len(system.programs) == len(plan.system.programs):
            yield msgspec.structs.replace(plan, system=system)


def _plainer(plan: Plan) -> Iterator[Plan]:
    for rates in _plainer_rates(plan.rates, plan.actions):
        if rates != plan.rates:
            yield msgspec.structs.replace(plan, rates=rates)
    soonest = tuple(sorted((_sooner(action) for action in plan.actions), key=lambda action: action.at_ms))
    if soonest != plan.actions:
        yield msgspec.structs.replace(plan, actions=soonest)


def _plainer_rates(rates: Rates, actions: Sequence[Action]) -> Iterator[Rates]:
    replace = msgspec.structs.replace
    yield replace(rates, concurrency=1)
    yield replace(rates, concurrency=min(2, rates.concurrency))
    if not any(action.kind == "poison" for action in actions):
        yield replace(rates, poison=0, most_receives=1_000_000)
    if not rates.needs_sweeper and not any(action.kind in MANAGING for action in actions):
        yield replace(rates, sweeper=False)


def _sooner(action: Action) -> Action:
    return msgspec.structs.replace(action, at_ms=action.at_ms // 1_000 * 1_000)
