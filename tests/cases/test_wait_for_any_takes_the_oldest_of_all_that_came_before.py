"""Of events that came before, wait_for_any takes the oldest, whichever of its waits it meets.

Covers: wait-any, wait.since-trigger
"""

from datetime import timedelta

from milepost import App, Event, Step, WaitFor
from milepost.testing import Sandbox

app = App("wait-any-oldest")


@app.event("a/one", keys=("key",))
class One(Event):
    key: str


@app.event("a/two", keys=("key",))
class Two(Event):
    key: str


@app.function(waits_for=[One, Two])
def watch(event: str, step: Step) -> list[int]:
    step.sleep("collect", timedelta(hours=1))
    waits = [step.wait_for_any("next", WaitFor(One, key=event), WaitFor(Two, key=event), timeout=timedelta(minutes=1)) for _ in range(2)]
    return [-1 if matched is None else matched.index for matched in waits]


def test_two_came_before_one() -> None:
    with Sandbox(app) as box:
        run = box.invoke(watch, "k")
        box.advance(timedelta(minutes=1))
        box.send(Two(key="k"))
        box.advance(timedelta(minutes=1))
        box.send(One(key="k"))
        box.advance(timedelta(hours=2))
        assert run.result == [1, 0]
