"""patched(id) is False in runs that had passed the place when it was added, True in those that come to it afterwards.

Covers: patched
"""

from datetime import timedelta

from milepost import App, Step
from milepost.testing import Sandbox

app = App("patched")
deployed: list[str] = []


def charge(how: str) -> str:
    return how


@app.function()
def order(event: None, step: Step) -> str:
    step.sleep("before", timedelta(hours=1))
    new = "patch" in deployed and step.patched("charge by card")
    paid = step.run("charge", charge, "card" if new else "cash")
    step.sleep("after", timedelta(hours=1))
    again = "patch" in deployed and step.patched("charge by card")
    return f"{paid} {new} {again}"


def test_old_runs_keep_their_path() -> None:
    with Sandbox(app) as box:
        passed = box.invoke(order, None)
        box.advance(timedelta(hours=1))
        on_its_way = box.invoke(order, None)
        deployed.append("patch")
        fresh = box.invoke(order, None)
        box.advance(timedelta(hours=2))
        assert passed.result == "cash False False"
        assert on_its_way.result == "card True True"
        assert fresh.result == "card True True"
