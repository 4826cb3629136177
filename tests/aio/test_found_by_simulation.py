"""What the simulator found in `async def` bodies, each played by hand: what went wrong, what holds now."""

import asyncio
from datetime import timedelta

import pytest

from milepost import App, AsyncStep, Event, Retry, RunStatus, WaitTimeout
from milepost.engine.deliver import Ack
from milepost.engine.messages import EventMessage, Poke, Start, TimerDue
from tests.aio.plays import DAY, MINUTE, SECOND, waiting
from tests.engine.shop import is_signal
from tests.engine.stage import LEASE, Stage, writes


def an_app() -> tuple[App, type[Event], type[Event]]:
    app = App("found")

    @app.event("found/approved", keys=("n",))
    class Approved(Event):
        n: int = 1

    @app.event("found/stop", keys=("n",))
    class Stop(Event):
        n: int = 1

    return app, Approved, Stop


# ---- time-outs within the slice --------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", [timedelta(milliseconds=300), SECOND, 2 * SECOND], ids=["0.3 s", "1 s", "2 s"])
@pytest.mark.parametrize("what", ["event", "callback", "child"])
def test_a_time_out_within_the_slice_comes_when_it_is_due(what: str, timeout: timedelta) -> None:
    """What had no record yet began anew at every look, with the time that it then was: waited for within the slice it was never
    due, and the slice went round until its time was up.
    """
    app, Approved, _Stop = an_app()  # noqa: N806 - a class

    @app.function()
    async def child(event: None, step: AsyncStep) -> None:
        await step.sleep("long", DAY)

    @app.function(waits_for=[Approved], retries=0)
    async def job(event: None, step: AsyncStep) -> str:
        try:
            if what == "event":
                approval = await step.wait_for_event("it", Approved, n=1, timeout=timeout)
                return "nothing came" if approval is None else "an event"
            if what == "callback":
                return await step.wait_for_callback("it", lambda token: None, returns=str, timeout=timeout)
            await step.invoke("it", child, None, timeout=timeout)
        except WaitTimeout:
            return "nothing came"
        return "an answer"

    with Stage(app) as stage:
        began = stage.clock.at_ms
        run = stage.client.invoke(job, None)
        assert stage.deliver(stage.one(Start), waiting(stage)) == Ack()
        assert (run.status, run.result) == ("completed", "nothing came")
        assert stage.clock.at_ms - began == timeout / timedelta(milliseconds=1)
        assert stage.header(run.id).epoch == 1
        stage.run_until_idle()
        assert [one.status for one in stage.client.runs(stage.newest) if one.id != run.id] == ["cancelled"] * (what == "child")


# ---- zombies ---------------------------------------------------------------------------------------------------------


def test_a_zombie_whose_wait_another_slice_has_cancelled_goes_no_further() -> None:
    """It came to put its wait on record when a later slice had begun it, and let go of it: it was given None, as if time was up."""
    app, Approved, Stop = an_app()  # noqa: N806 - classes
    did: list[str] = []
    saw: list[object] = []

    @app.function(waits_for=[Approved, Stop], retries=0)
    async def job(event: None, step: AsyncStep) -> str:
        async def approval() -> None:
            saw.append(await step.wait_for_event("approval", Approved, n=1, timeout=DAY))

        task = asyncio.create_task(approval(), name="approval")
        await step.wait_for_event("stop", Stop, n=1, timeout=DAY)
        task.cancel()
        await asyncio.wait([task])
        await step.run("stopped", did.append, "stopped")
        await step.sleep("long", DAY)
        return "done"

    with Stage(app) as stage:
        run = stage.client.invoke(job, None)

        def overtake() -> None:
            stage.pass_time(LEASE + 1)
            stage.deliver(stage.message(Poke(run=run.id), id="another"))
            stage.send(Stop())
            stage.deliver(stage.one(EventMessage, is_signal))
            stage.deliver(stage.one(Poke))
            record = stage.record(run.id, "approval/approval")
            assert record is not None
            assert record.status == "cancelled"

        stage.deliver(stage.one(Start), stage.overtaken(writes("step#approval/approval"), overtake))
        assert saw == []
        stage.pass_time(LEASE + 1)
        stage.run_until_idle()
        stage.pass_time(2 * 24 * 3_600_000)
        stage.run_until_idle()
        assert (run.status, run.result) == ("completed", "done")
        assert did == ["stopped"]


def test_a_zombie_whose_step_another_slice_has_cancelled_goes_no_further() -> None:
    """The same of a step that is tried again: the zombie's attempt succeeds, the next one's fails, and is cancelled."""
    app, _Approved, Stop = an_app()  # noqa: N806 - a class
    did: list[str] = []
    saw: list[object] = []
    tries: list[str] = []

    def works_for_the_zombie() -> object:
        tries.append("try")
        if len(tries) != 2:
            raise ConnectionError("again, please")
        return "late"

    @app.function(waits_for=[Stop], retry=Retry(retries=5, delays=(MINUTE,)))
    async def job(event: None, step: AsyncStep) -> str:
        async def work() -> None:
            saw.append(await step.run("slow", works_for_the_zombie))

        task = asyncio.create_task(work(), name="work")
        await step.wait_for_event("stop", Stop, n=1, timeout=DAY)
        task.cancel()
        await asyncio.wait([task])
        await step.run("stopped", did.append, "stopped")
        await step.sleep("long", DAY)
        return "done"

    with Stage(app) as stage:
        run = stage.client.invoke(job, None)
        stage.run_until_idle()
        stage.pass_time(120_000)

        def overtake() -> None:
            stage.pass_time(LEASE + 1)
            stage.deliver(stage.message(Poke(run=run.id), id="another"))
            assert tries == ["try"] * 3
            stage.send(Stop())
            stage.deliver(stage.one(EventMessage, is_signal))
            stage.deliver(stage.one(Poke))
            record = stage.record(run.id, "work/slow")
            assert record is not None
            assert record.status == "cancelled"

        stage.deliver(stage.one(TimerDue), stage.overtaken(writes("step#work/slow"), overtake))
        assert saw == []
        stage.pass_time(2 * 24 * 3_600_000)
        stage.run_until_idle()
        assert (run.status, run.result) == ("completed", "done")
        assert did == ["stopped"]


# ---- a body that failed, and is tried again --------------------------------------------------------------------------


@pytest.mark.parametrize("comes", ["before the retry", "after it"])
@pytest.mark.parametrize("group", ["parallel", "TaskGroup"])
def test_a_wait_outlives_the_failure_of_the_task_beside_it(group: str, comes: str) -> None:
    """What the failed attempt had cancelled on its way out was recorded as cancelled, and the next attempt waits for it again:
    the run paused. Now an attempt that fails leaves nothing cancelled.
    """
    app, Approved, _Stop = an_app()  # noqa: N806 - a class

    @app.function(waits_for=[Approved], retry=Retry(retries=2, delays=(MINUTE,)))
    async def job(event: None, step: AsyncStep) -> str:
        async def approval(s: AsyncStep) -> str:
            return "nobody" if await s.wait_for_event("approval", Approved, n=1, timeout=DAY) is None else "somebody"

        async def fails_the_first_time(s: AsyncStep) -> None:
            if step.attempt == 1:
                await s.run("a", str)
                raise ConnectionError("again, please")

        if group == "parallel":
            return (await step.parallel("both", approval, fails_the_first_time))[0]
        try:
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(approval(step), name="approval")
                tasks.create_task(fails_the_first_time(step), name="fails")
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return task.result()

    with Stage(app) as stage:
        run = stage.client.invoke(job, None)
        assert stage.deliver(stage.one(Start)) == Ack()
        assert stage.header(run.id).attempt == 2
        if comes == "after it":
            stage.pass_time(120_000)
            stage.deliver(stage.one(TimerDue))
        stage.send(Approved())
        assert stage.deliver(stage.one(EventMessage, is_signal)) == Ack()
        stage.pass_time(120_000)
        stage.run_until_idle()
        assert stage.header(run.id).status is RunStatus.COMPLETED, stage.header(run.id).reason
        assert run.result == "somebody"
