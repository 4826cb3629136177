"""An order that is reserved at once, waits for its payment, cools off for three days, and ships."""

from datetime import timedelta

from milepost import App, Event, Step

app = App("shop")


@app.event("shop/order.placed", keys=("order_id",))
class OrderPlaced(Event):
    order_id: str
    items: tuple[str, ...]


@app.event("shop/order.paid", keys=("order_id",))
class OrderPaid(Event):
    order_id: str


def reserve(item: str) -> str:
    return f"{item} on shelf 7"


def ship(order_id: str, shelves: list[str]) -> str:
    return f"{order_id}: {', '.join(shelves)} shipped"


@app.function(on=OrderPlaced, waits_for=[OrderPaid])
def fulfil_order(event: OrderPlaced, step: Step) -> str:
    shelves = step.map("reserve", reserve, event.items)  # each item is tried until it succeeds, then never again
    paid = step.wait_for_event("payment", OrderPaid, order_id=event.order_id, timeout=timedelta(days=7))
    if paid is None:
        return f"{event.order_id}: nobody paid"
    step.sleep("cool off", timedelta(days=3))  # nothing runs meanwhile, and a restart does not start it anew
    return step.run("ship", ship, event.order_id, shelves)
