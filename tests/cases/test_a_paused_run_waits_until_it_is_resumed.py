"""A person pauses a run: nothing of it begins, whatever comes due, until somebody resumes it.

Covers: bound.paused
"""

from datetime import timedelta

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("paused-by-hand")
printed: list[str] = []


@app.event("press/ordered")
class Ordered(Event):
    title: str


@app.function(on=Ordered)
def run_press(event: Ordered, step: Step) -> str:
    step.sleep("ink dries", timedelta(hours=1))
    step.run("print", printed.append, event.title)
    return event.title


def test_what_comes_due_meanwhile_begins_when_it_is_resumed() -> None:
    printed.clear()
    with Sandbox(app) as box:
        [run] = box.send(Ordered(title="news"))
        assert app.pause(run)
        assert run.status == "paused"
        assert run.view.reason == "paused by request"
        assert not app.pause(run), "it is paused already"
        box.advance(timedelta(days=1))
        assert (run.status, printed) == ("paused", [])
        assert app.resume(run)
        box.run_until_idle()
        assert (run.result, printed) == ("news", ["news"])
        assert not app.pause(run), "it has ended"


def test_a_paused_run_can_be_cancelled() -> None:
    with Sandbox(app) as box:
        [run] = box.send(Ordered(title="lies"))
        box.pause(run)
        box.cancel(run)
        assert run.status == "cancelled"
