"""A value that cannot be stored, or does not fit its annotation, fails its step at once, naming step and type; no retry.

Covers: values.unstorable, values.annotation
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from milepost import App, Step, ValueNotStorable
from milepost.testing import Sandbox

app = App("values-unstorable")
calls: list[str] = []


def not_a_number() -> float:
    return float("nan")


def wrong_type() -> int:
    text: Any = "three"
    return text  # type: ignore[no-any-return]


def an_object() -> Any:
    return object()


def a_generator() -> Any:
    return (n for n in range(3))


def infinite() -> Decimal:
    return Decimal("Infinity")


FUNCTIONS: list[tuple[Callable[[], Any], str]] = [
    (not_a_number, "nan"),
    (wrong_type, "three"),
    (an_object, "object"),
    (a_generator, "generator"),
    (infinite, "Infinity"),
]


@app.function()
def job(event: int, step: Step) -> str:
    calls.append("body")
    try:
        step.run("value", FUNCTIONS[event][0])
    except ValueNotStorable as error:
        return str(error)
    return "stored"


@pytest.mark.parametrize("number", range(len(FUNCTIONS)))
def test_the_error_names_step_and_value(number: int) -> None:
    with Sandbox(app) as box:
        run = box.invoke(job, number)
        box.advance(timedelta(days=1))
        assert "step 'value'" in run.result
        assert FUNCTIONS[number][1] in run.result
        assert [(step.status, step.attempts) for step in run.steps] == [("failed", 1)]
