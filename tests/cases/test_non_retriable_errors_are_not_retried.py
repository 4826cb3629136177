"""NonRetriableError in a step fails it at once, whatever retries are left.

Covers: errors.non-retriable
"""

from datetime import timedelta

from milepost import App, NonRetriableError, Step
from milepost.testing import Sandbox

app = App("errors-non-retriable")
calls: list[int] = []


class OutOfStock(NonRetriableError):
    pass


def reserve() -> None:
    calls.append(1)
    raise OutOfStock("none left")


@app.function(retries=4)
def order(event: None, step: Step) -> str:
    try:
        step.run("reserve", reserve)
    except OutOfStock as error:
        return str(error)
    return "reserved"


def test_one_attempt() -> None:
    with Sandbox(app) as box:
        run = box.invoke(order, None)
        box.advance(timedelta(days=1))
        assert run.result == "step 'reserve' failed: OutOfStock: none left"
        assert calls == [1]
