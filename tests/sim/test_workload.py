"""The workload's own proof, on the Sandbox: faultless plays of random systems, whose every outcome the model accepts, and
outcomes changed by hand, which it refuses.
"""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import pytest

from milepost import ErrorInfo
from milepost.testing import Sandbox
from tests.sim.bodies import Awaited, Built, awaited, build
from tests.sim.interpreter import Interpreter
from tests.sim.model import Answer, Facts, Telling, differs, differs_at, effects
from tests.sim.outcomes import is_list
from tests.sim.programs import (
    BRANCHED,
    FIRM,
    INVOKES,
    MOST_RUNS,
    WAITS,
    Node,
    Program,
    System,
    flat,
    operations,
    places,
    runs,
    smaller,
    system,
    weight,
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
        self.facts.told.setdefault(wait.key, []).append(Telling(mark, good, wait.is_shown))
        self.box.send(self.built.told(wait, mark, good=good))

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
    assert refused > 1_000
    assert refused > 20 * allowed


def only_chance_differs(one: Any, other: Any) -> bool:
    """A wait may have timed out, and that is all that such a change can come to without being wrong."""
    if is_list(one) and is_list(other) and len(one) == len(other):
        return all(only_chance_differs(*pair) for pair in zip(one, other, strict=True))
    return one == other or other is None


def node(op: str, name: str = "n1", amount: int = 0, *children: Node, **options: Any) -> Node:
    return Node(op, name, amount, children, **options)


def only(*nodes: Node, is_async: bool = False, **options: Any) -> System:
    child = Program("p1", is_async=False, root=node("seq", "root", 0, node("run"), node("fails", "n2")))
    return System((Program("p0", is_async, node("seq", "root", 0, *nodes), **options), child))


RUN, FAILS = node("run", "a"), node("fails", "b")
FAILED = ["step", "b fails", "b"]
FACTS = Facts(
    told={"k:n1": [Telling("m1"), Telling("m2", good=False), Telling("m3", is_shown=True)]},
    answers={"k:n1": [Answer("yes"), Answer("no", is_failure=True)]},
)
CHILD_FAILED = ["child", ["step", "n2 fails", "n2"]]

ACCEPTED: list[tuple[Node, Any]] = [
    (node("run", amount=3_000), "n1+3000"),
    (node("sleep", amount=1), "n1 slept"),
    (node("wait", amount=FIRM), "m1"),
    (node("wait", amount=FIRM), "m2"),
    (node("wait", amount=900), None),
    (node("waits", amount=900), ["m1", None]),
    (node("waits", amount=FIRM), ["m2", "m1"]),
    (node("any", amount=900), [1, "m3"]),
    (node("any", amount=900), None),
    (node("callback", amount=FIRM), "yes"),
    (node("try", "t", 0, node("callback", amount=FIRM)), ["!", "step", "no", "n1"]),
    (node("try", "t", 0, node("callback", amount=900)), ["!", "timeout"]),
    (node("try", "t", 0, node("invoke", target=1)), ["!", *CHILD_FAILED]),
    (node("try", "t", 0, node("invoke", target=1, amount=900)), ["!", "timeout"]),
    (node("invoke_many", amount=2, target=1, mode="any"), [["!", *CHILD_FAILED], ["!", *CHILD_FAILED]]),
    (node("map", amount=3, failing=2, mode="one"), [["ok", "n1.0"], ["!", "step", "n1.1 fails", "n1"], ["ok", "n1.2"]]),
    (node("each", "n1", 2, RUN), ["n1.0/a", "n1.1/a"]),
    (node("race", "n1", 0, RUN, node("run", "c")), [1, "c"]),
    (node("race", "n1", 0, FAILS, RUN), [1, "a"]),
    (node("try", "t", 0, node("race", "n1", 0, FAILS, node("fails", "c"))), ["!", "race", [FAILED, ["step", "c fails", "c"]]]),
    (node("try", "t", 0, node("parallel", "n1", 0, RUN, FAILS)), ["!", *FAILED]),
    (node("try", "t", 0, node("exhausted", amount=2, mode="near")), ["!", "step", "n1 fails", "n1"]),
    (node("try", "t", 0, node("polled_out", amount=900)), ["!", "timeout"]),
    (node("send", amount=2, to="w"), 2),
    (node("patched"), True),
]

REFUSED: list[tuple[Node, Any]] = [
    (node("run"), "n2"),
    (node("run", amount=3_000), "n1+2999"),
    (node("sleep", amount=1), None),
    (node("until"), "n1"),
    (node("flaky", amount=1, mode="near"), None),
    (node("fails"), "n1"),
    (node("exhausted", mode="near"), "n1"),
    (node("wait", amount=FIRM), None),
    (node("wait", amount=900), "m3"),
    (node("wait", amount=900), "m4"),
    (node("wait", amount=900, mode="where"), "m2"),
    (node("waits", amount=900), ["m1", "m1"]),
    (node("waits", amount=900), ["m1"]),
    (node("waits", amount=FIRM), ["m1", None]),
    (node("any", amount=900), [0, "m3"]),
    (node("any", amount=FIRM), None),
    (node("callback", amount=900), "no"),
    (node("callback", amount=900), "perhaps"),
    (node("try", "t", 0, node("callback", amount=FIRM)), ["!", "timeout"]),
    (node("try", "t", 0, node("callback", amount=FIRM)), ["!", "step", "yes", "n1"]),
    (node("try", "t", 0, node("invoke", target=1)), ["!", "timeout"]),
    (node("try", "t", 0, node("invoke", target=1)), ["!", "child", None]),
    (node("try", "t", 0, node("invoke", target=1)), ["!", "child", FAILED]),
    (node("invoke", target=1), ["n1", "n2"]),
    (node("try", "t", 0, node("once")), ["!", "interrupted", "n1"]),
    (node("try", "t", 0, node("run")), ["!", "crashed", "n1"]),
    (node("try", "t", 0, RUN), ["!", *FAILED]),
    (node("try", "t", 0, FAILS), ["ok", "b"]),
    (node("map", amount=2), ["n1.0"]),
    (node("map", amount=2), ["n1.1", "n1.0"]),
    (node("map", amount=3, failing=3, mode="one"), [["!", "step", "n1.0 fails", "n1"], ["!", "step", "n1.1 fails", "n1"], ["ok", "n1.2"]]),
    (node("map", amount=1, failing=1, mode="any"), [["ok", "n1.0"]]),
    (node("map", amount=1, mode="any"), [["!", "step", "n1.0 fails", "n1"]]),
    (node("each", "n1", 2, RUN), ["n1.0/a", "n1.0/a"]),
    (node("race", "n1", 0, FAILS, RUN), [0, "b"]),
    (node("race", "n1", 0, RUN, RUN), [2, "a"]),
    (node("try", "t", 0, node("race", "n1", 0, FAILS, RUN)), ["!", "race", [FAILED, FAILED]]),
    (node("try", "t", 0, node("parallel", "n1", 0, RUN, FAILS)), ["ok", ["a", "b"]]),
    (node("parallel", "n1", 0, RUN, node("run", "c")), ["a"]),
    (node("send", amount=2, to="w"), 1),
    (node("patched"), False),
    (node("stumble", amount=1), None),
]


@pytest.mark.parametrize(("what", "value"), ACCEPTED, ids=str)
def test_the_model_accepts(what: Node, value: Any) -> None:
    assert differs(only(what), 0, "k", "completed", [value], None, facts=FACTS) is None


@pytest.mark.parametrize(("what", "value"), REFUSED, ids=str)
def test_the_model_refuses(what: Node, value: Any) -> None:
    assert differs(only(what), 0, "k", "completed", [value], None, facts=FACTS) is not None


def failed(message: str, step: str | None, kind: str = "builtins.ValueError") -> ErrorInfo:
    return ErrorInfo(kind, message, "", step)


def test_the_model_judges_ends_without_a_result() -> None:
    def end(system: System, status: str, error: ErrorInfo | None = None, facts: Facts = FACTS, key: str = "k") -> str | None:
        return differs(system, 0, key, status, None, error, facts=facts)

    b_fails = failed("b fails", "b")
    assert end(only(RUN, FAILS), "failed", b_fails) is None
    assert end(only(RUN, FAILS), "failed") is not None
    assert end(only(RUN, FAILS), "failed", failed("b fails", "a")) is not None
    assert end(only(RUN), "failed", b_fails) is not None
    assert end(only(node("try", "t", 0, FAILS)), "failed", b_fails) is not None
    assert end(only(node("fails", "a"), FAILS), "failed", b_fails) is not None  # it does not get that far
    assert end(only(node("invoke", target=1)), "failed", failed("", None, "milepost.errors.InvokeError")) is None
    assert end(only(node("invoke", target=1)), "failed", failed("", None, "milepost.errors.WaitTimeout")) is not None
    crashed = failed("", "a", "milepost.errors.WorkerCrashed")
    assert end(only(RUN), "failed", crashed) is not None
    assert end(only(RUN), "failed", crashed, Facts(deaths={"k": 4})) is None
    assert end(only(RUN), "cancelled") is not None
    assert end(only(RUN), "cancelled", facts=Facts(cancelled={"k": None})) is None
    assert end(only(RUN), "running") is not None


def test_a_child_is_cancelled_when_its_parent_may_have_let_go_of_it() -> None:
    def child(what: Node, path: str = "n1", facts: Facts = FACTS) -> str | None:
        return differs(only(what), 1, f"k>0.{path}", "cancelled", None, None, facts=facts)

    plain = node("invoke", target=1)
    assert child(plain) is not None
    assert child(plain, facts=Facts(cancelled={"k": None})) is None
    assert child(node("invoke", amount=900, target=1)) is None
    assert child(node("invoke", amount=900, target=1, mode="detach")) is not None
    assert child(node("race", "r", 0, plain, RUN)) is None
    assert child(node("invoke_many", amount=2, target=1), "n1.1") is None


def test_effects_are_those_that_the_end_speaks_of() -> None:
    def wrong(what: tuple[Node, ...], status: str, value: Any, executions: dict[str, int], **options: Any) -> str | None:
        error = failed("b fails", "b") if status == "failed" else None
        return effects(only(*what, **options), 0, "k", status, value, error, executions, facts=FACTS)

    undone = node("compensate", "c")
    assert wrong((RUN,), "completed", ["a"], {"a": 1}) is None
    assert wrong((RUN,), "completed", ["a"], {}) is not None
    assert wrong((RUN,), "completed", ["a"], {"a": 1, "z": 1}) is not None
    assert wrong((node("once"),), "completed", ["n1"], {"n1": 2}) is not None
    assert wrong((node("flaky", amount=2, mode="near"),), "completed", ["n1"], {"n1": 2}) is not None
    assert wrong((node("race", "r", 0, RUN, node("run", "d")),), "completed", [[1, "d"]], {"d": 1}) is None
    assert wrong((node("race", "r", 0, RUN, node("run", "d")),), "completed", [[1, "d"]], {"a": 1}) is not None
    assert wrong((RUN, FAILS, node("run", "d")), "failed", None, {"a": 1, "b": 1}) is None
    assert wrong((RUN, FAILS, node("run", "d")), "failed", None, {"b": 1}) is not None
    assert wrong((RUN, FAILS, node("run", "d")), "failed", None, {"a": 1, "b": 1, "d": 1}) is not None
    assert wrong((undone, FAILS), "failed", None, {"c": 1, "b": 1, "undo:c": 1}) is None
    assert wrong((undone, FAILS), "failed", None, {"c": 1, "b": 1}) is not None
    assert wrong((undone,), "completed", ["c"], {"c": 1, "undo:c": 1}) is not None
    assert wrong((FAILS,), "failed", None, {"b": 1}, has_on_failure=True) is not None
    assert wrong((FAILS,), "failed", None, {"b": 1, "on_failure": 1}, has_on_failure=True) is None
    assert wrong((RUN,), "completed", ["a"], {"a": 1, "on_failure": 1}, has_on_failure=True) is not None


# ---- systems ---------------------------------------------------------------------------------------------------------


def problem(system: System) -> str | None:
    """What makes a system none."""
    for index, program in enumerate(system.programs):
        nodes = flat(program.root)
        waits = [place.node.name for place in places(program.root) if place.node.op in WAITS and place.path == place.node.name]
        if len({node.name for node in nodes}) != len(nodes) or program.name != f"p{index}":
            return "names"
        for node in nodes:
            if node.op in INVOKES and not index < node.target < len(system.programs):
                return f"{node.name}: target"
            if node.op == "send" and node.to not in waits:
                return f"{node.name}: a wait that is not there"
            if node.mode in ("gather", "group", "asyncio") and not program.is_async:
                return f"{node.name}: in a def"
            if node.mode == "least" and not node.amount:
                return f"{node.name}: one of none"
            if bool(node.children) != (node.op in (*BRANCHED, "seq", "try")):
                return f"{node.name}: {len(node.children)} children"
    return None


def depth(node: Node) -> int:
    return 1 + max((depth(child) for child in node.children), default=-1)


def test_systems_are_valid_small_mostly_and_the_same_for_the_same_seed() -> None:
    sizes: list[int] = []
    ops: set[str] = set()
    for seed in range(1_000):
        made = system(Random(seed))
        assert problem(made) is None
        assert made == system(Random(seed))
        for index, program in enumerate(made.programs):
            sizes.append(len(flat(program.root)) - 1)
            ops.update(node.op for node in flat(program.root))
            assert 1 <= sizes[-1] <= 30
            assert depth(program.root) <= 4
            assert runs(made, index) <= MOST_RUNS
    assert 6 < sum(sizes) / len(sizes) < 10
    assert sorted(sizes)[len(sizes) // 2] <= 7
    assert ops == {name.removeprefix("op_") for name in dir(Interpreter) if name.startswith("op_")}


def test_what_is_smaller_is_valid_and_smaller_down_to_one_run() -> None:
    for seed in range(12):
        made = system(Random(seed))
        while True:
            options = list(smaller(made))
            for option in options:
                assert problem(option) is None
                assert weight(option) < weight(made)
            if not options:
                break
            made = Random(seed).choice(options)
        assert operations(made) == 1
