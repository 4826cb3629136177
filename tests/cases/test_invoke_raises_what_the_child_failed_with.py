"""A child that fails raises InvokeError in its parent, with .cause: an instance of the child's own error.

Covers: invoke.error
"""

from milepost import App, InvokeError, NonRetriableError, Step
from milepost.testing import Sandbox

app = App("invoke-error")


class CardDeclined(Exception):
    pass


def charge() -> None:
    raise CardDeclined("no money")


@app.function(retries=0)
def step_fails(event: None, step: Step) -> None:
    step.run("charge", charge)


@app.function(retries=0)
def body_fails(event: None, step: Step) -> None:
    raise NonRetriableError("will not")


@app.function()
def parent(event: bool, step: Step) -> str:
    try:
        step.invoke("child", step_fails if event else body_fails, None)
    except InvokeError as error:
        cause = error.cause
        assert cause is not None
        return f"{error.run_id} | {type(cause).__name__} {isinstance(cause, CardDeclined)} {cause.info}"
    return "fine"


def test_the_cause_is_the_childs_error() -> None:
    with Sandbox(app) as box:
        declined, refused = box.invoke(parent, True), box.invoke(parent, False)
        [first], [second] = box.runs(step_fails), box.runs(body_fails)
        assert declined.result == f"{first.id} | CardDeclined True CardDeclined: no money (step 'charge')"
        assert refused.result == f"{second.id} | NonRetriableError False NonRetriableError: will not"
