"""A run that has consumed more events than a wait can list still gets each event once.

Covers: wait.consumed, promise.delivered-once
"""

from datetime import timedelta

import pytest

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait-many")


@app.event("chat/message", keys=("room",))
class Message(Event):
    room: str
    number: int


@app.function(waits_for=[Message])
def listen(event: int, step: Step) -> list[int]:
    heard: list[int] = []
    for _ in range(event):
        message = step.wait_for_event("message", Message, room="lobby", timeout=timedelta(hours=1))
        heard.append(-1 if message is None else message.number)
    return heard


@pytest.mark.modes(without="simulated-rough", reason="one of its events may come later than the next")
def test_sixty_messages() -> None:
    with Sandbox(app) as box:
        run = box.invoke(listen, 62)
        for number in range(60):
            box.send(Message(room="lobby", number=number))
            box.send(Message(room="elsewhere", number=number))
        assert run.status == "waiting"
        box.advance(timedelta(hours=1))
        box.send(Message(room="lobby", number=60))
        assert run.result == [*range(60), -1, 60]
