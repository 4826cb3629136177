"""A step's name is a text of 1 to 256 characters, of 900 bytes with those of what it stands in; anything else is an error at the call.

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


@app.function()
def nest(event: str, step: Step) -> str:
    [[[last]]] = step.parallel(event, lambda a: a.parallel(event, lambda b: b.parallel(event, lambda c: c.run(event, str.upper, "done"))))
    return last


@pytest.mark.parametrize("name", ["", 7, None, "x" * 257])
def test_the_error_says_what_a_name_is(name: Any) -> None:
    with Sandbox(app) as box:
        run = box.invoke(job, name)
        assert run.status == "failed"
        assert f"a step's name is a string of 1 to 256 characters, not {name!r}" in str(run.error)
        assert run.steps == []


@pytest.mark.parametrize("name", ["x" * 220, "\U0001f600" * 55, "/" * 73], ids=["letters", "pictures", "slashes"])
def test_names_within_names_may_have_900_bytes(name: str) -> None:
    with Sandbox(app) as box:
        assert box.invoke(nest, name).result == "DONE"


@pytest.mark.parametrize("name", ["x" * 225, "\U0001f600" * 57, "/" * 75], ids=["letters", "pictures", "slashes"])
def test_more_than_that_is_an_error(name: str) -> None:
    with Sandbox(app) as box:
        run = box.invoke(nest, name)
        assert run.status == "failed"
        assert "bytes, 900 are the most: use shorter names" in str(run.error)
