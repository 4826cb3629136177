"""A run's id is made of function, event name and event id: the same event makes the same run, another one another.

Covers: identity.run-id, promise.one-run
"""

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("run-ids")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


@app.function(on=OrderPlaced)
def fulfil(event: OrderPlaced, step: Step) -> str:
    return event.order_id


@app.function(on=OrderPlaced)
def thank(event: OrderPlaced, step: Step) -> str:
    return event.order_id


def ids(event_id: str) -> dict[str, str]:
    with Sandbox(app) as box:
        return {run.function: run.id for run in box.send(OrderPlaced(order_id="o-1"), id=event_id)}


def test_the_same_in_every_cloud() -> None:
    assert ids("e-1") == ids("e-1")
    assert len({*ids("e-1").values(), *ids("e-2").values()}) == 4


def test_a_second_event_of_the_id_makes_no_second_run() -> None:
    with Sandbox(app) as box:
        box.send(OrderPlaced(order_id="o-1"), id="e-1")
        box.send(OrderPlaced(order_id="o-2"), id="e-1")
        assert [run.result for run in (*box.runs(fulfil), *box.runs(thank))] == ["o-1", "o-1"]
