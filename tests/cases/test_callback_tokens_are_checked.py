"""A text that is no token, and a token of a run that is not there, are errors that say so.

Covers: callback, promise.bad-input
"""

from datetime import timedelta

import pytest

from milepost import App, RunNotFound, Step, UsageError
from milepost.testing import Sandbox

app = App("callback-token")
tokens: list[str] = []


@app.function()
def ask(event: None, step: Step) -> None:
    step.wait_for_callback("answer", tokens.append, timeout=timedelta(days=1))


def test_whose_token_is_it() -> None:
    with Sandbox(app) as box:
        box.invoke(ask, None)
    with Sandbox(app):
        with pytest.raises(RunNotFound, match="no run"):
            app.callback(tokens[0]).succeed(1)
        with pytest.raises(UsageError, match="'yes' is not a callback token"):
            app.callback("yes").succeed(1)
