"""What durability costs: a run of n steps in sequence is n + 2 fsyncs from the receipt of its message, and runs share them."""

from datetime import timedelta
from pathlib import Path

import pytest

from milepost import App, AsyncStep, Event, Function, Step
from milepost.local import LocalCloud

PATIENCE = timedelta(seconds=60)

app = App("fsyncs")


@app.event("fsyncs/asked")
class Asked(Event):
    steps: int


def work(number: int) -> int:
    return number


async def work_async(number: int) -> int:
    return number


@app.function(name="plain")
def plain(event: Asked, step: Step) -> int:
    for number in range(event.steps):
        step.run("step", work, number)
    return event.steps


@app.function(name="modern")
async def modern(event: Asked, step: AsyncStep) -> int:
    for number in range(event.steps):
        await step.run("step", work_async, number)
    return event.steps


def fsyncs(cloud: LocalCloud) -> int:
    return cloud._store.fsyncs  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("steps", [1, 10, 40])
@pytest.mark.parametrize("function", [plain, modern], ids=["def", "async"])
def test_a_run_of_n_steps_is_n_plus_2_fsyncs(tmp_path: Path, function: Function[Asked, int], steps: int) -> None:
    with LocalCloud(app, tmp_path / "state.db") as cloud:
        cloud.wait(cloud.invoke(function, Asked(steps=1)), timeout=PATIENCE)
        before = fsyncs(cloud)
        run = cloud.invoke(function, Asked(steps=steps))
        cloud.wait(run, timeout=PATIENCE)
        assert run.result == steps
        assert fsyncs(cloud) - before == 1 + steps + 2  # the first is the message's own


@pytest.mark.parametrize(("function", "most"), [(plain, 300), (modern, 60)], ids=["def", "async"])
def test_runs_at_once_share_fsyncs(tmp_path: Path, function: Function[Asked, int], most: int) -> None:
    """Sixty runs of five steps are 480 fsyncs one by one."""
    with LocalCloud(app, tmp_path / "state.db") as cloud:
        client = cloud._client  # pyright: ignore[reportPrivateUsage]
        before = fsyncs(cloud)
        runs = [client.invoke(function, Asked(steps=5)) for _ in range(60)]
        cloud.wait(*runs, timeout=PATIENCE)
        assert [run.result for run in runs] == [5] * 60
        assert fsyncs(cloud) - before - 60 < most  # sixty messages were sent one by one
