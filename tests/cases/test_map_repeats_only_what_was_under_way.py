"""A crash in the middle of a map repeats the item that was under way, and none that was recorded.

Covers: map, promise.result-once
"""

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("map-crash")
made: list[int] = []


def square(item: int) -> int:
    made.append(item)
    return item * item


@app.function()
def squares(event: list[int], step: Step) -> list[int]:
    return step.map("square", square, event)


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_a_crash_between_the_items() -> None:
    for moment in range(1, 8):
        made.clear()
        with Sandbox(app) as box:
            box.crash_after(moment)
            run = box.invoke(squares, [1, 2, 3])
            assert run.result == [1, 4, 9]
        assert sorted(set(made)) == [1, 2, 3]
        assert len(made) <= 4
