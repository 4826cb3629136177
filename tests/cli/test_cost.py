"""`milepost cost`: a scenario, a function with data made up, all functions, and what is in the way."""

from pathlib import Path

import pytest
from msgspec import convert

from milepost.costing.bill import Bill
from tests.cli.conftest import Milepost

SCENARIO = """
from datetime import timedelta
from decimal import Decimal
from milepost.testing import Sandbox
from shop import OrderApproved, OrderPlaced

def scenario(box: Sandbox) -> None:
    box.send(OrderPlaced(order_id="o-1", total=Decimal(5)))
    box.advance(timedelta(days=1))
    box.send(OrderApproved(order_id="o-1"))

def idle(box: Sandbox) -> None:
    pass

def broken(box: Sandbox) -> None:
    raise ValueError("no such order")

number = 7
"""


@pytest.fixture(autouse=True)
def scenarios(here: Path) -> None:
    (here / "scenarios.py").write_text(SCENARIO, encoding="utf-8")


@pytest.mark.parametrize("given", ["scenarios.py", "scenarios.py:scenario", "scenarios:scenario"])
def test_a_scenario_is_billed_line_by_line(milepost: Milepost, given: str) -> None:
    text = milepost("cost", "shop:app", "--scenario", given).stdout
    assert f"a million times {given}: 2 runs each, 2 completed" in text
    for service in ("Amazon DynamoDB", "Amazon SQS", "Amazon EventBridge", "AWS Lambda", "AWS Step Functions", "Lambda durable functions"):
        assert service in text
    assert "List prices of us-east-1, 20" in text


def test_the_sum_is_that_of_the_lines(milepost: Milepost) -> None:
    [bill] = convert(milepost.json("cost", "shop:app", "--scenario", "scenarios.py"), list[Bill])
    assert bill.runs == {"completed": 2}
    assert bill.dollars == pytest.approx(sum(line.dollars for line in bill.lines))
    assert all(line.dollars == pytest.approx(line.count * line.price, abs=0.001) for line in bill.lines)
    assert [rival.service for rival in bill.rivals] == ["AWS Step Functions", "Lambda durable functions"]


def test_without_a_scenario_every_function_with_a_trigger_is_billed(milepost: Milepost) -> None:
    text = milepost("cost", "shop:app").stdout
    assert [line.split()[0] for line in text.splitlines()[2:5]] == ["fulfil_order", "diverge", "yearly"]
    assert "1 paused" in text
    assert "Write a scenario" in text


def test_one_function_is_billed_line_by_line(milepost: Milepost) -> None:
    assert "a million times make_receipt: 1 run each" in milepost("cost", "shop:app", "-f", "make_receipt").stdout


def test_a_larger_worker_costs_more(milepost: Milepost) -> None:
    small, large = (milepost.json("cost", "shop:app", "-f", "yearly", "--memory", memory)[0]["dollars"] for memory in ("128", "4096"))
    assert small < large


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (["shop"], "does not say where the app is", 2),
        (["nowhere:app"], "there is no module 'nowhere'", 5),
        (["shop:app", "-f", "fulfill_order"], "Did you mean 'fulfil_order'", 3),
        (["shop:app", "-f", "yearly", "--scenario", "scenarios.py"], "give --scenario or --function", 2),
        (["shop:app", "--scenario", "nothing.py"], "there is no file", 2),
        (["shop:app", "--scenario", "nothing:here"], "there is no module 'nothing'", 2),
        (["shop:app", "--scenario", "what is this"], "does not say where the scenario is", 2),
        (["shop:app", "--scenario", "scenarios.py:none"], "has no 'none'", 2),
        (["shop:app", "--scenario", "scenarios.py:number"], "is int, not a function", 2),
        (["shop:app", "--scenario", "scenarios.py:idle"], "has started no run", 2),
        (["shop:app", "--scenario", "scenarios.py:broken"], "ValueError: no such order", 5),
        (["shop:app", "--region", "mars-north-1"], "mars-north-1", 2),
    ],
)
def test_what_is_in_the_way_is_said(milepost: Milepost, arguments: list[str], says: str, code: int) -> None:
    assert says in milepost.error("cost", *arguments, code=code)


def test_a_scenario_that_cannot_be_loaded_shows_its_own_traceback(milepost: Milepost, here: Path) -> None:
    (here / "broken.py").write_text("import nowhere_at_all\n", encoding="utf-8")
    text = milepost.error("cost", "shop:app", "--scenario", "broken.py", code=5)
    assert 'broken.py", line 1' in text
    assert "site-packages" not in text


def test_an_event_that_cannot_be_made_up_does_not_hide_the_others(milepost: Milepost, here: Path) -> None:
    (here / "odd.py").write_text(
        "import msgspec\nfrom shop import app\n"
        "class Loop(msgspec.Struct):\n    inner: 'Loop'\n"
        "@app.event('odd/loop')\nclass Sent(msgspec.Struct):\n    loop: Loop\n"
        "@app.function(on=Sent)\ndef looping(event: Sent, step) -> None: ...\n",
        encoding="utf-8",
    )
    result = milepost("cost", "odd:app")
    assert "fulfil_order" in result.stdout
    assert "no event can be made up for looping" in result.stderr
    assert "no event can be made up" in milepost.error("cost", "odd:app", "-f", "looping", code=2)


def test_an_app_in_a_package_may_be_named_by_the_package(milepost: Milepost, here: Path) -> None:
    (here / "packed").mkdir()
    (here / "packed" / "__init__.py").touch()
    (here / "packed" / "app.py").write_text("from shop import app\n", encoding="utf-8")
    assert "fulfil_order" in milepost("cost", "packed:app").stdout
    assert "fulfil_order" in milepost("cost", "packed.app:app").stdout
