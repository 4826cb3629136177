"""app.send returns one id per event; a given id is used, numbered for several.

Covers: door.send
"""

import pytest

from milepost import (
    App,
    Event,
    Step,
    UsageError,
)
from milepost.testing import Sandbox

app = App("send-ids")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


@app.function(on=OrderPlaced)
def fulfil(event: OrderPlaced, step: Step) -> str:
    return step.event.id


def test_ids() -> None:
    with Sandbox(app) as box:
        one, two = OrderPlaced(order_id="1"), OrderPlaced(order_id="2")
        assert app.send(one, id="x") == ["x"]
        assert app.send(one, two, id="x") == ["x:0", "x:1"]
        made = app.send(one, two)
        assert len(set(made)) == 2
        box.run_until_idle()
        assert sorted(run.result for run in box.runs(fulfil)) == sorted(["x", "x:0", "x:1", *made])
        with pytest.raises(UsageError, match="1 to 256 characters"):
            app.send(one, id="")
