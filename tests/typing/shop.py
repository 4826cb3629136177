"""The events, results and functions that the other files here are about. Checked by mypy and pyright, never run."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypedDict

import msgspec

from milepost import App, AsyncStep, Event, Failure, Step

app = App("shop")


@app.event("shop/order.placed", keys=("order_id",))
class OrderPlaced(Event):
    order_id: str
    customer_id: str
    total: Decimal
    items: Sequence[str] = ()


@app.event("shop/order.approved", keys=("order_id",))
class OrderApproved(Event):
    order_id: str
    by: str


@app.event("shop/order.cancelled", keys=("order_id",))
@dataclass(frozen=True)
class OrderCancelled:
    order_id: str


@app.event("shop/order.shipped", keys=("order_id",))
class OrderShipped(msgspec.Struct):
    order_id: str


@app.event("shop/order.noted")
class OrderNoted(TypedDict):
    order_id: str


@dataclass(frozen=True)
class Receipt:
    id: str


@dataclass(frozen=True)
class Payment:
    id: str
    amount: Decimal


def charge(order_id: str, total: Decimal, *, rush: bool = False) -> Payment:
    raise NotImplementedError


def refund_payment(payment: Payment) -> None: ...


def undo() -> None: ...


def label(item: str) -> int:
    raise NotImplementedError


def ship(event: OrderPlaced, step: Step) -> Receipt:
    raise NotImplementedError


def refund(event: OrderPlaced, step: Step, failure: Failure) -> None: ...


def refund_approved(event: OrderApproved, step: Step, failure: Failure) -> None: ...


async def charge_async(order_id: str) -> Payment:
    raise NotImplementedError


async def undo_async() -> None: ...


async def label_async(item: str) -> int:
    raise NotImplementedError


async def ship_async(event: OrderPlaced, step: AsyncStep) -> Receipt:
    raise NotImplementedError


async def refund_async(event: OrderPlaced, step: AsyncStep, failure: Failure) -> None: ...


async def refund_approved_async(event: OrderApproved, step: AsyncStep, failure: Failure) -> None: ...
