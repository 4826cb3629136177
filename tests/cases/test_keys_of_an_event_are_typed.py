"""The text "7" and the number 7 are two keys; 7 and 7.0 of a float key are one.

Covers: event.keys
"""

from datetime import timedelta

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("typed-keys")


@app.event("shop/scanned", keys=("code", "weight", "checked"))
class Scanned(Event):
    code: str | int
    weight: float = 0.0
    checked: bool = False


@app.function(waits_for=[Scanned])
def by_code(event: str | int, step: Step) -> str:
    found = step.wait_for_event("scan", Scanned, code=event, timeout=timedelta(hours=1))
    return "nothing" if found is None else repr(found.code)


@app.function(waits_for=[Scanned])
def by_weight(event: int, step: Step) -> str:
    found = step.wait_for_event("scan", Scanned, weight=event, checked=True, timeout=timedelta(hours=1))
    return "nothing" if found is None else repr(found.weight)


def test_text_and_number() -> None:
    with Sandbox(app) as box:
        text, number, weight = box.invoke(by_code, "7"), box.invoke(by_code, 7), box.invoke(by_weight, 7)
        box.send(Scanned(code=7, weight=7.0, checked=False))
        assert (text.status, number.result, weight.status) == ("waiting", "7", "waiting")
        box.send(Scanned(code="7", weight=7.0, checked=True))
        assert (text.result, weight.result) == ("'7'", "7.0")
