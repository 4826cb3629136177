"""box.stub lets a value, or a callable, stand in for what a step would do.

Covers: kit.stub
"""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from milepost import (
    App,
    FunctionNotFound,
    NonRetriableError,
    Step,
)
from milepost.testing import Sandbox

app = App("stub")


@dataclass(frozen=True)
class Payment:
    id: str


def charge(order: str) -> Payment:
    raise AssertionError("no test calls the bank")


def label(item: str) -> str:
    raise AssertionError("nor the printer")


@app.function()
def order(event: str, step: Step) -> str:
    payment = step.run("charge", charge, event)
    labels = step.map("label", label, ["a", "b"])
    stock, mail = step.parallel("prepare", lambda s: s.run("reserve", label, "x"), lambda s: s.run("mail", label, "y"))
    return f"{payment.id} {labels} {stock} {mail}"


@app.function()
def approve(event: None, step: Step) -> str:
    answer: str = step.wait_for_callback("approval", label, timeout=timedelta(days=1))
    return answer


def declined(order: str) -> Payment:
    raise NonRetriableError(f"{order} declined")


def test_values_and_callables() -> None:
    with Sandbox(app) as box:
        box.stub(order, "charge", Payment("p-1"))
        box.stub(order, "label", str.upper)
        box.stub("order", "prepare/0/reserve", "reserved")
        box.stub(order, "prepare/1/mail", "mailed {}".format)
        assert box.invoke(order, "o-1").result == "p-1 ['A', 'B'] reserved mailed y"


def test_of_a_callback_in_the_place_of_its_submit() -> None:
    with Sandbox(app) as box:
        tokens: list[str] = []
        box.stub(approve, "approval", tokens.append)
        run = box.invoke(approve, None)
        app.callback(tokens[0]).succeed("yes")
        box.run_until_idle()
        assert run.result == "yes"


def test_what_it_raises_the_step_raises() -> None:
    with Sandbox(app) as box:
        box.stub(order, "charge", declined)
        run = box.invoke(order, "o-1")
        assert run.status == "failed"
        assert "o-1 declined" in str(run.error)


def test_of_an_unknown_function() -> None:
    with Sandbox(app) as box, pytest.raises(FunctionNotFound, match="order"):
        box.stub("ordr", "charge", 1)
