"""Before each step the slice looks at its time: too little, and another slice goes on from there.

Covers: bound.deadline
"""

import pytest

from milepost import App, Step
from tests.engine.stage import SECOND, Stage

pytestmark = pytest.mark.modes("normal", reason="it counts slices")
app = App("deadline")


class Slow:
    """A step that takes twenty seconds of the stage's time."""

    def __init__(self) -> None:
        self.stage: Stage | None = None
        self.did: list[int] = []

    def work(self, item: int) -> int:
        assert self.stage is not None
        self.stage.pass_time(20 * SECOND)
        self.did.append(item)
        return item


slow = Slow()


@app.function()
def long(event: int, step: Step) -> list[int]:
    return [step.run(f"part {item}", slow.work, item) for item in range(event)]


def test_ten_steps_of_twenty_seconds_in_slices_of_a_minute() -> None:
    with Stage(app) as stage:
        slow.stage = stage
        run = stage.client.invoke(long, 10)
        slices = 0
        while stage.take():
            stage.deliver(stage.hand[0])
            slices += 1
        assert run.result == list(range(10))
        assert slow.did == list(range(10))
        assert slices == 4
        assert stage.header(run.id).epoch == 4
