"""What a TaskGroup raises is judged by what is in it."""

import asyncio

from milepost import App, AsyncStep, Event, NonRetriableError
from milepost.testing import Sandbox

app = App("shop")
tries: list[str] = []


@app.event("shop/asked")
class Asked(Event):
    failing: int
    odd: bool = False


async def fail(name: str) -> None:
    raise NonRetriableError(f"{name} is sold out")


@app.function(on=Asked, retries=1)
async def asked(event: Asked, step: AsyncStep) -> None:
    tries.append("asked")

    async def odd() -> None:
        raise LookupError("an error of the body")

    async with asyncio.TaskGroup() as group:
        for number in range(event.failing):
            group.create_task(step.run(f"buy {number}", fail, f"item {number}"))
        if event.odd:
            group.create_task(odd())


def test_a_group_of_one_failed_step_fails_the_run_as_that_step_would() -> None:
    del tries[:]
    with Sandbox(app) as box:
        [run] = box.send(Asked(failing=1))
        assert run.status == "failed"
        assert run.error is not None
        assert run.error.step == "buy 0"
        assert "item 0 is sold out" in run.error.message
    assert tries == ["asked"]


def test_a_group_with_an_error_of_the_body_retries_the_body() -> None:
    with Sandbox(app) as box:
        [run] = box.send(Asked(failing=0, odd=True))
        assert run.status == "waiting"


def test_a_group_of_failed_steps_is_final() -> None:
    with Sandbox(app) as box:
        [run] = box.send(Asked(failing=3))
        assert run.status == "failed"
