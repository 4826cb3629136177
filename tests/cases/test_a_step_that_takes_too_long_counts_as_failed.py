"""options(timeout=) fails an attempt that takes longer, and drops its late result.

Covers: options.timeout
"""

from datetime import timedelta
from threading import Event

import pytest

from milepost import App, Retry, Step, StepError
from milepost.testing import Sandbox

pytestmark = pytest.mark.def_steps("it is about a step that blocks its thread, which cannot be stopped")
app = App("options-timeout")
released = Event()


def hang() -> str:
    released.wait(20)
    return "late"


@app.function()
def job(event: None, step: Step) -> str:
    try:
        return step.options(timeout=timedelta(milliseconds=20), retry=Retry(retries=0)).run("hang", hang)
    except TimeoutError as error:
        return f"{isinstance(error, StepError)}: {error}"


def test_a_time_out_is_a_failed_attempt() -> None:
    try:
        with Sandbox(app) as box:
            run = box.invoke(job, None)
            assert run.result == "True: step 'hang' failed: TimeoutError: step 'hang' took longer than 0.02 s"
            assert run.steps[0].status == "failed"
            released.set()
            box.advance(timedelta(minutes=1))
            assert run.steps[0].status == "failed"
    finally:
        released.set()
