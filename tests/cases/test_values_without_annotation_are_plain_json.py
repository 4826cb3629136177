"""Without a return annotation only JSON values are taken; anything else fails, saying to annotate the step function.

Covers: values.no-annotation, values.unstorable
"""

from datetime import date
from typing import Any

from milepost import App, Step
from milepost.testing import Sandbox

app = App("values-plain")
calls: list[str] = []


def today():  # type: ignore[no-untyped-def] # noqa: ANN201
    calls.append("today")
    return date(2026, 1, 1)


def plain():  # type: ignore[no-untyped-def] # noqa: ANN201
    return {"a": [1, 2.5, None, True, "x"]}


@app.function()
def job(event: bool, step: Step) -> Any:
    return step.run("value", today if event else plain)


def test_json_or_an_error_that_helps() -> None:
    with Sandbox(app) as box:
        assert box.invoke(job, False).result == {"a": [1, 2.5, None, True, "x"]}
        run = box.invoke(job, True)
        assert run.status == "failed"
        assert "the result of step 'value'" in str(run.error)
        assert "date" in str(run.error)
        assert "annotate the step function" in str(run.error)
        assert calls == ["today"]
