"""How effects and runs are made comparable, and how a difference and a port call read."""

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

import msgspec
import pytest

from milepost import RunStatus
from milepost.engine.ports import Absent, Delete, Key, Put
from milepost.testing.calls import call_of
from milepost.testing.outcomes import Outcome, RunSeen, differences, flat, shown


class Point(NamedTuple):
    x: int
    y: int


class Colour(Enum):
    RED = 1


class Sent(msgspec.Struct):
    to: str
    copies: list[str] = []


@dataclass
class Fake:
    calls: list[str] = field(default_factory=list[str])


class Plain:
    def __init__(self, inner: object) -> None:
        self.inner = inner


@pytest.mark.parametrize(
    ("value", "things"),
    [
        (None, {}),
        (3, {("", "3"): 1}),
        (["a", "b", "a"], {("[]", "'a'"): 2, ("[]", "'b'"): 1}),
        (deque([Point(1, 2)]), {("[]", "Point(x=1, y=2)"): 1}),
        ({"mails": ["a"], "stock": {"pen": 9}}, {("mails[]", "'a'"): 1, ("stock['pen']", "9"): 1}),
        ({Colour.RED}, {("[]", "<Colour.RED: 1>"): 1}),
        (Fake(["x"]), {("calls[]", "'x'"): 1}),
        (Sent(to="ada", copies=["bob"]), {("to", "'ada'"): 1, ("copies[]", "'bob'"): 1}),
        (Plain(Plain({"a": [1]})), {("inner.inner['a'][]", "1"): 1}),
        ([Plain({"b", "a"})], {("[]", "Plain(inner={'a', 'b'})"): 1}),
    ],
)
def test_effects_are_things_in_places(value: object, things: dict[tuple[str, str], int]) -> None:
    assert flat(value) == Counter(things)


def test_a_value_reads_the_same_in_each_play() -> None:
    assert shown([(1,), {"a": {3, 2}}, Plain(1)]) == shown([(1,), {"a": {2, 3}}, Plain(1)]) == "[(1,), {'a': {2, 3}}, Plain(inner=1)]"
    assert shown(test_a_value_reads_the_same_in_each_play) == "<function test_a_value_reads_the_same_in_each_play>"
    endless: list[Any] = []
    endless.append(endless)
    assert shown(endless).count("[") < 20


def seen(status: RunStatus, outcome: str = "", **steps: tuple[str, str]) -> RunSeen:
    return RunSeen(function="order", status=status, outcome=outcome, steps=steps)


DONE = seen(RunStatus.COMPLETED, "1", pay=("completed", "2"))


@pytest.mark.parametrize(
    ("before", "after", "texts"),
    [
        (DONE, DONE, []),
        (DONE, seen(RunStatus.COMPLETED, "1"), ["step 'pay' of order is not there"]),
        (seen(RunStatus.COMPLETED, "1"), DONE, ["step 'pay' of order is there, and was not in the calm play"]),
        (DONE, seen(RunStatus.COMPLETED, "1", pay=("failed", "None")), ["step 'pay' of order is failed instead of completed"]),
        (
            DONE,
            seen(RunStatus.FAILED, "ValueError: no", pay=("completed", "2")),
            ["order failed with ValueError: no, and returned 1 in the calm play"],
        ),
        (seen(RunStatus.FAILED, "A: x"), seen(RunStatus.FAILED, "B: y"), ["order failed with B: y instead of A: x"]),
        (seen(RunStatus.FAILED, "A: x"), seen(RunStatus.CANCELLED), ["order is cancelled, and failed with A: x in the calm play"]),
        (seen(RunStatus.COMPLETED, "1"), seen(RunStatus.PAUSED, "no such step"), ["order did not end: it is paused: no such step"]),
        (seen(RunStatus.WAITING), seen(RunStatus.COMPLETED, "1"), ["order returned 1, and was waiting in the calm play when it ended"]),
        (seen(RunStatus.WAITING), seen(RunStatus.PAUSED, "x"), ["order is paused, and is waiting in the calm play"]),
    ],
)
def test_runs_differ_in_words(before: RunSeen, after: RunSeen, texts: list[str]) -> None:
    found = differences(outcome(a=before), outcome(a=after))
    assert [one.text for one in found] == texts


def outcome(effects: object = None, interrupted: frozenset[str] = frozenset(), **runs: RunSeen) -> Outcome:
    return Outcome(runs=runs, effects=flat(effects), has_effects=effects is not None, interrupted=interrupted)


def test_runs_of_other_ids_are_the_same_when_they_did_the_same() -> None:
    other = seen(RunStatus.COMPLETED, "3")
    assert differences(outcome(a=DONE, b=other), outcome(c=other, d=DONE)) == []
    assert [one.text for one in differences(outcome(a=DONE, b=DONE), outcome(a=DONE))] == ["a run of order is missing"]
    assert [one.text for one in differences(outcome(a=DONE), outcome(a=DONE, b=DONE))] == ["there is one more run of order"]


def test_effects_differ_in_words() -> None:
    calm = outcome({"mails": ["a", "b"], "stock": 9, "gone": 1})
    found = differences(calm, outcome({"mails": ["a", "a", "c"], "stock": 8, "new": 1}))
    assert {one.text for one in found} == {
        "mails: 'a', 2 times instead of 1",
        "mails: 'b' is missing",
        "mails: 'c'",
        "stock is 8 instead of 9",
        "new: 1",
        "gone: 1 is missing",
    }


def test_an_interrupted_step_excuses_all_but_what_is_there_twice() -> None:
    calm = outcome(["a", "b"], a=DONE)
    interrupted = frozenset({"step 'pay' of order"})
    failed = seen(RunStatus.FAILED, "StepInterrupted: ...")
    assert differences(calm, outcome(["b", "refund"], interrupted, a=failed)) == []
    assert [one.text for one in differences(calm, outcome(["a", "b", "b"], interrupted, a=failed))] == ["'b', 2 times instead of 1"]
    assert [one.text for one in differences(calm, outcome([], interrupted, a=seen(RunStatus.WAITING)))] == [
        "order did not end: it is waiting"
    ]


STEP = {"pk": "run#r1", "sk": "step#a/pay", "kind": "run"}


@pytest.mark.parametrize(
    ("name", "args", "text", "steps"),
    [
        ("put", (STEP, Absent()), "put step 'a/pay'", ("a/pay",)),
        ("put", ({**STEP, "kind": "sleep"},), "put step 'a/pay'", ()),
        ("put", (b"...",), "put a large value", ()),
        ("get", ("sha",), "read a large value", ()),
        ("get", (Key("run#r1", "run"),), "read the run", ()),
        ("get_many", ([Key("run#r1", "event"), Key("run#r1", "result#2")],), "read its event, its result", ()),
        ("query_as", (object, "run#r1", "step#"), "read the steps", ()),
        ("query", ("run#r1",), "read its history", ()),
        ("write_many", ([Put(STEP)] * 5,), "put step 'a/pay', step 'a/pay', step 'a/pay' and 2 more", ("a/pay",) * 5),
        ("transact", ([Put(STEP), Delete(Key("wait#e#k=1", "r1#a"))],), "put step 'a/pay', a wait", ("a/pay",)),
        ("query", ("event#e#k=1", ""), "read an event", ()),
        ("get", (Key("app", "manifest"),), "read app", ()),
        ("send", ("one",), "send messages", ()),
    ],
)
def test_a_port_call_reads_as_what_it_is_about(name: str, args: tuple[Any, ...], text: str, steps: tuple[str, ...]) -> None:
    call = call_of(name, args)
    assert (call.text, call.steps) == (text, steps)
    assert call.run == ("r1" if "run#r1" in repr(args) else None)
