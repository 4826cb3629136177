"""A run that waits for its own trigger's type does not get its own trigger.

Covers: wait.consumed
"""

from datetime import timedelta

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait-own-trigger")


@app.event("chat/message", keys=("room",))
class Message(Event):
    room: str
    text: str


@app.function(on=Message, waits_for=[Message])
def reply(event: Message, step: Step) -> str:
    answer = step.wait_for_event("answer", Message, room=event.room, timeout=timedelta(hours=1))
    return f"{event.text} - {answer.text if answer else 'silence'}"


def test_the_next_message_is_the_answer() -> None:
    with Sandbox(app) as box:
        [first] = box.send(Message(room="lobby", text="hello"))
        assert first.status == "waiting"
        box.advance(timedelta(minutes=1))
        [second] = box.send(Message(room="lobby", text="hi"))
        assert first.result == "hello - hi"
        box.advance(timedelta(hours=1))
        assert second.result == "hi - silence"
