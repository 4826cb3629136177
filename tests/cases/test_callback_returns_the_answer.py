"""wait_for_callback hands a token out by a step, suspends, and returns what is answered by app.callback(token).

Covers: callback
"""

from datetime import timedelta
from typing import Any

from milepost import App, Step
from milepost.testing import Sandbox

app = App("callback")
mails: list[str] = []


@app.function()
def approve(event: str, step: Step) -> Any:
    answer = step.wait_for_callback("approval", mails.append, timeout=timedelta(days=1))
    step.sleep("an hour", timedelta(hours=1))
    return answer


def test_the_answer_arrives_and_the_token_went_out_once() -> None:
    with Sandbox(app) as box:
        run = box.invoke(approve, "o-1")
        assert (run.status, len(mails)) == ("waiting", 1)
        app.callback(mails[0]).succeed({"by": "ada", "amount": 3})
        box.run_until_idle()
        box.advance(timedelta(hours=1))
        assert run.result == {"by": "ada", "amount": 3}
        assert len(mails) == 1
