"""Rule 3: after each turn first what has a known place, the lowest first; then what is due or was completed by others, by
time; only then new work; then waiting, committing, suspending.
"""

import asyncio

from milepost import App, AsyncStep, Function
from tests.aio.plays import HOUR, Notes, play, waiting
from tests.engine.stage import Stage

HOUR_S = 3600.0


def test_no_work_begins_while_something_is_due() -> None:
    """All of it comes due in the same slice: the worker was away."""
    app, did = App("away"), list[str]()

    def work(name: str) -> None:
        did.append(f"work {name}")

    @app.function()
    async def job(event: None, step: AsyncStep) -> None:
        async def one(name: str, hours: int) -> None:
            if hours % 2:
                await asyncio.sleep(hours * HOUR_S)
            else:
                await step.sleep("nap", hours * HOUR)
            did.append(f"slept {name}")
            await step.run("work", work, name)

        await asyncio.gather(one("c", 4), one("b", 3), one("d", 5), one("a", 2), one("now", 0))

    with Stage(app) as stage:
        run = stage.client.invoke(job, None)
        stage.run_until_idle()
        assert did == ["slept now", "work now"]
        did.clear()
        stage.pass_time(10 * 3_600_000)
        stage.run_until_idle()
        assert run.status == "completed"
        slept, worked = [f"slept {name}" for name in "abcd"], [f"work {name}" for name in "abcd"]
        assert did == ["slept now", *slept, *worked]  # what is recorded, what is due by its time, and only then the work


def test_what_is_due_at_once_comes_in_the_order_of_names() -> None:
    async def body(saw: list[object], step: AsyncStep) -> None:
        async def one(name: str) -> None:
            await step.sleep("nap", HOUR)
            saw.append(name)

        await asyncio.gather(*(asyncio.create_task(one(name), name=name) for name in "dbca"))

    assert play(body).notes.last == ["a", "b", "c", "d"]


def test_a_replay_begins_nothing_before_it_has_handed_out_what_it_knows() -> None:
    """A deploy adds a step at the beginning: it waits until the history is through."""
    did: list[str] = []

    def app_with(*, new: bool) -> tuple[App, Function[None, None]]:
        app = App("deploy")

        @app.function()
        async def job(event: None, step: AsyncStep) -> None:
            async def old() -> None:
                for n in range(3):
                    await step.run(f"old {n}", did.append, f"old {n}")
                    did.append(f"had old {n}")
                await step.sleep("nap", HOUR)

            async def added() -> None:
                if new:
                    await step.run("new", did.append, "new")

            await asyncio.gather(added(), old())

        return app, job

    app, job = app_with(new=False)
    with Stage(app) as stage:
        run = stage.client.invoke(job, None)
        stage.run_until_idle()
        did.clear()
        stage.pass_time(3_600_000)
        stage.run_until_idle(stage.new_worker(app=app_with(new=True)[0], version="2"))
        assert run.status == "completed"
        assert did == ["had old 0", "had old 1", "had old 2", "new"]


def test_a_timer_within_two_seconds_is_waited_for_and_a_later_one_suspends() -> None:
    app, notes = App("near"), Notes()

    @app.function()
    async def job(event: float, step: AsyncStep) -> None:
        notes.slice()
        await asyncio.sleep(event)

    with Stage(app) as stage:
        worker = waiting(stage)
        run = stage.client.invoke(job, 2.0)
        stage.run_until_idle(worker)
        assert (run.status, len(notes.slices)) == ("completed", 1)
        far = stage.client.invoke(job, 2.1, id="far")
        stage.run_until_idle(worker)
        assert (far.status, len(notes.slices)) == ("waiting", 2)
