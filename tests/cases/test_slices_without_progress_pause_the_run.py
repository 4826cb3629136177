"""A run that is woken 10,000 times without getting on is paused, saying so; resumed, it goes on.

Covers: bound.slices
"""

from datetime import timedelta

import pytest

from milepost import App, Event, Step
from milepost.engine.messages import Poke
from tests.engine.stage import Stage

app = App("idle")


@app.event("shop/order.approved", keys=("order_id",))
class OrderApproved(Event):
    order_id: str


@app.function(waits_for=[OrderApproved])
def patient(event: None, step: Step) -> str:
    found = step.wait_for_event("approval", OrderApproved, order_id="o-1", timeout=timedelta(days=300))
    return "nobody" if found is None else found.order_id


@pytest.mark.long
def test_ten_thousand_pokes() -> None:
    with Stage(app) as stage:
        run = stage.client.invoke(patient, None)
        stage.run_until_idle()
        for number in range(9_999):
            stage.deliver(stage.message(Poke(run=run.id), id=f"p{number}"))
        assert run.status == "waiting"
        stage.deliver(stage.message(Poke(run=run.id), id="last"))
        assert run.status == "paused"
        assert "10000 slices in a row" in str(run.view.reason)
        stage.send(OrderApproved(order_id="o-1"))
        stage.run_until_idle()
        assert run.status == "paused"
        stage.client.resume(run.id)
        stage.run_until_idle()
        assert run.result == "o-1"
