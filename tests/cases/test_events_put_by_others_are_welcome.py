"""An event that was put on the bus by plain put_events, without our envelope, starts runs and ends waits.

Covers: door.plain-events
"""

from datetime import timedelta
from decimal import Decimal

from milepost import (
    App,
    Event,
    Step,
)
from milepost.engine.ports import Entry
from tests.engine.stage import Stage

app = App("plain-events")


@app.event("shop/order.placed", keys=("order_id",))
class OrderPlaced(Event):
    order_id: str
    total: Decimal


@app.event("shop/order.approved", keys=("order_id",))
class OrderApproved(Event):
    order_id: str


@app.function(on=OrderPlaced, waits_for=[OrderApproved])
def fulfil(event: OrderPlaced, step: Step) -> str:
    approval = step.wait_for_event("approval", OrderApproved, order_id=event.order_id, timeout=timedelta(days=1))
    return f"{event.total} {step.event.source} {step.event.id} {approval}"


def test_a_detail_of_someone_else() -> None:
    with Stage(app) as stage:
        put = stage.ports.bus.publish
        put([Entry(name="shop/order.placed", source="legacy.shop", detail='{"order_id": "o-1", "total": 9.50, "extra": [1]}', id="aws-1")])
        stage.run_until_idle()
        put([Entry(name="shop/order.approved", source="legacy.shop", detail='{"order_id": "o-1"}', id="aws-2")])
        stage.run_until_idle()
        assert stage.only_run("fulfil").result == "9.50 legacy.shop aws-1 OrderApproved(order_id='o-1')"
