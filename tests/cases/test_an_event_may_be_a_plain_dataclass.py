"""An Event is a frozen dataclass, a dataclass of yours stays as it is, and a plain class becomes one.

Covers: event.dataclass
"""

from dataclasses import dataclass, is_dataclass
from decimal import Decimal
from typing import Any

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("event-dataclass")


@app.event("shop/one", keys=("id",))
class One(Event):
    id: str
    lines: tuple[int, ...] = ()


@app.event("shop/two")
@dataclass
class Two:
    id: str
    parts: dict[str, Decimal]


@app.event("shop/three")
class Three:
    id: str


@app.function(on=[One, Two, Three])
def take(event: One | Two | Three, step: Step) -> str:
    assert is_dataclass(event)
    return repr(event)


def test_each_comes_back_as_it_was() -> None:
    three: Any = Three
    with Sandbox(app) as box:
        for event in (One(id="1", lines=(1, 2)), Two("2", {"a": Decimal("1.50")}), three(id="3")):
            [run] = box.send(event)
            assert run.result == repr(event)
