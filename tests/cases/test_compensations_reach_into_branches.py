"""Steps in parallel branches are compensated like others, the last one recorded first.

Covers: options.compensate, options.compensate-failure, parallel
"""

from milepost import App, NonRetriableError, Step
from milepost.testing import Sandbox

app = App("compensate-branches")
undone: list[str] = []


def book(what: str) -> str:
    return what


@app.function()
def trip(event: None, step: Step) -> None:
    step.options(compensate=undone.append).run("flight", book, "flight")
    step.parallel(
        "rooms",
        lambda s: s.options(compensate=undone.append).run("book", book, "room 1"),
        lambda s: s.options(compensate=undone.append).run("book", book, "room 2"),
    )
    raise NonRetriableError("ill")


def test_branches_are_undone_before_what_came_before_them() -> None:
    with Sandbox(app) as box:
        box.invoke(trip, None)
        assert undone[-1] == "flight"
        assert sorted(undone) == ["flight", "room 1", "room 2"]
