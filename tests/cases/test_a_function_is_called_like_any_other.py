"""A durable function can be called directly, with a step of your own, as a unit test does.

Covers: function.callable
"""

from collections.abc import Callable
from typing import Any

import pytest

from milepost import (
    App,
    Step,
)

pytestmark = pytest.mark.def_only("its plain step, and what calls the function, would be async too")
app = App("callable")


@app.function()
def double(event: int, step: Step) -> int:
    """Twice the number."""
    return step.run("double", lambda: event * 2)


class PlainStep:
    """Runs what it is given, and keeps nothing."""

    def run(self, name: str, fn: Callable[[], int]) -> int:
        return fn()


def test_it_is_the_function_it_was() -> None:
    plain: Any = PlainStep()
    assert double(4, plain) == 8
    assert vars(double)["__name__"] == "double"
    assert double.__doc__ == "Twice the number."
