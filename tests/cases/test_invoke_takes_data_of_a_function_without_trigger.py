"""A function that is only invoked takes data of the type of its first parameter.

Covers: invoke, function.invoke-only
"""

from datetime import timedelta
from typing import TypedDict

from milepost import App, Step
from milepost.testing import Sandbox

app = App("invoke-data")


class Order(TypedDict):
    id: str
    wait: timedelta


@app.function()
def wait_for(event: Order, step: Step) -> str:
    step.sleep("wait", event["wait"])
    return event["id"]


@app.function()
def parent(event: None, step: Step) -> str:
    return step.invoke("wait", wait_for, Order(id="o-1", wait=timedelta(hours=1)))


def test_the_child_gets_its_type() -> None:
    with Sandbox(app) as box:
        run = box.invoke(parent, None)
        box.advance(timedelta(hours=1))
        assert run.result == "o-1"
