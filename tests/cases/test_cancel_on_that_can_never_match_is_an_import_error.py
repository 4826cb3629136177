"""A cancelling event whose key is no field of the run's own event is refused, with the form that would do.

Covers: function.cancel-on, function.cancel-on-match, promise.bad-input
"""

import pytest

from milepost import (
    App,
    CancelOn,
    DefinitionError,
    Event,
    Step,
)

app = App("cancel-mismatch")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    number: int


@app.event("shop/order.withdrawn", keys=("order_id",))
class OrderWithdrawn(Event):
    order_id: str


def test_the_error_shows_the_other_form() -> None:
    with pytest.raises(DefinitionError, match=r"no field 'order_id'.*CancelOn\(OrderWithdrawn, match=\{'order_id': \"...\"\}\)"):

        @app.function(on=OrderPlaced, cancel_on=[OrderWithdrawn])
        def one(event: OrderPlaced, step: Step) -> None: ...


def test_types_that_can_never_be_equal() -> None:
    with pytest.raises(DefinitionError, match="can never be equal"):

        @app.function(on=OrderPlaced, cancel_on=[CancelOn(OrderWithdrawn, match={"order_id": "number"})])
        def two(event: OrderPlaced, step: Step) -> None: ...
