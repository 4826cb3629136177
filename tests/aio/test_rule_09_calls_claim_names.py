"""Rule 9: step.run(...) is a plain method: it claims the name at the call and returns a coroutine, which starts when it is awaited
or made a task.
"""

import asyncio
import inspect

import pytest

from milepost import App, AsyncStep
from tests.aio.plays import HOUR, Box, play, play_everywhere


def double(n: int) -> int:
    return 2 * n


def test_it_is_a_coroutine_that_starts_when_it_is_awaited() -> None:
    did: list[str] = []

    async def body(saw: list[object], step: AsyncStep) -> None:
        first = step.run("first", did.append, "first")
        saw.append(inspect.iscoroutine(first))
        await step.run("second", did.append, "second")
        await first

    played = play(body)
    assert played.notes.last == [True]
    assert did == ["second", "first"]


def test_names_are_claimed_in_the_order_of_the_calls() -> None:
    async def body(saw: list[object], step: AsyncStep) -> list[int]:
        first = step.run("same", double, 1)
        a = await first
        second = step.run("same", double, 2)
        third = asyncio.create_task(step.run("other", double, 3))
        b = await second
        return [a, b, await third]

    for played in play_everywhere(body):
        assert played.result == [2, 4, 6]
        assert sorted(played.rows)[1:] == ["other", "same", "same:2"]


def test_a_task_group_takes_it_as_it_is() -> None:
    async def body(saw: list[object], step: AsyncStep) -> list[int]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(step.run(f"n {n}", double, n)) for n in range(3)]
            group.create_task(step.sleep("nap", HOUR))
        return [task.result() for task in tasks]

    for played in play_everywhere(body):
        assert played.result == [0, 2, 4]
        assert "n 0" in played.rows  # a step is no scope of its own


def test_a_mistake_in_the_call_is_raised_at_the_call() -> None:
    app = App("mistakes")

    @app.function()
    async def job(event: str, step: AsyncStep) -> None:
        if event == "no function":
            _ = step.run("a", 7)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType, reportUnknownVariableType]
        elif event == "no name":
            _ = step.run("", double, 1)
        else:
            step.map("map", double, [1], concurrency=0).close()
        raise AssertionError("it should have raised at the call")

    with Box(app) as box:
        for n, text in enumerate(("no function", "no name", "no limit")):
            run = box.invoke(job, text, id=str(n))
            assert run.status == "failed"
            assert run.error is not None
            assert run.error.type.endswith("UsageError")


@pytest.mark.filterwarnings("ignore:coroutine '_perform' was never awaited:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_step_that_nobody_awaits_does_not_begin() -> None:
    """Python itself says what was forgotten."""
    did: list[str] = []

    async def body(saw: list[object], step: AsyncStep) -> None:
        _ = step.run("forgotten", did.append, "forgotten")
        await step.run("kept", did.append, "kept")

    played = play(body)
    assert did == ["kept"]
    assert "forgotten" not in played.rows


def test_a_closed_call_may_be_made_again() -> None:
    async def body(saw: list[object], step: AsyncStep) -> int:
        step.run("same", double, 1).close()
        return await step.run("other", double, 2)

    assert play(body).result == 4
