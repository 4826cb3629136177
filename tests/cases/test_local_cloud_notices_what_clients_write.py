"""A client opens the file beside the worker, or while there is none, and sends; the worker notices and runs.

Covers: local.clients, door.send
"""

from datetime import timedelta
from pathlib import Path
from threading import Event as Signal
from threading import Thread

import pytest

from milepost import App, Event, Step
from milepost.local import LocalCloud

app = App("local-clients")
ran: dict[str, Signal] = {"beside": Signal(), "alone": Signal()}


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


def note(order_id: str) -> str:
    ran[order_id].set()
    return order_id


@app.function(on=OrderPlaced)
def fulfil(event: OrderPlaced, step: Step) -> str:
    return step.run("note", note, event.order_id)


def test_beside_a_worker_and_without_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with LocalCloud(app):
        outside = Thread(target=lambda: app.send(OrderPlaced(order_id="beside"), id="beside"))
        outside.start()
        outside.join()
        assert ran["beside"].wait(20)
    app.send(OrderPlaced(order_id="alone"), id="alone")
    assert not ran["alone"].is_set()
    with LocalCloud(app) as cloud:
        assert ran["alone"].wait(20)
        cloud.wait(*cloud.runs(fulfil), timeout=timedelta(seconds=20))
        assert sorted(run.result for run in cloud.runs(fulfil)) == ["alone", "beside"]
