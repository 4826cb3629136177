"""A message that is none is refused with an error that says why, and what came with it is done.

Covers: promise.bad-input
"""

import pytest

from milepost import (
    App,
    Event,
    Step,
)
from milepost.engine.deliver import deliver
from milepost.engine.messages import MessageError, Received
from tests.engine.stage import Stage

app = App("bad-message")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


@app.function(on=OrderPlaced)
def fulfil(event: OrderPlaced, step: Step) -> str:
    return event.order_id


@pytest.mark.parametrize("body", ["", "{", "[]", '{"kind": "dance"}', '{"kind": "poke"}', '{"kind": "poke", "run": "r", "v": 99}'])
def test_no_message(body: str) -> None:
    with Stage(app) as stage:
        stage.send(OrderPlaced(order_id="o-1"))
        with pytest.raises(MessageError):
            deliver(Received(id="x", group="default", body=body, deliveries=1, sent_at_ms=0), stage.worker, stage.clock.now_ms() + 60_000)
        stage.run_until_idle()
        assert stage.only_run("fulfil").result == "o-1"
