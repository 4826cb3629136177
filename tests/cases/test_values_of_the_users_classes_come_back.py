"""Dataclasses, Structs, TypedDicts and pydantic models, one within the other, come back as what they were.

Covers: values.types, values.annotation
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TypedDict

import msgspec
from pydantic import BaseModel

from milepost import App, Step
from milepost.testing import Sandbox

app = App("values-classes")


class Address(TypedDict):
    city: str
    since: date


class Item(msgspec.Struct, frozen=True):
    name: str
    price: Decimal


class Customer(BaseModel):
    name: str
    born: date
    visits: list[date] = []


@dataclass
class Order:
    customer: Customer
    address: Address
    items: tuple[Item, ...]
    notes: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    parent: "Order | None" = None


def customer() -> Customer:
    return Customer(name="Ada", born=date(1990, 1, 1), visits=[date(2026, 1, 1)])


def order() -> Order:
    first = Order(customer(), address(), ())
    return Order(customer(), address(), (Item("lamp", Decimal("9.50")),), {"a": {1, 2}}, first)


seen: list[tuple[Order, Customer, Address]] = []


def address() -> Address:
    return {"city": "Oslo", "since": date(2021, 1, 1)}


@app.function()
def keep(event: Order, step: Step) -> Order:
    seen.append((step.run("order", order), step.run("customer", customer), step.run("address", address)))
    step.sleep("an hour", timedelta(hours=1))
    return event


def test_first_run_and_replay_see_the_same() -> None:
    with Sandbox(app) as box:
        run = box.invoke(keep, order())
        box.advance(timedelta(hours=1))
        assert len(seen) >= 2
        assert seen == [(order(), customer(), address())] * len(seen)
        assert run.result == order()
        assert repr(run.result) == repr(order())
