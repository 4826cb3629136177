"""How to test it: ten days pass in milliseconds."""

from datetime import timedelta

from examples.quickstart.shop import OrderPaid, OrderPlaced, app
from milepost.testing import Sandbox, crash_everywhere


def test_a_paid_order_ships_after_three_days() -> None:
    with Sandbox(app) as box:
        [run] = box.send(OrderPlaced(order_id="o-1", items=("pen", "ink")))
        assert run.status == "waiting"
        box.send(OrderPaid(order_id="o-1"))
        box.advance(timedelta(days=3))
        assert run.result == "o-1: pen on shelf 7, ink on shelf 7 shipped"


def test_an_order_that_nobody_pays_ends_after_a_week() -> None:
    with Sandbox(app) as box:
        [run] = box.send(OrderPlaced(order_id="o-2", items=("pen",)))
        box.advance(timedelta(days=7))
        assert run.result == "o-2: nobody paid"


def test_a_worker_that_dies_loses_nothing() -> None:
    with Sandbox(app) as box:
        box.crash_after(3)  # of the worker's calls to table, queue and bus; the fourth is never made
        [run] = box.send(OrderPlaced(order_id="o-3", items=("pen",)), OrderPaid(order_id="o-3"))
        box.advance(timedelta(days=4))
        assert run.result == "o-3: pen on shelf 7 shipped"


def place_an_order(box: Sandbox) -> None:
    box.send(OrderPlaced(order_id="o-4", items=("pen", "ink")), OrderPaid(order_id="o-4"))
    box.advance(timedelta(days=4))


def test_an_order_survives_anything() -> None:
    crash_everywhere(app, place_an_order)
