"""Branches may have branches: scopes nest, and a replay finds every step again.

Covers: parallel, map, identity.scope
"""

from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("parallel-nested")
calls: list[int] = []


def square(item: int) -> int:
    calls.append(item)
    return item * item


def half(step: Step, first: int) -> list[int]:
    squares = step.map("square", square, [first, first + 1])
    step.sleep("an hour", timedelta(hours=first))
    return squares


@app.function()
def tree(event: None, step: Step) -> tuple[list[int], list[list[int]]]:
    return step.parallel("halves", lambda s: half(s, 1), lambda s: s.each("quarter", half, [3, 5]))


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_every_leaf_once() -> None:
    with Sandbox(app) as box:
        run = box.invoke(tree, None)
        box.advance(timedelta(hours=6))
        assert run.result == ([1, 4], [[9, 16], [25, 36]])
        assert sorted(calls) == [1, 2, 3, 4, 5, 6]
        assert "halves/1/quarter/1/square/0" in {step.path for step in run.steps}
