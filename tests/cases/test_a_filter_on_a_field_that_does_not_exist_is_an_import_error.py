"""A filter names fields of the event: an unknown one is refused where it is written.

Covers: function.filter, promise.bad-input
"""

import pytest

from milepost import (
    App,
    DefinitionError,
    Event,
    Trigger,
)

app = App("bad-filter")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    total: int


def test_the_error_names_the_field() -> None:
    with pytest.raises(DefinitionError, match="totl"):
        Trigger(OrderPlaced, where={"totl": [{"numeric": [">", 100]}]})
