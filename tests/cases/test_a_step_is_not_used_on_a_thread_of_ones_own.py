"""A step used on a thread that the body has made is an error that names parallel, map and each.

Covers: identity.unfinished
"""

from threading import Thread

import pytest

from milepost import App, MilepostError, Step
from milepost.testing import Sandbox

pytestmark = pytest.mark.def_only("a thread of the body's own has no loop on which to await a step")
app = App("own-thread")


def work() -> str:
    return "worked"


@app.function()
def threaded(event: None, step: Step) -> str:
    def target() -> None:
        try:
            step.run("work", work)
        except MilepostError:
            return

    thread = Thread(target=target)
    thread.start()
    thread.join()
    return "done"


def test_it_fails_the_run() -> None:
    with Sandbox(app) as box:
        run = box.invoke(threaded, None)
        assert run.status == "failed"
        assert "step 'work' is used on another thread than its body's: use step.parallel, step.map or step.each" in str(run.error)
