"""An event that somebody else put and that does not fit fails the run that it starts, saying which field; others go on.

Covers: event.misfit, promise.bad-input
"""

from datetime import timedelta

from milepost import (
    App,
    Event,
    Step,
)
from milepost.engine.ports import Entry
from tests.engine.stage import Stage

app = App("misfit-bus")


@app.event("shop/order.placed", keys=("order_id",))
class OrderPlaced(Event):
    order_id: str
    pieces: int


@app.function(on=OrderPlaced, waits_for=[OrderPlaced])
def fulfil(event: OrderPlaced, step: Step) -> str:
    following = step.wait_for_event("next", OrderPlaced, order_id="o-2", timeout=timedelta(days=1))
    return "none" if following is None else following.order_id


def test_one_error() -> None:
    with Stage(app) as stage:
        stage.send(OrderPlaced(order_id="o-1", pieces=1))
        stage.run_until_idle()
        stage.ports.bus.publish([Entry(name="shop/order.placed", source="x", detail='{"order_id": "o-2", "pieces": "many"}', id="bad")])
        stage.run_until_idle()
        bad, waiting = stage.client.runs(stage.newest)
        if bad.status != "failed":
            bad, waiting = waiting, bad
        assert "pieces" in str(bad.error)
        assert waiting.status == "waiting"
        stage.send(OrderPlaced(order_id="o-2", pieces=2))
        stage.run_until_idle()
        assert waiting.result == "o-2"
