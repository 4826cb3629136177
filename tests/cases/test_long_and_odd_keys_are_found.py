"""A key may hold any text of any length.

Covers: event.keys
"""

from datetime import timedelta

import pytest

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("long-keys")


@app.event("shop/page.seen", keys=("url",))
class PageSeen(Event):
    url: str


@app.function(waits_for=[PageSeen])
def watch(event: str, step: Step) -> str:
    found = step.wait_for_event("seen", PageSeen, url=event, timeout=timedelta(hours=1))
    return "nothing" if found is None else found.url


@pytest.mark.parametrize("url", ["a#b/c:d%e~f=g", "ü" * 300, "x" * 5_000, "", "line\nbreak \x00"])
def test_it_is_found_and_its_neighbour_is_not(url: str) -> None:
    with Sandbox(app) as box:
        run = box.invoke(watch, url)
        box.send(PageSeen(url=url + "!"))
        assert run.status == "waiting"
        box.send(PageSeen(url=url))
        assert run.result == url
