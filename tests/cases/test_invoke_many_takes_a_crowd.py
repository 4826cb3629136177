"""invoke_many takes more children than a slice looks after one by one; all their results arrive, in order.

Covers: invoke-many
"""

from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("invoke-crowd")


@app.function()
def square(event: int, step: Step) -> int:
    return event * event


@app.function()
def parent(event: int, step: Step) -> list[int]:
    return step.invoke_many("squares", square, range(event))


@pytest.mark.modes(without="moto", reason="it makes so many requests that moto takes a minute")
def test_two_hundred_children() -> None:
    with Sandbox(app) as box:
        run = box.invoke(parent, 201)
        box.advance(timedelta(seconds=10))
        assert run.result == [number * number for number in range(201)]
        assert len(box.runs(square)) == 201
