"""heartbeat= is the longest time between two signs of life: they put the time-out off, silence ends the wait.

Covers: callback.heartbeat
"""

from datetime import timedelta

import pytest

from milepost import App, Step, WaitTimeout
from milepost.testing import Sandbox

app = App("callback-heartbeat")
tokens: list[str] = []
MINUTE = timedelta(minutes=1)


@app.function()
def render(event: None, step: Step) -> str:
    try:
        answer: str = step.wait_for_callback("film", tokens.append, timeout=timedelta(hours=2), heartbeat=10 * MINUTE)
    except WaitTimeout as error:
        return str(error)
    return answer


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_as_long_as_it_beats() -> None:
    with Sandbox(app) as box:
        run = box.invoke(render, None)
        for _ in range(5):
            box.advance(9 * MINUTE)
            app.callback(tokens[0]).heartbeat()
            box.run_until_idle()
        assert run.status == "waiting"
        box.advance(9 * MINUTE)
        assert run.status == "waiting"
        box.advance(MINUTE)
        assert run.result == "no heartbeat to callback 'film' within 600 s"


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_heartbeats_do_not_outlive_the_time_out() -> None:
    with Sandbox(app) as box:
        tokens.clear()
        run = box.invoke(render, None)
        for _ in range(13):
            box.advance(9 * MINUTE)
            app.callback(tokens[0]).heartbeat()
            box.run_until_idle()
        box.advance(3 * MINUTE)
        assert run.result == "no answer to callback 'film' within 7200 s"
