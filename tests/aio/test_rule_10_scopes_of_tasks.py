"""Rule 10: a task is a scope: its parent's, and its name, or its coroutine's; repeats get ``:n``. Sets of tasks have the same
order in every process. Eager tasks are refused.
"""

import asyncio
import sys
from contextlib import suppress

import pytest

from milepost import App, AsyncStep, Function, UsageError
from tests.aio.plays import HOUR, Box, play, play_everywhere


def double(n: int) -> int:
    return 2 * n


async def work(step: AsyncStep, n: int) -> int:
    return await step.run("double", double, n)


def test_scopes_are_named_by_task_or_coroutine() -> None:
    async def body(saw: list[object], step: AsyncStep) -> None:
        async def outer() -> None:
            await asyncio.gather(work(step, 1), work(step, 2))
            await work(step, 3)  # no task of its own

        await asyncio.gather(
            outer(),
            work(step, 4),
            asyncio.create_task(work(step, 5), name="five"),
            asyncio.create_task(work(step, 6), name="a/b:c"),
            asyncio.create_task(work(step, 7), name="five"),
            asyncio.create_task(work(step, 8), name="0"),
        )
        await work(step, 9)

    for played in play_everywhere(body):
        arguments = {path for path in played.rows if path.endswith("double")}
        assert arguments == {
            "double",
            "outer/work/double",
            "outer/work:2/double",
            "outer/double",
            "work/double",
            "five/double",
            "five:2/double",
            "a%2Fb%3Ac/double",
            "0/double",
        }


def test_the_scopes_are_shown_as_they_were_named() -> None:
    app = App("shown")

    @app.function()
    async def job(event: None, step: AsyncStep) -> None:
        await asyncio.create_task(work(step, 1), name="a/b")

    with Box(app) as box:
        [step] = box.invoke(job, None).steps
        assert (step.scope, step.name) == ("a/b", "double")


@pytest.mark.parametrize("construct", ["gather", "group", "wait_for", "shield", "ensure_future"])
def test_every_way_to_make_a_task_makes_a_scope(construct: str) -> None:
    async def body(saw: list[object], step: AsyncStep) -> list[int]:
        match construct:
            case "gather":
                return list(await asyncio.gather(work(step, 1), work(step, 2)))
            case "group":
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(work(step, n)) for n in (1, 2)]
                return [task.result() for task in tasks]
            case "wait_for":
                return [await asyncio.wait_for(asyncio.create_task(work(step, n)), 3600) for n in (1, 2)]
            case "shield":
                return [await asyncio.shield(work(step, n)) for n in (1, 2)]
            case _:
                futures = [asyncio.ensure_future(work(step, n)) for n in (1, 2)]
                return [await future for future in futures]

    for played in play_everywhere(body):
        assert played.result == [2, 4]
        assert {path for path in played.rows if path.endswith("double")} == {"work/double", "work:2/double"}


def test_another_task_breaks_nothing_that_is_in_flight() -> None:
    """The same run, before and after a deploy that adds a task among the others."""

    def app_with(*, more: bool) -> tuple[App, Function[None, None], list[str]]:
        app, did = App("deploy"), list[str]()

        @app.function()
        async def job(event: None, step: AsyncStep) -> None:
            async def one(what: str) -> None:
                await step.run("do", did.append, what)
                await step.sleep("nap", HOUR)
                await step.run("again", did.append, f"{what} again")

            async def another() -> None:
                await step.run("do", did.append, "another")

            await asyncio.gather(*([another()] if more else []), one("x"), one("y"))

        return app, job, did

    (old, job, old_did), (new, _, new_did) = app_with(more=False), app_with(more=True)
    with Box(old) as box:
        run = box.invoke(job, None)
        box.deploy(new)
        box.advance(HOUR)
        assert run.status == "completed"
        assert old_did == ["x", "y"]
        assert sorted(new_did) == ["another", "x again", "y again"]


def test_sets_of_tasks_have_the_order_in_which_they_were_made() -> None:
    async def body(saw: list[object], step: AsyncStep) -> list[str]:
        async def one() -> None:
            await step.sleep("nap", HOUR)

        tasks = {asyncio.create_task(one(), name=f"task {n}") for n in range(50)}
        saw.append([task.get_name() for task in tasks])
        done, _ = await asyncio.wait(tasks)
        saw.append([task.get_name() for task in done])
        return [task.get_name() for task in done]

    assert play(body).result == [f"task {n}" for n in range(50)]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.12 has eager tasks")
def test_eager_tasks_are_refused() -> None:
    app = App("eager")

    @app.function()
    async def job(event: str, step: AsyncStep) -> None:
        loop = asyncio.get_running_loop()
        factory = vars(asyncio)["eager_task_factory"]
        with suppress(UsageError):  # fails the run all the same
            if event == "factory":
                loop.set_task_factory(factory)
            else:
                _ = factory(loop, work(step, 1))

    with Box(app) as box:
        run = box.invoke(job, "factory", id="factory")
        assert run.status == "failed"
        assert "has no set_task_factory()" in str(run.error)
        run = box.invoke(job, "directly", id="directly")
        assert run.status == "failed"
        assert "made past the event loop (use asyncio.create_task" in str(run.error)


def test_a_task_may_have_a_name_of_any_length() -> None:
    """Its scope is part of keys, which may not."""

    async def body(saw: list[object], step: AsyncStep) -> None:
        async def nested() -> None:
            await asyncio.create_task(work(step, 1), name="é" * 3_000)

        await asyncio.gather(
            asyncio.create_task(nested(), name="x" * 3_000),
            asyncio.create_task(work(step, 2), name="x" * 3_001),
        )

    for played in play_everywhere(body):
        paths = [path for path in played.rows if path.endswith("double")]
        assert len(paths) == 2
        assert all(len(path.encode()) < 200 for path in paths)
