"""step.run hands its arguments to the function, by place and by keyword, `name` among them.

Covers: run.records
"""

from milepost import App, Step
from milepost.testing import Sandbox

app = App("run-arguments")


def describe(item: str, *tags: str, name: str, count: int = 1) -> str:
    return f"{count} {item} {tags} for {name}"


@app.function()
def order(event: str, step: Step) -> str:
    return step.run("describe", describe, event, "red", "big", name="ada", count=2)


def test_arguments_arrive() -> None:
    with Sandbox(app) as box:
        assert box.invoke(order, "lamp").result == "2 lamp ('red', 'big') for ada"
