"""Rule 8: loop.time() is the run's clock: the start of its first slice, then the time of each delivery, and on a replay what it
was then. asyncio.sleep, timeout and wait_for are timers of that clock, with a row only where the run suspends over one.
"""

import asyncio
from datetime import timedelta

import pytest

from milepost import App, AsyncStep
from milepost.engine.messages import Start, TimerDue
from tests.aio.plays import DAY, HOUR, Box, Notes, play, play_everywhere, waiting
from tests.engine.stage import SECOND, T0, Stage

HOUR_S = 3600.0
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def no_op() -> None:
    """A step."""


def now() -> float:
    return asyncio.get_running_loop().time()


def test_the_clock_is_the_same_on_every_replay() -> None:
    async def body(saw: list[object], step: AsyncStep) -> list[float]:
        begun = now()
        saw.append(begun)
        await step.run("a", no_op)
        saw.append(now())
        await step.sleep("nap", HOUR)
        saw.append(now())
        await asyncio.sleep(2 * HOUR_S)
        saw.append(now())
        await step.run("b", no_op)
        saw.append(now())
        return [now() - begun]

    for played in play_everywhere(body):
        begun, *_, ended = [float(str(at)) for at in played.notes.last]
        assert 3 * HOUR_S <= ended - begun <= 3 * HOUR_S + 120  # a crash costs two minutes
        assert played.notes.last == played.notes.slices[-2]


def test_it_begins_with_the_runs_first_slice_in_every_slice() -> None:
    async def body(saw: list[object], step: AsyncStep) -> None:
        saw.append(now())
        await step.sleep("nap", HOUR)

    played = play(body)
    assert len(played.notes.slices) == 3
    assert {str(saw[0]) for saw in played.notes.slices} == {str(played.notes.last[0])}


def test_it_stands_still_within_a_turn() -> None:
    app, saw = App("turn"), list[float]()

    with Stage(app) as stage:

        @app.function()
        async def job(event: None, step: AsyncStep) -> None:
            for _ in range(3):
                saw.append(now())
                stage.pass_time(SECOND)
            await step.run("a", no_op)
            saw.append(now())

        stage.client.invoke(job, None)
        stage.run_until_idle()
        assert saw == [T0 / 1000] * 3 + [T0 / 1000 + 3]


@pytest.mark.parametrize(("takes", "expected"), [(2 * HOUR, "too late"), (HOUR / 2, "in time")], ids=["fired", "not fired"])
@pytest.mark.parametrize("how", ["timeout", "wait_for"])
def test_a_time_out_that_fired_or_did_not_is_the_same_a_day_later(how: str, takes: timedelta, expected: str) -> None:
    async def body(saw: list[object], step: AsyncStep) -> str:
        try:
            if how == "timeout":
                async with asyncio.timeout(HOUR_S):
                    await step.sleep("work", takes)
            else:
                await asyncio.wait_for(step.sleep("work", takes), HOUR_S)
        except TimeoutError:
            saw.append("too late")
        else:
            saw.append("in time")
        await step.run(str(saw[-1]), no_op)
        return str(saw[-1])

    for played in play_everywhere(body, days=3):
        assert played.result == expected
        assert expected in played.rows  # its step was recorded, and no other
        assert ("in time" in played.rows) != ("too late" in played.rows)


def test_a_step_that_ended_just_before_a_time_out_won_although_the_run_is_resumed_after_it() -> None:
    """The child ends in time, but no worker is there until the time-out has passed, too."""
    app, notes = App("late"), Notes()

    @app.function()
    async def child(event: None, step: AsyncStep) -> str:
        await step.sleep("nap", HOUR)
        return "child"

    @app.function()
    async def job(event: None, step: AsyncStep) -> str:
        saw = notes.slice()
        try:
            async with asyncio.timeout(2 * HOUR_S):
                saw.append(await step.invoke("child", child, None))
        except TimeoutError:
            saw.append("too late")
        await step.sleep("later", DAY)
        return str(saw[-1])

    with Stage(app) as stage:
        run = stage.client.invoke(job, None)
        stage.run_until_idle()
        stage.pass_time(HOUR_MS)
        stage.deliver(stage.one(TimerDue, lambda message: message.run != run.id))  # the child's; its answer is on its way
        stage.pass_time(5 * HOUR_MS)
        stage.run_until_idle()
        stage.pass_time(DAY_MS)
        stage.run_until_idle()
        assert run.result == "child"
        notes.check()


def test_a_time_out_made_right_after_a_long_sleep_has_its_whole_time() -> None:
    async def body(saw: list[object], step: AsyncStep) -> list[str]:
        found: list[str] = []
        for name, takes in (("first", HOUR / 2), ("second", 3 * HOUR)):
            await step.sleep(f"before {name}", timedelta(days=30))
            try:
                async with asyncio.timeout(HOUR_S):
                    await step.sleep(name, takes)
                    found.append("in time")
            except TimeoutError:
                found.append("too late")
            saw.append(found[-1])
        return found

    for played in play_everywhere(body, days=70):
        assert played.result == ["in time", "too late"]


def test_clocks_that_go_backwards_between_workers() -> None:
    """Each slice is driven by a worker whose clock is behind that of the one before it."""
    app, notes = App("backwards"), Notes()

    @app.function()
    async def job(event: None, step: AsyncStep) -> list[str]:
        saw = notes.slice()
        found: list[str] = []
        saw.append(now())
        for n in range(3):
            await step.run(f"a {n}", no_op)
            saw.append(now())
            try:
                async with asyncio.timeout(HOUR_S):
                    await asyncio.gather(step.sleep(f"nap {n}", HOUR / 2 if n % 2 else 2 * HOUR), step.run(f"b {n}", no_op))
                found.append("in time")
            except TimeoutError:
                found.append("too late")
            saw.extend([now(), found[-1]])
        await step.sleep("later", DAY)
        return found

    with Stage(app) as stage:
        run = stage.client.invoke(job, None)
        for ahead_ms in range(4 * SECOND, -5 * SECOND, -SECOND):  # within the skew that clocks may have
            stage.run_until_idle(stage.new_worker(ahead_ms=ahead_ms))
            stage.pass_time(HOUR_MS)
        for _ in range(3):
            stage.pass_time(DAY_MS)
            stage.run_until_idle()
        assert run.result == ["too late", "in time", "too late"]
        notes.check()
        times = [at for at in notes.last if isinstance(at, float)]
        assert times == sorted(times)


def test_a_timer_has_a_row_only_where_the_run_suspends_over_it() -> None:
    app = App("rows")

    @app.function()
    async def job(event: None, step: AsyncStep) -> None:
        async with asyncio.timeout(HOUR_S):  # never waited for
            await step.run("quick", no_op)
        await asyncio.sleep(1.5)  # waited for in the slice
        async with asyncio.timeout(HOUR_S):
            await asyncio.sleep(60)  # both suspended over

    with Stage(app) as stage:
        run = stage.client.invoke(job, None)
        stage.run_until_idle(waiting(stage))
        assert sorted(step.path for step in run.steps) == ["quick", "~timer:3", "~timer:4"]
        assert [step.status for step in run.steps if step.kind == "timer"] == ["pending", "pending"]
        stage.pass_time(DAY_MS)
        stage.run_until_idle(waiting(stage))
        assert run.status == "completed"


def test_asyncio_sleep_counts_from_the_last_delivery_and_step_sleep_from_now() -> None:
    app = App("slow-body")

    with Stage(app) as stage:

        @app.function()
        async def job(event: str, step: AsyncStep) -> None:
            stage.pass_time(30 * SECOND)  # the body itself takes its time
            if event == "step.sleep":
                await step.sleep("nap", HOUR)
            else:
                await asyncio.sleep(HOUR_S)

        asyncio_run = stage.client.invoke(job, "asyncio.sleep", id="asyncio")
        stage.deliver(stage.one(Start))
        [timer] = asyncio_run.steps
        assert timer.due_at is not None
        assert timer.due_at.timestamp() * 1000 == T0 + HOUR_MS
        begun = stage.clock.at_ms
        step_run = stage.client.invoke(job, "step.sleep", id="step")
        stage.deliver(stage.one(Start))
        [nap] = step_run.steps
        assert nap.due_at is not None
        assert nap.due_at.timestamp() * 1000 == begun + 30 * SECOND + HOUR_MS


def test_a_timer_that_is_cancelled_leaves_nothing_behind() -> None:
    app = App("handles")

    @app.function()
    async def job(event: None, step: AsyncStep) -> list[str]:
        loop, fired = asyncio.get_running_loop(), list[str]()
        for delay in (5.0, 10.0, 20.0):
            loop.call_later(delay, fired.append, f"{delay}")
        handle = loop.call_at(loop.time() + 15, fired.append, "never")
        assert not handle.cancelled()
        await asyncio.sleep(7)
        handle.cancel()
        assert handle.cancelled()
        await asyncio.sleep(30)
        return fired

    with Box(app) as box:
        run = box.invoke(job, None)
        box.advance(HOUR)
        assert run.result == ["5.0", "10.0", "20.0"]
