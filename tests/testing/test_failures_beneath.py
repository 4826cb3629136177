"""What a Sandbox does with an exception out of the engine: it is the test's to see, and the message comes again."""

from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.engine.ports import Outgoing, PortError
from milepost.testing import Sandbox
from tests.engine.failing import Failure
from tests.engine.stage import puts

app = App("beneath")


@app.function(retries=0)
def greet(event: None, step: Step) -> str:
    return step.run("say", lambda: "hello")


def test_a_failing_port_raises_in_the_test_and_says_which_run_it_met() -> None:
    with Sandbox(app) as box:
        box._worker = Failure(puts("say"), PortError("the table throttles")).on(box._worker)  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(PortError, match="the table throttles") as caught:
            box.invoke(greet, None)
        [run] = box.runs(greet)
        assert any(run.id in note and "greet" in note for note in caught.value.__notes__)
        box.advance(timedelta(minutes=5))
        assert run.result == "hello"


def test_a_message_that_nobody_can_read_disturbs_no_other() -> None:
    with Sandbox(app) as box:
        queue = box._worker.ports.queue  # pyright: ignore[reportPrivateUsage]
        queue.send(
            [Outgoing(group="default", body=body) for body in ("no JSON", '{"kind":"unheard of"}', '{"kind":"poke","run":"x","v":99}')]
        )
        run = box.invoke(greet, None)
        assert run.result == "hello"
        box.advance(timedelta(days=2))
        assert box.invoke(greet, None).result == "hello"
