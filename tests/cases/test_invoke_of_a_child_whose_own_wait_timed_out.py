"""A child that failed because a wait of its own timed out raises InvokeError in its parent, which has waited long enough of nothing.

Covers: invoke.error
"""

from datetime import timedelta

from milepost import App, Backoff, InvokeError, Step, WaitTimeout
from milepost.testing import Sandbox

app = App("invoke-error-timeout")


def never() -> str | None:
    return None


@app.function()
def waits_in_vain(event: None, step: Step) -> None:
    step.wait_until("ready", never, every=Backoff(timedelta(minutes=1)), timeout=timedelta(hours=1))


@app.function()
def parent(event: timedelta, step: Step) -> str:
    try:
        step.invoke("child", waits_in_vain, None, timeout=event)
    except WaitTimeout as error:
        return "the parent" if not isinstance(error, InvokeError) else "both"
    except InvokeError as error:
        return f"the child: {isinstance(error.cause, WaitTimeout)}"
    return "fine"


def test_it_is_the_childs_error_and_no_time_out_of_the_parent() -> None:
    with Sandbox(app) as box:
        patient, hasty = box.invoke(parent, timedelta(days=1)), box.invoke(parent, timedelta(minutes=2))
        box.advance(timedelta(days=2))
        assert patient.result == "the child: True"
        assert hasty.result == "the parent"
