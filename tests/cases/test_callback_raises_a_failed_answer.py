"""app.callback(token).fail(error) raises where the body waits, as an instance of the original class.

Covers: callback.fail
"""

from datetime import timedelta

import pytest

from milepost import App, Step, StepError
from milepost.testing import Sandbox

app = App("callback-fail")
tokens: list[str] = []


class Rejected(Exception):
    pass


@app.function()
def approve(event: str, step: Step) -> str:
    try:
        step.wait_for_callback("approval", tokens.append, timeout=timedelta(days=1))
    except Rejected as error:
        return f"rejected: {error.args[0]}, {isinstance(error, StepError)}"
    except StepError as error:
        return f"failed: {error.info.message}"
    return "approved"


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_an_error_or_a_text() -> None:
    with Sandbox(app) as box:
        by_error, by_text = box.invoke(approve, "a"), box.invoke(approve, "b")
        app.callback(tokens[0]).fail(Rejected("too dear"))
        app.callback(tokens[1]).fail("no answer from the bank")
        box.run_until_idle()
        assert by_error.result == "rejected: too dear, True"
        assert by_text.result == "failed: no answer from the bank"
