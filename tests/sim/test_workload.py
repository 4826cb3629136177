"""The workload's own proof, on the Sandbox: faultless plays of random systems, whose every outcome the model accepts, and
outcomes changed by hand, which it refuses.
"""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import pytest

from milepost.testing import Sandbox
from milepost.timestamps import milliseconds
from tests.sim.bodies import Awaited, Built, awaited, build
from tests.sim.model import Answer, Facts, Telling, differs, differs_at, effects
from tests.sim.outcomes import is_list
from tests.sim.programs import (
    system,
)

STEPS = (timedelta(0), timedelta(milliseconds=900), timedelta(minutes=1), timedelta(hours=1))


class Plain:
    """An Outside that counts, and remembers what it was told."""

    def __init__(self) -> None:
        self.opened: dict[str, tuple[int, str]] = {}
        self.executions: dict[str, dict[str, int]] = {}
        self.under_way: list[tuple[str, str]] = []
        self.seen: dict[tuple[str, str], str] = {}
        self.tokens: dict[str, str] = {}
        """By token, the callback's key."""

    def opens(self, run: str, index: int, key: str) -> None:
        assert self.opened.setdefault(run, (index, key)) == (index, key)

    def begin(self, run: str, path: str) -> int:
        counts = self.executions.setdefault(run, {})
        counts[path] = counts.get(path, 0) + 1
        self.under_way.append((run, path))
        return counts[path]

    def end(self, run: str, path: str) -> None:
        self.under_way.remove((run, path))

    def saw(self, run: str, path: str, outcome: str) -> None:
        self.seen[run, path] = outcome

    def token(self, run: str, path: str, token: str) -> None:
        self.tokens[token] = f"{self.opened[run][1]}:{path}"


class Play:
    """One system, played without faults: events, answers and time by chance, then all that is firmly waited for."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.system = system(self.random)
        self.outside = Plain()
        self.facts = Facts({}, {}, {}, {})
        self.built: Built = build(self.system, self.outside)
        self._marks = 0

    def run(self) -> None:
        with Sandbox(self.built.app) as box:
            self.box = box
            keys = {f"k{index}": index for index in range(len(self.system.programs)) if index == 0 or self.random.random() < 0.3}
            for key, index in keys.items():
                self.facts.asked[key] = self._now()
                box.send(self.built.asked(index, key))
            self.waits = [wait for key, index in keys.items() for wait in awaited(self.system, index, key)]
            for _ in range(self.random.randint(0, 12)):
                self._something()
            self._finish()
            self.runs = [run for run in box.runs() if run.id in self.outside.opened]
            self.ends = [(run.id, run.status, run.result if run.status == "completed" else None, run.error) for run in self.runs]

    def _something(self) -> None:
        random = self.random
        if self.waits and random.random() < 0.6:
            self._tell(random.choice(self.waits), good=random.random() < 0.7)
        if self.outside.tokens and random.random() < 0.6:
            self._answer(random.choice(list(self.outside.tokens)), is_failure=random.random() < 0.3)
        if random.random() < 0.03:
            self._cancel()
        self.box.advance(random.choice(STEPS))

    def _tell(self, wait: Awaited, *, good: bool = True) -> None:
        self._marks += 1
        mark = f"m{self._marks}"
        now = self._now()
        self.facts.told.setdefault(wait.key, []).append(Telling(mark, good, wait.is_shown, at_ms=now, landed_ms=now))
        self.box.send(self.built.told(wait, mark, good=good))

    def _now(self) -> int:
        return milliseconds(self.box.now)

    def _answer(self, token: str, *, is_failure: bool = False) -> None:
        key = self.outside.tokens.pop(token)
        text = f"answer {key}"
        self.facts.answers.setdefault(key, []).append(Answer(text, is_failure))
        callback = self.built.app.callback(token)
        if is_failure:
            callback.fail(text)
        else:
            callback.succeed(text)
        self.box.run_until_idle()

    def _cancel(self) -> None:
        run, (index, key) = self.random.choice(list(self.outside.opened.items()))
        if self.system.programs[index].cancel_on and self.random.random() < 0.5:
            self.facts.cancelled[key] = None
            self.box.send(self.built.stop(key))
        else:
            self.facts.cancelled[key] = None
            self.box.cancel(run)

    def _finish(self) -> None:
        for _ in range(60):
            self.box.advance(timedelta(days=3))
            if all(run.status.is_terminal for run in self.box.runs()):
                return
            for wait in self.waits:
                if wait.is_firm:
                    self._tell(wait)
            for token in list(self.outside.tokens):
                self._answer(token)
        raise AssertionError([(run, run.status) for run in self.box.runs()])


def wrongs(play: Play) -> Iterator[str]:
    for run, status, result, error in play.ends:
        index, key = play.outside.opened[run]
        wrong = differs(play.system, index, key, status, result, error, facts=play.facts)
        did = play.outside.executions.get(run, {})
        wrong = wrong or effects(play.system, index, key, status, result, error, did, facts=play.facts)
        if wrong is not None:
            yield f"{key}, {status}: {wrong}"
    for (run, path), outcome in play.outside.seen.items():
        index, key = play.outside.opened[run]
        wrong = differs_at(play.system, index, key, path, msgspec.json.decode(outcome), facts=play.facts)
        if wrong is not None:
            yield f"{key}: {wrong}"


@pytest.mark.parametrize("first", range(0, 200, 25))
def test_the_model_accepts_what_happens_without_faults(first: int) -> None:
    for seed in range(first, first + 25):
        play = Play(seed)
        play.run()
        assert list(wrongs(play)) == [], seed


# ---- what the model refuses ------------------------------------------------------------------------------------------


def changed(value: Any, random: Random) -> Any:
    """The same with one thing in it that is another."""
    if is_list(value) and value and random.random() < 0.9:
        place = random.randrange(len(value))
        match random.randrange(6):
            case 0:
                return [*value[:place], *value[place + 1 :]]
            case 1:
                return [*value, value[place]]
            case _:
                return [*value[:place], changed(value[place], random), *value[place + 1 :]]
    others: list[Any] = [None, "other", 7, [], ["ok"], ["!", "timeout", 1], True]
    return random.choice([other for other in others if other != value or type(other) is not type(value)])


def test_the_model_refuses_a_result_with_one_thing_changed() -> None:
    refused = allowed = 0
    for seed in range(400, 440):
        play = Play(seed)
        play.run()
        for run, status, result, _error in play.ends:
            index, key = play.outside.opened[run]
            if status != "completed" or result == []:
                continue
            for _ in range(20):
                other = changed(result, play.random)
                wrong = differs(play.system, index, key, "completed", other, None, facts=play.facts)
                if wrong is None:
                    assert only_chance_differs(result, other), (seed, result, other)
                    allowed += 1
                refused += wrong is not None
    assert refused > 900
    assert refused > 20 * allowed


def only_chance_differs(one: Any, other: Any) -> bool:
    """A wait may have timed out, and that is all that such a change can come to without being wrong."""
    if is_list(one) and is_list(other) and len(one) == len(other):
        return all(only_chance_differs(*pair) for pair in zip(one, other, strict=True))
    return one == other or other is None
