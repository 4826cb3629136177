"""A replay of an ended run begins nothing again, though the time of what it waits for is long past."""

from datetime import timedelta

from milepost import App, AsyncStep, Event
from tests.engine.shop import HOUR_MS
from tests.engine.stage import Stage

app = App("shop")
undone: list[str] = []


@app.event("shop/asked", keys=("key",))
class Asked(Event):
    key: str = "k"


def undo(value: str) -> None:
    undone.append(value)


async def work(name: str) -> str:
    return name


@app.function(on=Asked, waits_for=[Asked])
async def asked(event: Asked, step: AsyncStep) -> None:
    await step.options(compensate=undo).run("a", work, "a")
    await step.wait_for_event("again", Asked, key="again", timeout=timedelta(hours=1))


def test_an_undo_run_is_not_kept_busy_by_a_wait_whose_time_is_up() -> None:
    del undone[:]
    with Stage(app) as stage:
        run = stage.client.invoke(asked, Asked())
        stage.run_until_idle()
        stage.client.cancel(run.id)
        stage.pass_time(2 * HOUR_MS)
        stage.run_until_idle()
        assert stage.run(run.id).status == "cancelled"
    assert undone == ["a"]
