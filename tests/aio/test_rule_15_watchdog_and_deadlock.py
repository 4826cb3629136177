"""Rule 15: a body that waits for nothing fails at once and says where its tasks are; one that blocks its thread is told of."""

import asyncio
import threading
from datetime import timedelta

import msgspec
import pytest

from milepost import App, AsyncStep, Retry, UsageError
from milepost.local.assembly import LOCAL
from tests.aio.plays import Box

app = App("watched")
QUICK = msgspec.structs.replace(LOCAL, watchdog_ms=20)
PATIENT = msgspec.structs.replace(LOCAL, watchdog_ms=200)
released = threading.Event()


def no_op() -> None:
    """A step."""


def block(box: Box, times: int) -> None:
    """Keep this thread until the log has told of it so often."""
    with box.lines.told:
        assert box.lines.told.wait_for(lambda: len(box.lines.about("blocks its thread")) >= times, 20)


def test_a_body_that_blocks_its_thread_is_logged_once_a_turn() -> None:
    blocking: list[Box] = []

    @app.function()
    async def slow(event: None, step: AsyncStep) -> None:
        block(blocking[0], 1)  # as long as it takes to be told of
        threading.Event().wait(0.1)  # and much longer, in the same turn
        await step.run("a", no_op)
        block(blocking[0], 2)

    with Box(app, settings=QUICK) as box:
        blocking.append(box)
        run = box.invoke(slow, None)
        assert run.status == "completed"
        first, second = box.lines.about("blocks its thread")
        for line in (first, second):
            assert line.level == "warning"
            assert "step.run" in line.message
            assert line.fields["run_id"] == run.id
            assert line.fields["function"] == "slow"
            assert str(line.fields["at"]).startswith(f"{__file__}:")
            assert str(line.fields["at"]).endswith("in block")


def test_a_step_that_takes_long_is_not_told_of() -> None:
    def slow_step() -> None:
        threading.Event().wait(0.3)

    async def slow_async_step() -> None:
        await asyncio.sleep(0.3)

    @app.function()
    async def quick(event: None, step: AsyncStep) -> None:
        await step.run("a", slow_step)
        await step.run("b", slow_async_step)

    with Box(app, settings=PATIENT) as box:
        assert box.invoke(quick, None).status == "completed"
        assert box.lines.lines == []


def test_a_body_that_comes_on_is_not_told_of() -> None:
    """Many turns that take long together."""

    @app.function()
    async def busy(event: None, step: AsyncStep) -> None:
        for n in range(10):
            threading.Event().wait(0.03)
            await step.run(f"step {n}", no_op)

    with Box(app, settings=PATIENT) as box:
        assert box.invoke(busy, None).status == "completed"
        assert box.lines.lines == []


def test_the_watchdogs_thread_ends_when_nothing_is_left_to_watch() -> None:
    def is_there() -> threading.Thread | None:
        return next((thread for thread in threading.enumerate() if thread.name == "milepost watchdog"), None)

    @app.function()
    async def short(event: None, step: AsyncStep) -> None:
        await step.run("a", no_op)

    with Box(app, settings=QUICK) as box:
        for n in range(3):
            box.invoke(short, None, id=str(n))
        thread = is_there()
        assert thread is not None
        assert thread.daemon
        thread.join(20)
        assert not thread.is_alive()
        box.invoke(short, None, id="again")
        assert is_there() not in (None, thread)


@pytest.mark.parametrize("kind", ["future", "event", "lock", "queue"])
def test_a_body_that_waits_for_nothing_that_could_come_fails_at_once(kind: str) -> None:
    async def waits() -> None:
        lock = asyncio.Lock()
        await lock.acquire()
        match kind:
            case "future":
                await asyncio.get_running_loop().create_future()
            case "event":
                await asyncio.Event().wait()
            case "lock":
                await lock.acquire()
            case _:
                await asyncio.Queue[int]().get()

    @app.function(name=f"stuck-on-{kind}", retry=Retry(retries=9))
    async def stuck(event: None, step: AsyncStep) -> None:
        await step.run("a", no_op)
        await asyncio.gather(asyncio.create_task(waits(), name="the waiter"), asyncio.sleep(0))

    with Box(app) as box:
        run = box.invoke(stuck, None)
        assert run.status == "failed"  # at once: no retry would help
        text = str(run.error)
        assert "waits for ever" in text
        assert f"the waiter at {__file__}:" in text
        assert "in test_a_body_that_waits_for_nothing_that_could_come_fails_at_once.<locals>.waits" in text


def test_a_deadlock_after_a_suspension_fails_too() -> None:
    @app.function()
    async def later(event: None, step: AsyncStep) -> None:
        await step.sleep("nap", timedelta(days=1))
        await asyncio.Event().wait()

    with Box(app) as box:
        run = box.invoke(later, None)
        assert run.status == "waiting"
        box.advance(timedelta(days=2))
        assert run.status == "failed"
        assert "waits for ever" in str(run.error)
        assert not isinstance(run.error, UsageError)
