"""A callback that is not answered in time raises WaitTimeout; a late answer changes nothing.

Covers: callback.timeout
"""

from datetime import timedelta

from milepost import App, Step, WaitTimeout
from milepost.testing import Sandbox

app = App("callback-timeout")
tokens: list[str] = []


@app.function()
def approve(event: None, step: Step) -> str:
    try:
        step.wait_for_callback("approval", tokens.append, timeout=timedelta(days=1))
    except WaitTimeout as error:
        step.sleep("an hour", timedelta(hours=1))
        return str(error)
    return "approved"


def test_late_is_too_late() -> None:
    with Sandbox(app) as box:
        run = box.invoke(approve, None)
        box.advance(timedelta(days=1))
        app.callback(tokens[0]).succeed("yes")
        box.advance(timedelta(hours=1))
        assert run.result == "no answer to callback 'approval' within 86400 s"
