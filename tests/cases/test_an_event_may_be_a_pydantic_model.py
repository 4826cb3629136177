"""A pydantic model is an event as it stands, with its own validation.

Covers: event.pydantic
"""

from datetime import timedelta

from pydantic import BaseModel, Field

from milepost import (
    App,
    Step,
)
from milepost.testing import Sandbox

app = App("event-pydantic")


class Line(BaseModel):
    sku: str
    pieces: int = Field(gt=0)


@app.event("shop/order.placed", keys=("order_id",))
class OrderPlaced(BaseModel):
    order_id: str
    lines: list[Line]


@app.function(on=OrderPlaced)
def fulfil(event: OrderPlaced, step: Step) -> OrderPlaced:
    step.sleep("nap", timedelta(hours=1))
    assert isinstance(event.lines[0], Line)
    return event


def test_it_comes_back() -> None:
    with Sandbox(app) as box:
        sent = OrderPlaced(order_id="o-1", lines=[Line(sku="x", pieces=2)])
        [run] = box.send(sent)
        box.advance(timedelta(hours=1))
        assert run.result == sent
