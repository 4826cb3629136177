"""A wait that names several keys is met only by an event that equals all of them.

Covers: wait.keys
"""

from datetime import timedelta

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait-keys")


@app.event("ship/moved", keys=("ship", "port", "berth"))
class Moved(Event):
    ship: str
    port: str
    berth: int


@app.function(waits_for=[Moved])
def watch(event: None, step: Step) -> str:
    moved = step.wait_for_event("arrival", Moved, berth=4, port="Brest", timeout=timedelta(days=1))
    return "nothing" if moved is None else moved.ship


def test_other_ports_and_other_berths_do_not_count() -> None:
    with Sandbox(app) as box:
        run = box.invoke(watch, None)
        box.send(Moved(ship="Ada", port="Brest", berth=3), Moved(ship="Bea", port="Oslo", berth=4))
        assert run.status == "waiting"
        box.send(Moved(ship="Cleo", port="Brest", berth=4))
        assert run.result == "Cleo"
