"""An event that one wait has got is not given to the run's next wait, whether that has a predicate or not.

Covers: wait.consumed
"""

from datetime import timedelta

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait-consumed")


@app.event("chat/message", keys=("room",))
class Message(Event):
    room: str
    text: str


@app.function(waits_for=[Message])
def chat(event: str, step: Step) -> list[str]:
    heard: list[str] = []
    for _ in range(2):
        message = step.wait_for_event("message", Message, room=event, timeout=timedelta(hours=1))
        heard.append("silence" if message is None else message.text)
    shout = step.wait_for_event("shout", Message, room=event, where=lambda m: m.text.isupper(), timeout=timedelta(hours=1))
    heard.append("silence" if shout is None else shout.text)
    return heard


def test_every_message_is_heard_once() -> None:
    with Sandbox(app) as box:
        run = box.invoke(chat, "lobby")
        box.send(Message(room="lobby", text="HELLO"))
        box.send(Message(room="lobby", text="ANYBODY"))
        assert run.status == "waiting"
        box.advance(timedelta(hours=1))
        assert run.result == ["HELLO", "ANYBODY", "silence"]
