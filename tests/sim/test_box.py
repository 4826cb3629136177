"""The simulator's Sandbox: gentle faults cost no time and no execution, rough ones cost what they are said to cost."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from milepost import App, AsyncStep, Cron, CronTick, Step
from tests.sim.box import PROFILE, Profile, SimulatedBox

app = App("boxed")
START = datetime(2026, 1, 1, 9, tzinfo=UTC)
SEEDS = range(60)
worked: Counter[str] = Counter()


def work(name: str) -> str:
    worked[name] += 1
    return name


@app.function()
def job(event: None, step: Step) -> list[str]:
    first = [step.run(name, work, name) for name in "ab"]
    step.sleep("an hour", timedelta(hours=1))
    return [*first, *step.map("each", work, "cd")]


@app.function()
async def async_job(event: None, step: AsyncStep) -> list[str]:
    first = [await step.run(name, work, name) for name in "ab"]
    await step.sleep("an hour", timedelta(hours=1))
    return [*first, *await step.map("each", work, "cd")]


@app.function(on=Cron("0 12 * * *"))
def noon(tick: CronTick, step: Step) -> datetime:
    return tick.scheduled_at


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    worked.clear()
    yield
    worked.clear()


def opened(seed: int, *, is_rough: bool = False) -> SimulatedBox:
    PROFILE.set(Profile(seed=seed, is_rough=is_rough))
    return SimulatedBox(app)


def test_gentle_faults_cost_no_time_and_no_execution() -> None:
    kinds: Counter[str] = Counter()
    for seed in SEEDS:
        worked.clear()
        with opened(seed) as box:
            run = box.invoke(async_job if seed % 2 else job, None)
            assert (run.status, box.now) == ("waiting", START), seed
            box.advance(timedelta(hours=1))
            assert (run.result, box.now) == (list("abcd"), START + timedelta(hours=1)), seed
            assert worked == Counter("abcd"), seed
            kinds.update(fault.kind for fault in box.world.faults.struck)
    assert kinds.keys() == {"refused", "untold", "duplicated"}


def test_rough_faults_cost_time_and_executions_and_change_no_result() -> None:
    kinds: Counter[str] = Counter()
    again = late = 0
    for seed in SEEDS:
        worked.clear()
        with opened(seed, is_rough=True) as box:
            run = box.invoke(async_job if seed % 2 else job, None)
            box.advance(timedelta(hours=1))
            assert run.result == list("abcd"), seed
            again += worked != Counter("abcd")
            late += box.now > START + timedelta(hours=1)
            kinds.update(fault.kind for fault in box.world.faults.struck)
    assert again > 0
    assert late > 0
    assert kinds.keys() >= {"crash before", "crash after", "freeze", "delayed", "ambiguous", "repeated", "ack lost"}


def test_the_same_seed_is_the_same_again() -> None:
    def told() -> tuple[str, datetime]:
        with opened(7, is_rough=True) as box:
            box.invoke(job, None)
            box.advance(timedelta(hours=1))
            return box.told(), box.now

    assert told() == told()


def test_a_cron_and_a_crash_of_the_tests_own() -> None:
    with opened(3) as box:
        box.advance(timedelta(days=2))
        assert sorted(run.result for run in box.runs(noon)) == [START.replace(hour=12, day=day) for day in (1, 2)]
        before = box.now
        box.crash_after(1)
        run = box.invoke(job, None)
        assert run.status == "waiting"
        assert box.now > before
