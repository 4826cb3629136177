"""A step with once=True that fails is not retried.

Covers: options.once
"""

from milepost import App, Step
from milepost.testing import Sandbox

app = App("once-failure")
calls: list[int] = []


def wire_money() -> None:
    calls.append(1)
    raise ConnectionError("who knows whether it arrived")


@app.function(retries=4)
def pay(event: None, step: Step) -> None:
    step.options(once=True).run("wire", wire_money)


def test_one_attempt() -> None:
    with Sandbox(app) as box:
        run = box.invoke(pay, None)
        assert run.status == "failed"
        assert calls == [1]
