"""Ten thousand suspensions leave no memory behind, and nobody reads of it in the log: no task "was destroyed", no exception
"was never retrieved", no coroutine "was never awaited".
"""

import asyncio
import gc
import logging
import sys
import weakref
from collections.abc import AsyncIterator
from dataclasses import replace

import msgspec
import pytest

from milepost import App, AsyncStep
from milepost.engine.messages import Poke
from tests.aio.plays import DAY, HOUR, Box, Lines
from tests.engine.stage import Stage


def double(n: int) -> int:
    return 2 * n


def fails() -> None:
    raise ValueError("no")


async def busy(step: AsyncStep, made: "weakref.WeakSet[object]") -> None:
    """A bit of everything, unfinished."""

    async def naps() -> AsyncIterator[int]:
        await step.sleep("in a generator", 9 * DAY)
        yield 1

    async def generator() -> None:
        async for _ in naps():
            pass

    async def group() -> None:
        async with asyncio.timeout(9 * 86_400), asyncio.TaskGroup() as inner:
            inner.create_task(step.sleep("a", 9 * DAY))
            inner.create_task(asyncio.sleep(8 * 86_400))

    async def waits_for_others() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue()
        await queue.get()

    await step.run("double", double, 1)
    tasks = [asyncio.create_task(one()) for one in (generator, group, waits_for_others)]
    made.update(tasks)
    await asyncio.gather(*tasks, step.sleep("b", 9 * DAY))


def suspend_again_and_again(times: int) -> tuple[int, int]:
    """Blocks of memory, and objects, that there are more of after so many suspensions, the first of which are not counted."""
    app, made = App("memory"), weakref.WeakSet[object]()

    @app.function()
    async def job(event: None, step: AsyncStep) -> None:
        await busy(step, made)

    with Stage(app) as stage:
        settings = msgspec.structs.replace(stage.settings, max_idle_slices=1_000_000)
        worker = replace(stage.worker, log=Lines(), settings=settings)
        run = stage.client.invoke(job, None)
        stage.run_until_idle(worker)
        poke = stage.message(Poke(run=run.id))

        def suspend(times: int) -> tuple[int, int]:
            for _ in range(times):
                stage.deliver(poke, worker)
            gc.collect()
            return sys.getallocatedblocks(), len(gc.get_objects())

        suspend(20)
        blocks_before, objects_before = suspend(10)
        blocks_after, objects_after = suspend(times)
        assert run.status == "waiting"
        assert len(made) == 0
        return blocks_after - blocks_before, objects_after - objects_before


def test_hundreds_of_suspensions_leave_no_memory_behind() -> None:
    blocks, objects = suspend_again_and_again(300)
    assert blocks < 300  # less than one a suspension
    assert objects < 100


@pytest.mark.long
def test_ten_thousand_suspensions_leave_no_memory_behind() -> None:
    blocks, objects = suspend_again_and_again(10_000)
    assert blocks < 1_000
    assert objects < 100


def test_nobody_reads_of_tasks_that_were_suspended(caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder) -> None:
    app, made = App("noise"), weakref.WeakSet[object]()

    @app.function(retries=0)
    async def job(event: str, step: AsyncStep) -> None:
        async def ends_badly() -> None:
            await step.options().run("fails", fails)

        async def nobody_looks() -> None:
            await asyncio.create_task(ends_badly())

        if event == "fails":
            await asyncio.gather(busy(step, made), nobody_looks())
        else:
            await busy(step, made)

    with caplog.at_level(logging.DEBUG, logger="asyncio"), Box(app) as box:
        for event in ("waits", "fails"):
            run = box.invoke(job, event, id=event)
            box.advance(3 * HOUR)
            if event == "waits":
                box.cancel(run)
            gc.collect()
        assert box.lines.lines == []
    assert [record for record in caplog.records if record.name == "asyncio"] == []
    assert list(recwarn) == []
    assert len(made) == 0


@pytest.mark.parametrize("after", range(1, 9))
def test_a_worker_that_dies_makes_no_noise(after: int, caplog: pytest.LogCaptureFixture) -> None:
    app, made = App("dies"), weakref.WeakSet[object]()

    @app.function()
    async def job(event: None, step: AsyncStep) -> None:
        await busy(step, made)

    with caplog.at_level(logging.DEBUG, logger="asyncio"), Box(app, after) as box:
        box.invoke(job, None)
        gc.collect()
        assert box.lines.lines == []
    assert [record for record in caplog.records if record.name == "asyncio"] == []


def test_what_is_the_users_own_fault_is_said_once() -> None:
    """A task that failed, and of which nobody asked how it ended."""
    app = App("fault")

    @app.function(retries=0)
    async def job(event: None, step: AsyncStep) -> None:
        async def fails_alone() -> None:
            raise ValueError("nobody asked")

        task = asyncio.create_task(fails_alone(), name="the one")
        await asyncio.wait([task])
        del task
        gc.collect()
        await step.run("a", double, 1)
        await step.sleep("nap", HOUR)

    with Box(app) as box:
        run = box.invoke(job, None)
        box.advance(HOUR)
        gc.collect()
        assert run.status == "completed"
        [line] = box.lines.lines
        assert "nobody asked how it ended" in line.message
        assert line.fields["task"] == "the one"
        assert line.fields["error"] == "ValueError: nobody asked"
