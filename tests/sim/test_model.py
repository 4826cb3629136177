"""What the model accepts and what it refuses, node by node; and what it says of effects."""

from typing import Any

import pytest

from milepost import ErrorInfo
from tests.sim.model import Answer, Facts, Telling, differs, effects, unsettled
from tests.sim.programs import FIRM, Node, Program, System


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


def test_only_what_is_kept_later_may_be_seen_otherwise() -> None:
    within = node("within", "w", 900, RUN)
    system = only(FAILS, node("try", "t", 0, within), node("parallel", "p", 0, node("run", "c"), mode="gather"), is_async=True)
    assert sorted(unsettled(system.programs[0])) == ["p", "root", "t", "w"]
    assert not unsettled(system.programs[1])


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


def test_a_wait_does_not_miss_what_came_in_time() -> None:
    def wrong(what: Node, value: Any, *tellings: Telling, asked: int = 100_000) -> str | None:
        return differs(only(what), 0, "k", "completed", [value], None, facts=Facts(told={"k:n1": list(tellings)}, asked={"k": asked}))

    minute = node("wait", amount=60_000)
    assert wrong(minute, None, Telling("m", at_ms=120_000, landed_ms=120_000)) is not None
    assert wrong(minute, None, Telling("m", at_ms=120_000, landed_ms=155_000)) is None
    assert wrong(minute, None, Telling("m", at_ms=90_000, landed_ms=120_000)) is None
    assert wrong(minute, None, Telling("m")) is None
    assert wrong(minute, None, Telling("m", is_shown=True, at_ms=120_000, landed_ms=120_000)) is None
    assert wrong(node("any", amount=60_000), None, Telling("m", is_shown=True, at_ms=120_000, landed_ms=120_000)) is not None
    some = [Telling(mark, good=False, at_ms=120_000, landed_ms=120_000) for mark in ("m", "n")]
    assert wrong(node("wait", amount=60_000, mode="where"), None, *some) is None
    assert wrong(node("waits", amount=60_000), ["m", None], *some) is not None
    assert wrong(node("waits", amount=60_000), ["m", None], some[0]) is None
