"""One play of a scenario in a box with a fault, from an empty cloud to what anybody can see in the end."""

import inspect
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from milepost.definitions import HasDefinitions
from milepost.errors import UsageError
from milepost.testing.faults import Calm, Death, Fault
from milepost.testing.faulty import FaultyBox
from milepost.testing.outcomes import Outcome, outcome_of
from milepost.testing.sandbox import Sandbox
from milepost.testing.witness import StepKey

Scenario: TypeAlias = Callable[[Sandbox], object]
LeftOut: TypeAlias = Mapping[StepKey, frozenset[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of a play."""

    fault: Fault
    outcome: Outcome | None
    """None when the scenario failed."""
    error: Exception | None
    calls: int
    """Port calls of workers."""
    marks: frozenset[int]
    """Calls after which something else ran than milepost."""
    deliveries: int
    contended: tuple[int, ...]
    """Deliveries that others could have come before."""
    deaths: tuple[Death, ...]
    begun: Counter[StepKey]
    """Executions of steps, in the order in which each was first begun."""
    others: Mapping[StepKey, tuple[str, str]]
    """Steps that were executed with two kinds of arguments."""
    begun_at_deaths: tuple[Mapping[StepKey, int], ...]
    rest_ms: int
    """When it had come to rest."""
    is_used: bool
    """The scenario did something with its box."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """Plays one scenario of one app."""

    app: HasDefinitions
    scenario: Scenario
    effects: Callable[[], object] | None
    start: datetime | None

    def calm(self, *, is_brief: bool = False) -> Played:
        """Without a fault; what the scenario raises is raised."""
        __tracebackhide__ = True
        box = FaultyBox(self.app, Calm(), start=self.start, is_brief=is_brief)
        with box:
            returned = self._run(box)
            rest_ms = box.settle(None)
            return _played(box, self._outcome(box, returned), None, rest_ms)

    def play(self, fault: Fault, rest_ms: int, *, left_out: LeftOut | None = None, is_brief: bool = True) -> Played:
        """With a fault, as far as that time."""
        __tracebackhide__ = True
        box = FaultyBox(self.app, fault, start=self.start, left_out=left_out, is_brief=is_brief)
        with box:
            try:
                returned = self._run(box)
                box.settle(rest_ms)
            except Exception as error:  # noqa: BLE001 - an assertion of the scenario's, as like as not: the report is raised from it
                return _played(box, None, error, rest_ms)
            return _played(box, self._outcome(box, returned), None, rest_ms)

    def _run(self, box: FaultyBox) -> object:
        __tracebackhide__ = True
        returned = self.scenario(box)
        if inspect.iscoroutine(returned):
            returned.close()
            raise UsageError(
                "the scenario is an async def: write a def, for a box is used without await, and the app's functions may be async"
            )
        return returned

    def _outcome(self, box: FaultyBox, returned: object) -> Outcome:
        return outcome_of(box.runs(), returned if self.effects is None else self.effects())


def _played(box: FaultyBox, outcome: Outcome | None, error: Exception | None, rest_ms: int) -> Played:
    return Played(
        fault=box.fault,
        outcome=outcome,
        error=error,
        calls=box.faults.calls,
        marks=frozenset(box.faults.marks),
        deliveries=box.deliveries,
        contended=tuple(box.contended),
        deaths=tuple(box.faults.deaths),
        begun=box.witness.begun,
        others=box.witness.others,
        begun_at_deaths=tuple(box.begun_at_deaths),
        rest_ms=rest_ms,
        is_used=box.is_used,
    )
