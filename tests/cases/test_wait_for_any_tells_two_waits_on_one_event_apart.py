"""The waits of wait_for_any may be for one event: by key, or by predicate.

Covers: wait-any, wait.where
"""

from datetime import timedelta

from milepost import App, Event, Step, WaitFor
from milepost.testing import Sandbox

app = App("wait-any-same")


@app.event("pr/reviewed", keys=("pr",))
class Reviewed(Event):
    pr: int
    verdict: str


@app.function(waits_for=[Reviewed])
def review(event: int, step: Step) -> int:
    matched = step.wait_for_any(
        "verdict",
        WaitFor(Reviewed, pr=event, where=lambda r: r.verdict == "approve"),
        WaitFor(Reviewed, pr=event, where=lambda r: r.verdict == "reject"),
        WaitFor(Reviewed, pr=event + 1),
        timeout=timedelta(days=1),
    )
    return -1 if matched is None else matched.index


def test_which_of_them_it_met() -> None:
    with Sandbox(app) as box:
        runs = [box.invoke(review, pr) for pr in (10, 20, 30)]
        box.send(Reviewed(pr=10, verdict="comment"))
        box.send(Reviewed(pr=10, verdict="reject"))
        box.send(Reviewed(pr=20, verdict="approve"))
        box.send(Reviewed(pr=31, verdict="comment"))
        assert [run.result for run in runs] == [1, 0, 2]
