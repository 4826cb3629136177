"""A door that finds no cloud is an error that names the places where one could be.

Covers: door.no-cloud
"""

from pathlib import Path

import pytest

from milepost import (
    App,
    Event,
    NoCloudError,
)

app = App("no-cloud")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


def test_all_of_them_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoCloudError) as caught:
        app.send(OrderPlaced(order_id="o-1"))
    for place in ("running function", "with LocalCloud", "MILEPOST_TABLE", ".milepost/state.db", "milepost dev"):
        assert place in str(caught.value)
