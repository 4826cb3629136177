"""An annotation that names what is not there is an error that names it, and never a value rebuilt as something else.

Covers: values.unresolvable
"""

from typing import TYPE_CHECKING, Any

from milepost import App, Step
from milepost.testing import Sandbox

if TYPE_CHECKING:
    from decimal import Decimal

app = App("values-unresolvable")


def total() -> "Decimal":
    import decimal

    return decimal.Decimal("9.50")


@app.function()
def job(event: None, step: Step) -> Any:
    return step.run("total", total)


def test_the_name_is_told() -> None:
    with Sandbox(app) as box:
        run = box.invoke(job, None)
        assert run.status == "failed"
        assert "the return annotation of total() cannot be resolved: the name 'Decimal'" in str(run.error)
        assert "import it outside `if TYPE_CHECKING`" in str(run.error)
