"""A worker that dies at any of its port calls changes nothing that anybody can see.

Each scenario is played once without a fault; then again and again, killed just before its n-th port call and just after the
effect of that, for every n until it survives. In between a step's body may have run. The smallest are killed twice, at every
pair of such moments; of the others the long proofs try some pairs. Every time the same runs end alike, nothing that was
recorded is done again and of what was not at most the step that was in flight, what is recorded is what a step returned, and
nothing is left over. The sweeper is off: the protocols do not need it for this (docs/design/protocols.md).
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, islice, product
from typing import NamedTuple

import pytest

from milepost import RunStatus, StepRecord
from milepost.engine.origins import get_header
from tests.engine.scenarios.box import Crash, MortalBox
from tests.engine.scenarios.everything import ALL
from tests.engine.scenarios.kit import Ledger

PAIRS = 60
"""Pairs of crashes that are tried of each scenario that is not small."""


def marks_of(name: str) -> list[pytest.MarkDecorator]:
    fails = ALL[name].fails
    marks = [pytest.mark.long] if name.endswith("-async") else []
    return marks if fails is None else [*marks, pytest.mark.xfail(strict=True, reason=fails)]


EVERY = [pytest.param(name, marks=marks_of(name)) for name in ALL]
SOUND = [name for name, one in ALL.items() if one.fails is None]
SMALL = [name for name, one in ALL.items() if one.is_small]


@dataclass
class Outcome:
    """What anybody can see in the end."""

    runs: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    steps: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict[str, list[tuple[str, str, str]]])
    recorded: set[str] = field(default_factory=set[str])
    """What steps have recorded, as it was: with the number of its execution."""


class Death(NamedTuple):
    """A crash that came to pass."""

    done: int
    """How much the steps had done."""
    recorded: Counter[str]
    """How much of that was on record."""


@dataclass
class Played:
    """One play of a scenario."""

    outcome: Outcome
    ledger: Ledger
    calls: int
    deaths: list[Death]


def plain(value: object) -> str:
    """Without the number of the execution."""
    return re.sub(r"#\d+", "", str(value))


def values_in(text: object) -> list[str]:
    return re.findall(r"(?<![\w ])[\w ]+#\d+", str(text))


def status_of(step: StepRecord) -> str:
    """Of a child that lost a race: its own answer, that it was cancelled, may come before its parent notes that it is."""
    return "lost" if step.kind == "invoke" and step.status in ("failed", "cancelled") else step.status


def recorded_in(box: MortalBox) -> set[str]:
    return {value for run in box.runs() for step in run.steps for value in values_in(step.result)}


def outcome_of(box: MortalBox, by_chance: frozenset[str]) -> Outcome:
    found = Outcome()
    for run in box.runs():
        header = get_header(box.table, run.id)
        assert header is not None
        assert header.status.is_terminal, (run.function, run.status, run.view.reason)
        assert header.settled_at is not None or header.is_unborn, run.function
        if run.function in by_chance:
            continue
        shown = plain(run.result) if run.status == "completed" else plain(run.error)
        found.runs[run.id] = (run.function, run.status.value, shown)
        if run.status is not RunStatus.CANCELLED:  # how far a cancelled run had got is chance
            found.steps[run.id] = sorted(
                (step.path, status_of(step), plain(step.result)) for step in run.steps if step.path not in by_chance
            )
    found.recorded = recorded_in(box)
    return found


def play(name: str, *crashes: Crash, is_patient: bool = False) -> Played:
    """Play it; the worker dies at the first of these moments, the next worker at the second, and so on."""
    scenario, ledger = ALL[name], Ledger()
    app, script = scenario.build(ledger)
    deaths: list[Death] = []
    box = MortalBox(app, crashes, is_patient=is_patient)
    box.at_death = lambda: deaths.append(Death(len(ledger.did), Counter(plain(value) for value in recorded_in(box))))
    ledger.lasts = box.lasts
    with box:
        script(box)
        outcome = outcome_of(box, scenario.by_chance)
        assert box.left_over() == []
        return Played(outcome, ledger, box.calls, deaths)


def check(name: str, calm: Played, *crashes: Crash, is_patient: bool = False) -> Played:
    """Play it with these crashes: it is as if there had been none."""
    scenario = ALL[name]
    played = play(name, *crashes, is_patient=is_patient)
    assert played.outcome.runs == calm.outcome.runs
    assert played.outcome.steps == calm.outcome.steps
    assert played.outcome.recorded <= played.ledger.returned
    in_all = calm.ledger.counts()
    repeated = played.ledger.counts() - in_all
    assert repeated.total() <= len(crashes) * scenario.in_flight, repeated
    for number, death in enumerate(played.deaths, 1):
        again = Counter(played.ledger.did[death.done :]) - (in_all - death.recorded)
        assert again.total() <= (len(played.deaths) - number) * scenario.in_flight, f"{again}: recorded, and done again"
    assert (calm.ledger.counts() - played.ledger.counts()).keys() <= scenario.by_chance
    return played


def moments() -> Iterator[Crash]:
    """All of them; whoever plays them ends when none comes to pass any more."""
    return (Crash(call, before) for call in count(1) for before in (True, False))


@pytest.mark.parametrize("name", EVERY)
def test_a_crash_at_any_port_call_changes_nothing(name: str) -> None:
    calm = play(name)
    assert calm.calls > 3
    for crash in moments():
        if not check(name, calm, crash).deaths:
            assert crash.call >= calm.calls
            break


@pytest.mark.parametrize("name", [name for name in SOUND if name.endswith("-async")])
def test_a_crash_at_some_port_calls_of_an_async_body_changes_nothing(name: str) -> None:
    """What the long proofs do at all of them."""
    calm = play(name)
    for crash in islice(moments(), 1, 2 * calm.calls, 7):
        check(name, calm, crash)


@pytest.mark.long
@pytest.mark.parametrize("name", SOUND)
def test_nor_does_it_when_nothing_else_happens_until_it_is_made_good(name: str) -> None:
    calm = play(name)
    for crash in moments():
        if not check(name, calm, crash, is_patient=True).deaths:
            break


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SMALL)
def test_any_pair_of_crashes_changes_nothing(name: str) -> None:
    calm = play(name)
    for first in moments():
        seconds = (len(check(name, calm, first, second).deaths) for second in moments())
        if next(deaths for deaths in seconds if deaths < 2) == 0:
            break


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [name for name in SOUND if name not in SMALL])
def test_two_crashes_anywhere_change_nothing(name: str) -> None:
    calm = play(name)
    one = [Crash(call, before) for call in range(1, calm.calls + 1) for before in (True, False)]
    pairs = list(product(one, one))
    for pair in pairs[:: max(1, len(pairs) // PAIRS)]:
        check(name, calm, *pair)
