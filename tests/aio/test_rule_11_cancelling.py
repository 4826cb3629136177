"""Rule 11: cancelling a task that awaits a step raises CancelledError in the body at once; an async step is cancelled too, a
thread's result is dropped.
"""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from milepost import App, AsyncStep, Event
from tests.aio.plays import DAY, HOUR, Box, Gates, Notes, play_everywhere


def no_op() -> None:
    """A step."""


def test_an_async_step_is_cancelled_with_the_task_that_awaits_it() -> None:
    app, gates, did = App("cancel"), Gates(), list[str]()

    async def hangs() -> str:
        try:
            return await gates.pass_("never")
        except asyncio.CancelledError:
            did.append("the step is cancelled")
            gates.open("cancelled")
            raise

    def until_it_hangs() -> None:
        gates.wait_for("never")

    @app.function()
    async def job(event: None, step: AsyncStep) -> list[str]:
        async def waits() -> None:
            try:
                await step.run("hangs", hangs)
            except asyncio.CancelledError:
                did.append("the body's task is cancelled")
                raise

        task = asyncio.create_task(waits())
        await step.run("until it hangs", until_it_hangs)
        task.cancel()
        did.append("cancel() was called")
        await asyncio.wait([task])
        await step.run("until the step has ended", gates.pass_, "cancelled")
        await step.sleep("nap", HOUR)
        return [str(task.cancelled())]

    with ThreadPoolExecutor(2) as threads, Box(app, threads=threads) as box:
        run = box.invoke(job, None)
        assert did[0] == "cancel() was called"
        assert sorted(did[1:]) == ["the body's task is cancelled", "the step is cancelled"]  # on two threads
        box.advance(HOUR)
        assert run.result == ["True"]
        assert did[3:] == ["cancel() was called", "the body's task is cancelled"]  # replayed; and no step hangs again
        assert "waits/hangs" not in box.rows(run.id)
        assert box.lines.lines == []


def test_a_threads_late_result_is_dropped() -> None:
    app, goes_on, began = App("threads"), threading.Event(), threading.Event()
    notes = Notes()

    def slow() -> str:
        began.set()
        assert goes_on.wait(20)
        return "late"

    def until_it_began() -> None:
        assert began.wait(20)

    @app.function()
    async def job(event: None, step: AsyncStep) -> str:
        saw = notes.slice()
        task = asyncio.create_task(step.run("slow", slow))
        await step.run("until it began", until_it_began)
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        saw.append(type(outcome).__name__)
        await step.run("lets it go on", goes_on.set)
        await step.sleep("nap", HOUR)
        return str(saw[0])

    with ThreadPoolExecutor(2) as threads, Box(app, threads=threads) as box:
        run = box.invoke(job, None)
        box.advance(HOUR)
        assert run.result == "CancelledError"
        assert "slow" not in box.rows(run.id)
        notes.check()
        assert box.lines.lines == []


def test_waits_and_children_of_a_cancelled_task_are_let_go() -> None:
    app, notes = App("let-go"), Notes()

    @app.event("let-go/told", keys=("n",))
    class Told(Event):
        n: int

    @app.function()
    async def child(event: int, step: AsyncStep) -> None:
        await step.sleep("long", DAY)

    @app.function(waits_for=[Told])
    async def job(event: None, step: AsyncStep) -> str:
        saw = notes.slice()
        tasks = [
            asyncio.create_task(step.wait_for_event("told", Told, n=1, timeout=DAY)),
            asyncio.create_task(step.invoke("child", child, 1)),
            asyncio.create_task(step.sleep("nap", DAY)),
        ]
        await asyncio.sleep(3600)
        for task in tasks:
            task.cancel()
        saw.extend(type(one).__name__ for one in await asyncio.gather(*tasks, return_exceptions=True))
        await step.sleep("until later", HOUR)
        return ", ".join(str(one) for one in saw)

    with Box(app) as box:
        run = box.invoke(job, None)
        [born] = box.runs(child)
        assert born.status == "waiting"
        box.advance(HOUR)
        assert born.status == "cancelled"
        assert {step.name: step.status for step in run.steps if step.kind in ("wait", "invoke")} == {
            "told": "cancelled",
            "child": "cancelled",
        }
        box.send(Told(n=1))  # nobody waits for it
        box.advance(DAY)
        assert run.result == "CancelledError, CancelledError, CancelledError"
        notes.check()


def test_cancelling_before_the_step_has_begun_begins_nothing() -> None:
    did: list[str] = []

    async def body(saw: list[object], step: AsyncStep) -> str:
        task = asyncio.create_task(step.run("never", did.append, "never"))
        await asyncio.sleep(0)
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        saw.append(type(outcome).__name__)
        await step.run("after", no_op)
        return str(saw[-1])

    for played in play_everywhere(body):
        assert played.result == "CancelledError"
        assert "never" not in played.rows
    assert did == []


def test_a_cancelled_task_may_go_on() -> None:
    async def body(saw: list[object], step: AsyncStep) -> str:
        async def stubborn() -> str:
            try:
                await step.sleep("long", DAY * 9)
            except asyncio.CancelledError:
                saw.append("cancelled")
                await step.run("clean up", no_op)
                await step.sleep("a little longer", HOUR)
            return "went on"

        task = asyncio.create_task(stubborn())
        await step.sleep("first", HOUR)
        task.cancel()
        return await task

    for played in play_everywhere(body):
        assert played.result == "went on"


def test_a_body_that_cancels_itself_fails() -> None:
    app = App("itself")

    @app.function(retries=0)
    async def job(event: str, step: AsyncStep) -> None:
        if event == "raise":
            raise asyncio.CancelledError
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await step.run("a", no_op)

    with Box(app) as box:
        for event in ("raise", "cancel"):
            run = box.invoke(job, event, id=event)
            assert run.status == "failed"
            assert "ended with CancelledError" in str(run.error)
