"""options(once=True, retry=) contradicts itself, and says so.

Covers: options.once, promise.bad-input
"""

from milepost import App, Retry, Step
from milepost.testing import Sandbox

app = App("once-retries")


@app.function()
def pay(event: None, step: Step) -> None:
    step.options(once=True, retry=Retry(retries=1)).run("wire", print)


def test_it_is_an_error_at_the_call() -> None:
    with Sandbox(app) as box:
        run = box.invoke(pay, None)
        assert "options(once=True) runs a step at most once: it cannot have retries" in str(run.error)
        assert run.steps == []
