"""The first answer to a callback counts, also one that comes while submit still runs; later ones change nothing.

Covers: callback.first-counts
"""

from datetime import timedelta

from milepost import App, Step
from milepost.testing import Sandbox

app = App("callback-first")


def answer_at_once(token: str) -> None:
    app.callback(token).succeed("first")
    app.callback(token).succeed("second")
    app.callback(token).fail("third")


@app.function()
def ask(event: None, step: Step) -> str:
    answer: str = step.wait_for_callback("answer", answer_at_once, timeout=timedelta(days=1))
    step.sleep("an hour", timedelta(hours=1))
    return answer


def test_the_first_one_stands() -> None:
    with Sandbox(app) as box:
        run = box.invoke(ask, None)
        box.advance(timedelta(hours=1))
        assert run.result == "first"
