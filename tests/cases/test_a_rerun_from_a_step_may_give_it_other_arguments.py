"""With a step, a rerun's input replaces that step's arguments.

Covers: door.rerun-input
"""

from decimal import Decimal

from milepost import (
    App,
    Step,
)
from milepost.testing import Sandbox

app = App("rerun-arguments")
total: list[Decimal] = []


def charge(customer: str, amount: Decimal) -> str:
    total.append(amount)
    return f"{customer} paid {amount}"


def double(amount: Decimal) -> Decimal:
    return amount * 2


@app.function()
def bill(event: str, step: Step) -> str:
    amount = step.run("amount", double, Decimal("4.75"))
    step.run("charge", charge, event, amount)
    return step.run("charge again", charge, event, amount)


def test_by_place_and_by_name() -> None:
    with Sandbox(app) as box:
        run = box.invoke(bill, "ada")
        assert run.result == "ada paid 9.50"
        assert box.rerun(run, from_step="charge again", input=["bob", "1.25"]).result == "bob paid 1.25"
        assert box.rerun(run, from_step="charge again", input={"customer": "eve", "amount": "2.50"}).result == "eve paid 2.50"
        assert total[-1] == Decimal("2.50")
