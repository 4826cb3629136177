"""A step's name is a text of 1 to 256 characters; anything else is an error at the call.

Covers: identity.escape, promise.bad-input
"""

from typing import Any

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("names-refused")


@app.function()
def job(event: Any, step: Step) -> None:
    step.run(event, print)


@pytest.mark.parametrize("name", ["", 7, None, "x" * 257])
def test_the_error_says_what_a_name_is(name: Any) -> None:
    with Sandbox(app) as box:
        run = box.invoke(job, name)
        assert run.status == "failed"
        assert f"a step's name is a string of 1 to 256 characters, not {name!r}" in str(run.error)
        assert run.steps == []
