"""The app that the tests of the command line run: copied to a directory of its own as ``shop.py``."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from milepost import App, Cron, CronTick, Event, Failure, NonDeterminismError, Retry, Step

app = App("shop")


@app.event("shop/order.placed", keys=("order_id",))
class OrderPlaced(Event):
    order_id: str
    total: Decimal
    items: Sequence[str] = ()


@app.event("shop/order.approved", keys=("order_id",))
class OrderApproved(Event):
    order_id: str


@app.event("shop/odd.thing")
class OddThing(Event):
    note: str = ""


class CardDeclined(Exception):
    """No money."""


def charge(order_id: str, total: Decimal) -> Decimal:
    if total > 100:
        raise CardDeclined(f"{order_id}: {total} is too much")
    return total


def label(item: str) -> str:
    return item.upper()


def one() -> int:
    return 1


@dataclass(frozen=True)
class Order:
    id: str


@app.function()
def make_receipt(event: Order, step: Step) -> str:
    return step.run("print", str, event.id)


def tell_support(event: OrderPlaced, step: Step, failure: Failure) -> None:
    step.run("mail", one)


@app.function(on=OrderPlaced, waits_for=[OrderApproved], on_failure=tell_support, retry=Retry(retries=0))
def fulfil_order(event: OrderPlaced, step: Step) -> str:
    step.run("charge", charge, event.order_id, event.total)
    step.map("label", label, event.items)
    step.parallel("prepare", lambda s: s.run("reserve", one), lambda s: s.run("mail", one))
    if step.wait_for_event("approval", OrderApproved, order_id=event.order_id, timeout=timedelta(days=7)) is None:
        return "nobody"
    return step.invoke("receipt", make_receipt, Order(id=event.order_id))


@app.function(on=OddThing)
def diverge(event: OddThing, step: Step) -> None:
    raise NonDeterminismError("the code took another path")


@app.function(on=Cron("0 9 1 1 *"))
def yearly(event: CronTick, step: Step) -> None:
    step.run("count", one)
