"""Rules 6 and 7: for one key the word of the later epoch counts; what the body cancelled before it saw it is never handed out.

A zombie, a slice that has lost its lease and does not know, may still write. Whatever it writes after the next slice has read
the history changes nothing of the order that this one saw.
"""

import asyncio

import pytest

from milepost import App, AsyncStep, Event, Retry
from milepost.engine.messages import EventMessage, Poke, TimerDue
from tests.aio.plays import DAY, HOUR, MINUTE, Notes
from tests.engine.shop import is_signal
from tests.engine.stage import LEASE, SECOND, Stage, writes

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def test_a_late_record_of_a_zombie_does_not_change_the_order() -> None:
    """The zombie saw x alone and works on it. The next slice sees y before x; its own work on x fails and is to be tried again;
    only then the zombie writes its result of that work.
    """
    app, notes, tries, did = App("zombie"), Notes(), list[str](), list[str]()

    @app.event("zombie/x", keys=("n",))
    class X(Event):
        n: int = 1

    @app.event("zombie/y", keys=("n",))
    class Y(Event):
        n: int = 1

    def after_x() -> str:
        tries.append("x")
        if len(tries) == 2:
            raise ConnectionError("for the second worker")
        return "after x"

    @app.function(waits_for=[X, Y], retry=Retry(retries=2, delays=(MINUTE,)))
    async def job(event: None, step: AsyncStep) -> list[object]:
        saw = notes.slice()

        async def x() -> None:
            await step.wait_for_event("x", X, n=1, timeout=DAY)
            saw.append("x")
            saw.append(await step.run("after", after_x))

        async def y() -> None:
            await step.wait_for_event("y", Y, n=1, timeout=DAY)
            saw.append("y")
            await step.run("after", did.append, "y")

        await asyncio.gather(x(), y())
        await step.sleep("later", DAY)
        return list(saw)

    with Stage(app) as stage:
        run = stage.client.invoke(job, None)
        stage.run_until_idle()
        stage.send(X())
        stage.deliver(stage.one(EventMessage, is_signal), stage.new_worker(ahead_ms=30 * SECOND))

        def overtake() -> None:
            stage.send(Y())
            stage.deliver(stage.one(EventMessage, is_signal))  # later, and earlier by the clock of who delivers it
            stage.pass_time(LEASE + SECOND)
            stage.deliver(stage.message(Poke(run=run.id), id="another"))

        stage.deliver(stage.one(Poke), stage.overtaken(writes("step#x/after"), overtake))
        record = stage.record(run.id, "x/after")
        assert record is not None
        assert (record.status, record.epoch) == ("pending", 3)  # the zombie's result, written after it, did not take its place
        assert notes.last == ["y", "x"]
        notes.after_death = 2  # what the zombie saw counts no more
        for _ in range(2):  # the retry, and the sleep after it
            stage.pass_time(2 * DAY_MS)
            stage.run_until_idle()
        assert run.status == "completed"
        assert run.result == ["y", "x", "after x"]
        notes.check()
        assert len(tries) == 3


@pytest.mark.parametrize("zombie_dies", [False, True], ids=["the zombie writes", "the zombie dies"])
def test_a_step_that_was_cancelled_before_it_was_seen_stays_so(zombie_dies: bool) -> None:
    app, notes, did = App("cancelled"), Notes(), list[str]()

    @app.event("cancelled/stop", keys=("n",))
    class Stop(Event):
        n: int = 1

    @app.function(waits_for=[Stop])
    async def job(event: None, step: AsyncStep) -> list[object]:
        saw = notes.slice()

        async def work() -> None:
            await step.sleep("first", HOUR)
            try:
                saw.append(await step.run("slow", did.append, "slow"))
            except asyncio.CancelledError:
                saw.append("cancelled")
                raise

        task = asyncio.create_task(work(), name="work")
        await step.wait_for_event("stop", Stop, n=1, timeout=DAY)
        saw.append("stop")
        task.cancel()
        await asyncio.wait([task])
        await step.run("after", did.append, "after")
        await step.sleep("later", DAY)
        return list(saw)

    with Stage(app) as stage:
        run = stage.client.invoke(job, None)

        def overtake() -> None:
            stage.pass_time(SECOND)
            stage.send(Stop())
            stage.deliver(stage.one(EventMessage, is_signal))
            stage.pass_time(LEASE + SECOND)
            stage.deliver(stage.message(Poke(run=run.id), id="another"))
            if zombie_dies:
                raise KeyboardInterrupt

        stage.run_until_idle()
        stage.pass_time(HOUR_MS)
        try:
            stage.deliver(stage.one(TimerDue), stage.overtaken(writes("step#work/slow"), overtake))
        except KeyboardInterrupt:
            assert zombie_dies
        slow = stage.record(run.id, "work/slow")
        assert (slow is None) == zombie_dies
        notes.after_death = 2
        assert notes.last == ["stop", "cancelled"]
        stage.pass_time(2 * DAY_MS)
        stage.run_until_idle()
        assert run.result == ["stop", "cancelled"]
        notes.check()
        assert did == ["slow", "after"]
