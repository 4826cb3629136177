"""A rerun from a step begins with the copied history: what the body saw before is seen in the same order."""

import asyncio
from datetime import timedelta

from milepost import App, AsyncStep, Event
from milepost.testing import Sandbox

app = App("shop")
saw: list[str] = []


@app.event("shop/asked")
class Asked(Event):
    key: str = "k"


async def work(name: str) -> str:
    return name


@app.function(on=Asked)
async def asked(event: Asked, step: AsyncStep) -> list[str]:
    del saw[:]

    async def short() -> None:
        await step.sleep("short", timedelta(minutes=5))
        saw.append("short")

    async def timed() -> None:
        try:
            async with asyncio.timeout(600):
                await step.sleep("long", timedelta(days=1))
        except TimeoutError:
            saw.append("timed out")

    async def one() -> None:
        await asyncio.sleep(450)
        saw.append(await step.run("one", work, "one"))

    await asyncio.gather(timed(), one(), short())
    saw.append(await step.run("two", work, "two"))
    await step.sleep("pause", timedelta(days=1))
    saw.append(await step.run("three", work, "three"))
    return saw


def test_what_was_seen_before_the_step_is_seen_again() -> None:
    with Sandbox(app) as box:
        [run] = box.send(Asked())
        box.advance(timedelta(days=3))
        assert run.result == ["short", "one", "timed out", "two", "three"]
        for step in ("two", "three"):
            again = box.rerun(run, from_step=step)
            box.advance(timedelta(days=3))
            assert again.result == run.result
