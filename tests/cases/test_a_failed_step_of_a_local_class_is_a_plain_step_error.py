"""When the original class cannot be found again, the step raises a plain StepError, on the first run as on the replay.

Covers: errors.plain
"""

from datetime import timedelta

from milepost import App, Step, StepError
from milepost.testing import Sandbox

app = App("errors-plain")
seen: list[tuple[type[Exception], str]] = []


def charge() -> None:
    class CardDeclined(Exception):
        pass

    raise CardDeclined("no money")


@app.function(retries=0)
def pay(event: None, step: Step) -> None:
    try:
        step.run("charge", charge)
    except StepError as error:
        seen.append((type(error), str(error)))
    step.sleep("an hour", timedelta(hours=1))


def test_plain_both_times() -> None:
    with Sandbox(app) as box:
        assert box.invoke(pay, None).status == "waiting"
        box.advance(timedelta(hours=1))
        assert len(seen) >= 2
        assert seen == [(StepError, "step 'charge' failed: CardDeclined: no money")] * len(seen)
