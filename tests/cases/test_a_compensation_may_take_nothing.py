"""A compensation may be a function of nothing.

Covers: options.compensate
"""

from milepost import App, NonRetriableError, Step
from milepost.testing import Sandbox

app = App("compensate-of-nothing")
undone: list[str] = []


def open_gate() -> None: ...


def close_gate() -> None:
    undone.append("closed")


@app.function()
def visit(event: None, step: Step) -> None:
    step.options(compensate=close_gate).run("open", open_gate)
    raise NonRetriableError("nobody came")


def test_it_is_called_without_arguments() -> None:
    with Sandbox(app) as box:
        assert box.invoke(visit, None).status == "failed"
        assert undone == ["closed"]
