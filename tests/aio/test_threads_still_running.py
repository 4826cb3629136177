"""A step's function that still runs, on a thread, when its slice suspends, runs out of time, or is frozen and thawed."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from milepost import App, AsyncStep
from milepost.engine.messages import Poke, Start
from tests.aio.plays import DAY, HOUR, Box, Notes
from tests.engine.stage import LEASE, SECOND, Stage

DAY_MS = 86_400_000


def test_at_suspension_its_late_result_is_dropped() -> None:
    """The body has cancelled the task that awaits it; the run suspends, and does not wait for the thread."""
    app, notes, goes_on, began = App("suspended"), Notes(), threading.Event(), threading.Event()

    def slow() -> str:
        began.set()
        assert goes_on.wait(20)
        return "late"

    def until_it_began() -> None:
        assert began.wait(20)

    @app.function()
    async def job(event: None, step: AsyncStep) -> list[str]:
        saw = notes.slice()
        task = asyncio.create_task(step.run("slow", slow))
        await step.run("until it began", until_it_began)
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        saw.append(type(outcome).__name__)
        await step.sleep("nap", HOUR)
        return [str(one) for one in saw]

    with ThreadPoolExecutor(2) as threads, Box(app, threads=threads) as box:
        run = box.invoke(job, None)
        assert run.status == "waiting"
        goes_on.set()
        threads.shutdown()  # it has ended, and told nobody
        assert {step.name: step.status for step in run.steps} == {"until it began": "completed", "nap": "pending"}
        box.advance(HOUR)
        assert run.result == ["CancelledError"]
        notes.check()
        assert box.lines.lines == []


def test_a_suspension_waits_for_what_is_still_wanted() -> None:
    app, goes_on, notes = App("wanted"), threading.Event(), Notes()

    def slow() -> str:
        assert goes_on.wait(20)
        return "in time"

    def let_go() -> None:
        goes_on.set()

    @app.function()
    async def job(event: None, step: AsyncStep) -> str:
        notes.slice()
        slow_one, _, _ = await asyncio.gather(step.run("slow", slow), step.sleep("nap", HOUR), step.run("let go", let_go))
        return slow_one

    with ThreadPoolExecutor(2) as threads, Box(app, threads=threads) as box:
        run = box.invoke(job, None)
        assert run.status == "waiting"
        assert {step.name: step.status for step in run.steps} == {"slow": "completed", "let go": "completed", "nap": "pending"}
        box.advance(HOUR)
        assert run.result == "in time"
        assert len(notes.slices) == 2


def test_at_the_deadline_it_is_recorded_and_nothing_more_begins() -> None:
    app, did = App("deadline"), list[str]()

    with Stage(app) as stage, ThreadPoolExecutor(2) as threads:

        def slow(name: str) -> None:
            if name == "first":
                stage.pass_time(57 * SECOND)
            did.append(name)

        @app.function()
        async def job(event: None, step: AsyncStep) -> None:
            async def more() -> None:
                await step.run("quick", did.append, "quick")
                await step.run("after", slow, "after")

            await asyncio.gather(step.run("first", slow, "first"), more())

        worker = replace(stage.worker, threads=threads)
        run = stage.client.invoke(job, None)
        stage.deliver(stage.one(Start), worker)
        assert run.status == "waiting"
        assert "first" in did
        recorded = {step.name for step in run.steps if step.status == "completed"}
        assert recorded == {*did}  # what had begun was recorded before the slice handed over
        stage.run_until_idle(worker)
        assert run.status == "completed"
        assert sorted(did) == ["after", "first", "quick"]  # each once


def test_after_a_freeze_its_result_comes_too_late() -> None:
    """The worker is frozen in the middle of the step; another takes the run over; then it thaws."""
    app, notes, did = App("frozen"), Notes(), list[int]()

    with Stage(app) as stage:
        run_id: list[str] = []

        def frozen() -> str:
            did.append(1)
            if len(did) == 1:
                stage.pass_time(LEASE + SECOND)
                stage.deliver(stage.message(Poke(run=run_id[0]), id="another"), stage.new_worker())
                return "of the frozen worker"
            return "of the other"

        @app.function()
        async def job(event: None, step: AsyncStep) -> list[str]:
            saw = notes.slice()

            async def one() -> None:
                saw.append(await step.run("frozen", frozen))

            async def other() -> None:
                await asyncio.sleep(3600)
                saw.append("slept")

            await asyncio.gather(one(), other())
            await step.sleep("later", DAY)
            return [str(one) for one in saw]

        run = stage.client.invoke(job, None)
        run_id.append(run.id)
        stage.deliver(stage.one(Start))
        assert notes.slices[:2] == [[], ["of the other"]]  # the record that stands is the other's: the frozen one stops there
        for _ in range(3):
            stage.pass_time(DAY_MS)
            stage.run_until_idle()
        assert run.result == ["of the other", "slept"]
        assert len(did) == 2
        notes.after_death = 1
        notes.check()
