"""A deploy that adds, removes or renames a step or a task between gathered branches, while a run is in flight."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from milepost import App, AsyncStep, Function
from tests.aio.plays import DAY, HOUR, Box

Branch = Callable[[AsyncStep, list[str]], Awaitable[object]]


def app_of(*branches: tuple[str, Branch]) -> tuple[App, Function[None, list[Any]], list[str]]:
    app, did = App("deploys"), list[str]()

    @app.function()
    async def job(event: None, step: AsyncStep) -> list[Any]:
        tasks = [asyncio.create_task(_run(branch, step, did), name=name) for name, branch in branches]
        return list(await asyncio.gather(*tasks))

    return app, job, did


async def _run(branch: Branch, step: AsyncStep, did: list[str]) -> object:
    return await branch(step, did)


def steps(*names: str) -> Branch:
    """Do these one after the other, with an hour's sleep after the first."""

    async def branch(step: AsyncStep, did: list[str]) -> str:
        for place, name in enumerate(names):
            await step.run(name, did.append, name)
            if place == 0:
                await step.sleep("nap", HOUR)
        return "+".join(names)

    return branch


OLD = (("x", steps("a", "b")), ("y", steps("c", "d")))


@pytest.mark.parametrize(
    ("new", "did"),
    [
        pytest.param((OLD[0], ("new", steps("n")), OLD[1]), ["b", "d", "n"], id="a task added between"),
        pytest.param((("new", steps("n")), *OLD), ["b", "d", "n"], id="a task added before"),
        pytest.param((OLD[1],), ["d"], id="a task removed"),
        pytest.param((OLD[1], OLD[0]), ["b", "d"], id="tasks in another order"),
        pytest.param((OLD[0], ("z", steps("c", "d"))), ["b", "c", "d"], id="a task renamed: its steps are new ones"),
        pytest.param((("x", steps("a", "new", "b")), OLD[1]), ["b", "d", "new"], id="a step added between"),
        pytest.param((("x", steps("new", "a", "b")), OLD[1]), ["b", "d", "new"], id="a step added before"),
        pytest.param((("x", steps("a")), OLD[1]), ["d"], id="a step removed"),
        pytest.param((("x", steps("b")), OLD[1]), ["b", "d"], id="a recorded step removed"),
        pytest.param((("x", steps("renamed", "b")), OLD[1]), ["b", "d", "renamed"], id="a step renamed"),
    ],
)
def test_the_run_goes_on_and_does_only_what_is_new(new: tuple[tuple[str, Branch], ...], did: list[str]) -> None:
    (old_app, job, old_did), (new_app, _, new_did) = app_of(*OLD), app_of(*new)
    with Box(old_app) as box:
        run = box.invoke(job, None)
        assert sorted(old_did) == ["a", "c"]
        box.deploy(new_app)
        box.advance(2 * DAY)
        assert run.status == "completed", run.view.reason
        assert sorted(new_did) == did
        assert old_did == ["a", "c"]
        assert box.lines.lines == []


def test_another_kind_of_step_under_a_recorded_name_pauses_the_run() -> None:
    async def sleeps(step: AsyncStep, did: list[str]) -> None:
        await step.sleep("a", HOUR)

    (old_app, job, _), (new_app, _, new_did) = app_of(*OLD), app_of(("x", sleeps), OLD[1])
    with Box(old_app) as box:
        run = box.invoke(job, None)
        box.deploy(new_app)
        box.advance(DAY)
        assert run.status == "paused"
        assert "'x/a'" in str(run.view.reason)
        assert new_did == []
        box.deploy(old_app)
        box.resume(run)
        box.advance(DAY)
        assert run.status == "completed"
