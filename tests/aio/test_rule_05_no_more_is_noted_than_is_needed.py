"""Rule 5: what a record says of its own order needs no sighting."""

import asyncio
from datetime import timedelta

from milepost import App, AsyncStep, Event
from tests.engine.shop import HOUR_MS
from tests.engine.stage import Stage

app = App("shop")


@app.event("shop/asked")
class Asked(Event):
    pass


async def work(name: str) -> str:
    return name


@app.function(on=Asked)
async def asked(event: Asked, step: AsyncStep) -> None:
    await step.run("a", work, "a")
    await asyncio.gather(*(step.run(name, work, name) for name in "bcd"))
    await step.sleep("pause", timedelta(minutes=1))
    await step.run("e", work, "e")
    await step.run("f", work, "f")


def test_steps_carry_no_sightings_but_of_what_has_no_record_of_its_own() -> None:
    with Stage(app) as stage:
        run = stage.client.invoke(asked, Asked())
        stage.run_until_idle()
        stage.pass_time(HOUR_MS)
        stage.run_until_idle()
        assert stage.run(run.id).status == "completed"
        seen = {path: record.seen for path in "abcdef" if (record := stage.record(run.id, path)) is not None}
    assert [path for path, sightings in seen.items() if sightings] == ["e"]
    assert [sighting[0] for sighting in seen["e"] or ()] == ["pause"]
