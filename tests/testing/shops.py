"""An app and its bank for the tests of crash_everywhere."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from milepost import App, Event
from milepost.testing import CrashReport, Sandbox, crash_everywhere

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Bank:
    """A fake: what a service would have on its side."""

    charges: list[tuple[str, str, Decimal]] = field(default_factory=list[tuple[str, str, Decimal]])
    by_key: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    balance: int = 9

    def charge(self, order: str, amount: Decimal) -> None:
        self.charges.append(("charged", order, amount))

    def charge_once(self, order: str, amount: Decimal, *, key: str) -> None:
        self.by_key[key] = amount

    def withdraw(self) -> None:
        self.balance -= 1


class Shop:
    """An app with one event, and a scenario that sends it and lets two days pass."""

    def __init__(self) -> None:
        self.app = App("shop")
        self.bank = Bank()
        self.plays = 0
        self.dice = count(1)

        @self.app.event("shop/order.placed", keys=("order",))
        class Placed(Event):
            order: str

        self.placed = Placed

    def place(self, box: Sandbox) -> object:
        self.plays += 1
        self.bank = Bank()
        self.dice = count(1)
        box.send(self.placed(order="o-1"))
        box.advance(2 * DAY)
        return self.bank

    def check(self, **options: Any) -> CrashReport:
        return crash_everywhere(self.app, self.place, **options)

    def report(self, **options: Any) -> str:
        with pytest.raises(AssertionError) as caught:
            self.check(**options)
        return str(caught.value)


def same(value: int) -> int:
    """A step that does nothing."""
    return value
