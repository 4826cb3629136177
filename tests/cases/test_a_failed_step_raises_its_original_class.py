"""A failed step raises an instance of StepError and of the original class, the same on the first run and on every replay.

Covers: errors.step-error
"""

from datetime import timedelta

from milepost import App, Step, StepError
from milepost.testing import Sandbox

app = App("errors-original")
seen: list[tuple[type[Exception], str, str, str]] = []


class CardDeclined(Exception):
    def __init__(self, card: str) -> None:
        super().__init__(f"{card} was declined")


def charge(card: str) -> None:
    raise CardDeclined(card)


@app.function(retries=0)
def pay(event: None, step: Step) -> str:
    try:
        step.run("charge", charge, "4242")
    except CardDeclined as error:
        failure: object = error
        assert isinstance(failure, StepError)
        seen.append((type(error), str(error.args[0]), failure.step, failure.info.message))
    step.sleep("an hour", timedelta(hours=1))
    try:
        step.run("charge", charge, "1881")
    except StepError as error:
        return error.info.message
    return "paid"


def test_by_either_name_first_run_and_replay() -> None:
    with Sandbox(app) as box:
        run = box.invoke(pay, None)
        box.advance(timedelta(hours=1))
        assert run.result == "1881 was declined"
        assert len(seen) >= 2
        assert seen == [seen[0]] * len(seen)
        assert seen[0][1:] == ("4242 was declined", "charge", "4242 was declined")
