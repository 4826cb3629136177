"""What docs/concepts.md says about async functions, as it shows it."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from milepost import App, AsyncStep, Event
from milepost.testing import Sandbox


async def fetch(page: str) -> str:
    await asyncio.sleep(0)
    return f"text of {page}"


def words(text: str) -> int:
    return len(text.split())


def test_tasks_replay() -> None:
    app = App("tasks")

    @app.function()
    async def count(pages: list[str], step: AsyncStep) -> int:
        async def count_one(page: str) -> int:
            text = await step.run("fetch", fetch, page)  # an async function, on an I/O loop
            await step.sleep("be polite", timedelta(minutes=1))
            return await step.run("count", words, text)  # a def, in a thread

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(count_one(page), name=page) for page in pages]
        return sum(task.result() for task in tasks)

    with Sandbox(app) as box:
        run = box.invoke(count, ["a", "b"])
        assert run.status == "waiting"
        box.advance(timedelta(minutes=1))
        assert run.result == 6


def test_a_task_is_a_scope_by_its_name() -> None:
    app = App("names")

    async def read(page: str, step: AsyncStep) -> str:
        return await step.run("fetch", fetch, page)

    @app.function()
    async def by_group(_nothing: None, step: AsyncStep) -> None:
        async with asyncio.TaskGroup() as group:
            for page in ("a", "b"):
                group.create_task(read(page, step), name=page)

    @app.function()
    async def by_function(_nothing: None, step: AsyncStep) -> None:
        await asyncio.gather(*[asyncio.create_task(read(page, step), name=page) for page in ("a", "b")])

    with Sandbox(app) as box:
        for function in (by_group, by_function):
            assert sorted(step.path for step in box.invoke(function, None).steps) == ["a/fetch", "b/fetch"]


def test_the_second_task_of_a_name_is_name_2_and_steps_given_to_gather_are_in_the_scope_that_called_them() -> None:
    app = App("scopes")

    async def of_a_task(page: str, step: AsyncStep) -> str:
        return await step.run("fetch", fetch, page)

    @app.function()
    async def body(page: str, step: AsyncStep) -> None:
        await asyncio.gather(of_a_task(page, step), of_a_task(page, step), step.run("one", fetch, page), step.run("two", fetch, page))

    @app.function()
    async def twice(page: str, step: AsyncStep) -> None:
        first = asyncio.create_task(step.run("one", fetch, page))
        await step.run("one", fetch, page)
        await first

    with Sandbox(app) as box:
        assert sorted(step.path for step in box.invoke(body, "a").steps) == ["of_a_task/fetch", "of_a_task:2/fetch", "one", "two"]
        assert "step 'one' is used again before its first use has ended" in str(box.invoke(twice, "a").error)


def test_what_is_refused_fails_the_run_also_when_it_is_swallowed() -> None:
    app = App("refused")

    @app.function()
    async def swallows(_nothing: None, step: AsyncStep) -> None:
        with suppress(Exception):
            await asyncio.to_thread(words, "in a thread")

    @app.function()
    async def waits_for_nobody(_nothing: None, step: AsyncStep) -> None:
        await asyncio.Event().wait()

    with Sandbox(app) as box:
        assert "call it with step.run(name, function, ...)" in str(box.invoke(swallows, None).error)
        assert "waits for ever" in str(box.invoke(waits_for_nobody, None).error)


def test_a_time_out_is_a_durable_timer() -> None:
    app = App("time-outs")

    @app.event("order/paid", keys=("order",))
    class Paid(Event):
        order: int

    @app.function(waits_for=[Paid])
    async def collect(order: int, step: AsyncStep) -> str:
        try:
            async with asyncio.timeout(3600):
                await step.wait_for_event("payment", Paid, order=order, timeout=timedelta(days=7))
        except TimeoutError:
            await step.sleep("patience", timedelta(days=1))
            return "reminded"
        return "paid"

    with Sandbox(app) as box:
        late, prompt = box.invoke(collect, 1), box.invoke(collect, 2)
        box.send(Paid(order=2))
        assert prompt.result == "paid"
        box.advance(timedelta(hours=1))  # the time-out fires, and the run suspends again
        assert late.status == "waiting"
        box.advance(timedelta(days=1))  # on this replay it fires where it fired
        assert late.result == "reminded"


def test_finally_runs_at_each_suspension_and_except_cancelled_does_not_see_it() -> None:
    app = App("suspension")
    said: list[str] = []

    @app.function()
    async def body(_nothing: None, step: AsyncStep) -> None:
        try:
            await asyncio.gather(step.sleep("an hour", timedelta(hours=1)), step.sleep("a day", timedelta(days=1)), return_exceptions=True)
            said.append("after")
        except (Exception, asyncio.CancelledError):
            said.append("never")
            raise
        finally:
            said.append("finally")

    with Sandbox(app) as box:
        run = box.invoke(body, None)
        assert said == ["finally"]
        box.advance(timedelta(days=1))
        assert run.status == "completed"
        assert said == ["finally", "finally", "after", "finally"]
