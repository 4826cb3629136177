"""A function without on= is started by invoke alone; its data are of the type that `event` is annotated as.

Covers: function.invoke-only, kit.invoke
"""

from dataclasses import dataclass

from milepost import (
    App,
    Step,
)
from milepost.testing import Sandbox

app = App("invoke-only")


@dataclass(frozen=True)
class Address:
    street: str
    floor: int


@app.function()
def label(event: Address, step: Step) -> str:
    assert isinstance(event, Address)
    return step.run("label", lambda: f"{event.street}, {event.floor}")


def test_its_data_are_rebuilt() -> None:
    with Sandbox(app) as box:
        run = box.invoke(label, Address("Rue X", 3), id="once")
        again = box.invoke(label, Address("Rue X", 3), id="once")
        assert run.result == "Rue X, 3"
        assert again.id == run.id
        assert len(box.runs(label)) == 1
