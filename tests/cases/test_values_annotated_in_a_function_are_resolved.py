"""Annotations are resolved with closures and with the locals of the frame that the durable function is decorated in.

Covers: values.annotation
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from milepost import App, Step
from milepost.testing import Sandbox


def make() -> tuple[App, Any, Any]:
    app = App("values-local")

    @dataclass(frozen=True)
    class Payment:
        on: date

    def charge() -> "Payment":
        return Payment(date(2026, 1, 1))

    @app.function()
    def pay(event: "Payment", step: Step) -> "list[Payment]":
        paid = step.run("charge", charge)
        step.sleep("an hour", timedelta(hours=1))
        return [event, paid]

    return app, pay, Payment


def test_local_classes() -> None:
    app, pay, payment = make()
    with Sandbox(app) as box:
        run = box.invoke(pay, payment(date(2025, 1, 1)))
        box.advance(timedelta(hours=1))
        assert run.result == [payment(date(2025, 1, 1)), payment(date(2026, 1, 1))]
