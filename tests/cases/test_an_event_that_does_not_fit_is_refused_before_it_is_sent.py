"""An event with a field of the wrong type is refused where it is sent, and none of its companions is sent either.

Covers: event.misfit, promise.bad-input
"""

from dataclasses import dataclass
from typing import Any

import pytest

from milepost import (
    App,
    Event,
    EventError,
    Step,
)
from milepost.testing import Sandbox

app = App("misfit")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str
    pieces: int


@dataclass
class Unknown:
    x: int


@app.function(on=OrderPlaced)
def fulfil(event: OrderPlaced, step: Step) -> int:
    return event.pieces


def test_the_error_names_field_and_find() -> None:
    many: Any = "many"
    with Sandbox(app) as box:
        with pytest.raises(EventError, match=r"shop/order.placed.*pieces"):
            box.send(OrderPlaced(order_id="good", pieces=1), OrderPlaced(order_id="bad", pieces=many))
        with pytest.raises(EventError, match=r"Unknown is no event"):
            box.send(Unknown(1))
        with pytest.raises(EventError, match=r"class"):
            box.send(OrderPlaced)
        assert box.runs() == []
        assert box.meter.writes == 0
