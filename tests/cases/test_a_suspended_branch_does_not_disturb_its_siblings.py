"""A branch that suspends leaves its siblings to go on, and each goes on when it can, not when all can.

Covers: suspension.siblings, parallel
"""

from datetime import timedelta

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("suspension-siblings")
HOUR = timedelta(hours=1)
calls: list[str] = []


@app.event("shop/paid", keys=("id",))
class Paid(Event):
    id: str


def note(what: str) -> str:
    calls.append(what)
    return what


def sleeper(step: Step, hours: int) -> str:
    step.sleep("first", hours * HOUR)
    step.run("note", note, f"slept {hours}")
    step.sleep("second", hours * HOUR)
    return step.run("note", note, f"slept {hours} again")


def waiter(step: Step) -> str:
    step.wait_for_event("payment", Paid, id="x", timeout=24 * HOUR)
    return step.run("note", note, "paid")


@app.function(waits_for=[Paid])
def job(event: None, step: Step) -> tuple[str, str, str, str]:
    return step.parallel("all", lambda s: sleeper(s, 1), lambda s: sleeper(s, 3), waiter, lambda s: s.run("note", note, "at once"))


def test_each_at_its_own_time() -> None:
    with Sandbox(app) as box:
        run = box.invoke(job, None)
        assert calls == ["at once"]
        box.advance(1 * HOUR)
        box.send(Paid(id="x"))
        assert calls == ["at once", "slept 1", "paid"]
        box.advance(5 * HOUR)
        assert calls == ["at once", "slept 1", "paid", "slept 1 again", "slept 3", "slept 3 again"]
        assert run.result == ("slept 1 again", "slept 3 again", "paid", "at once")
