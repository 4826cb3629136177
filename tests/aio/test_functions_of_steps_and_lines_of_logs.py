"""What the functions of an async body's steps may be and raise, and that what a body logs is written once."""

import asyncio
import json
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import pytest

from milepost import App, AsyncStep, NonRetriableError, StepError
from milepost.testing import Sandbox

HOUR = timedelta(hours=1)
who: ContextVar[str] = ContextVar("who", default="nobody")


async def fetch() -> str:
    await asyncio.sleep(0)
    return who.get()


def no_op() -> None:
    """A step."""


async def cancel_itself() -> None:
    raise asyncio.CancelledError


def raise_cancelled() -> None:
    raise asyncio.CancelledError


def test_a_def_may_return_a_coroutine_which_runs_in_its_context() -> None:
    app = App("lambda")

    def fetch_as(name: str) -> Any:
        who.set(name)
        return fetch()

    @app.function()
    async def body(event: None, step: AsyncStep) -> list[str]:
        who.set("the body")
        first: object = await step.run("first", lambda: fetch())  # noqa: PLW0108 - the lambda is the test
        second: object = await step.run("second", fetch_as, "the step")
        return [str(first), str(second), who.get()]

    with Sandbox(app) as box:
        for number in range(20):  # the loop may enter the context while the thread has not left it
            assert box.invoke(body, None, id=f"event-{number}").result == ["the body", "the step", "the body"]


@pytest.mark.parametrize("fn", [cancel_itself, raise_cancelled])
def test_a_step_that_raises_cancelled_error_fails_and_cancels_nobody(fn: Callable[[], None]) -> None:
    app = App("cancelled-error")

    @app.function(retries=0)
    async def body(event: None, step: AsyncStep) -> str:
        try:
            await step.run("give up", fn)
        except StepError as error:
            return str(error)
        return "went on"

    with Sandbox(app) as box:
        assert "the function of step 'give up' ended with CancelledError" in box.invoke(body, None).result


def test_compensations_of_both_kinds_run_backwards_and_one_that_fails_does_not_stop_the_others() -> None:
    app = App("undo")
    undone: list[str] = []

    async def undo_first(result: None) -> None:
        await asyncio.sleep(0)
        undone.append("first")

    async def undo_second() -> None:
        raise NonRetriableError("cannot be undone")

    @app.function()
    async def body(event: None, step: AsyncStep) -> None:
        await step.options(compensate=undo_first).run("first", no_op)
        await step.options(compensate=undo_second).run("second", no_op)
        await step.options(compensate=lambda: undone.append("third")).run("third", no_op)
        raise NonRetriableError("ill")

    with Sandbox(app) as box:
        box.invoke(body, None)
        assert undone == ["third", "first"]
        [undo] = box.runs("body.undo")
        assert undo.status == "failed"


def logged(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()]


def test_each_line_once_though_tasks_end_at_different_times(capsys: pytest.CaptureFixture[str]) -> None:
    app = App("log-tasks")

    @app.function()
    async def body(event: None, step: AsyncStep) -> None:
        async def task(number: int) -> None:
            step.log.info("%d begins", number)
            await step.run("work", no_op)
            step.log.info("%d worked", number)
            await step.sleep("nap", number * HOUR)
            step.log.info("%d slept", number)
            await step.run("more", no_op)

        step.log.info("begins")
        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(task(number), name=f"t{number}")
        step.log.info("ends")

    with Sandbox(app) as box:
        run = box.invoke(body, None)
        box.advance(3 * HOUR)
        assert run.status == "completed"
    of_tasks = [f"{number} {what}" for number in range(3) for what in ("begins", "worked", "slept")]
    assert sorted(logged(capsys)) == sorted(["begins", "ends", *of_tasks])


def test_each_line_once_though_the_body_is_replayed_within_its_slice(capsys: pytest.CaptureFixture[str]) -> None:
    app = App("log-rewind")
    tokens: list[str] = []

    @app.function()
    async def body(event: None, step: AsyncStep) -> str:
        async def answer() -> None:
            await step.run("first", no_op)
            await step.run("answer", lambda: app.callback(tokens[0]).succeed("yes"))
            step.log.info("answered")

        wait = step.wait_for_callback("wait", tokens.append, returns=str, timeout=HOUR)
        said, _ = await asyncio.gather(wait, answer())
        return said

    with Sandbox(app) as box:
        run = box.invoke(body, None)
        assert run.result == "yes"
    assert logged(capsys) == ["answered"]


@pytest.mark.xfail(strict=True, reason="a slice that saw something, and suspends without a write, leaves no word of that")
def test_each_line_once_though_a_slice_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    app = App("log-without-write")

    @app.function()
    async def body(event: None, step: AsyncStep) -> None:
        async def nap(hours: int) -> None:
            await step.sleep("nap", hours * HOUR)
            step.log.info("slept %d h", hours)

        await asyncio.gather(nap(1), nap(2))

    with Sandbox(app) as box:
        box.invoke(body, None)
        box.advance(2 * HOUR)
    assert logged(capsys) == ["slept 1 h", "slept 2 h"]


def test_a_new_attempt_of_the_body_logs_its_last_turn_again(capsys: pytest.CaptureFixture[str]) -> None:
    app = App("log-attempts")

    @app.function(retries=1)
    async def body(event: None, step: AsyncStep) -> None:
        step.log.info("begins")
        await step.run("work", no_op)
        step.log.info("worked")
        if step.attempt == 1:
            raise ConnectionError("once")

    with Sandbox(app) as box:
        run = box.invoke(body, None)
        box.advance(HOUR)
        assert run.status == "completed"
    assert logged(capsys) == ["begins", "worked", "the body failed and is tried again", "worked"]


@pytest.mark.parametrize("place", ["before", "after"])
def test_patched_is_false_in_the_turn_before_a_suspension_and_true_after_it(place: str) -> None:
    app = App("patched")
    deployed: list[str] = []

    @app.function()
    async def body(event: None, step: AsyncStep) -> bool:
        await step.run("work", no_op)
        new = place == "before" and bool(deployed) and await step.patched("new")
        await step.sleep("nap", HOUR)
        return new or (place == "after" and await step.patched("new"))

    with Sandbox(app) as box:
        run = box.invoke(body, None)
        deployed.append("patch")
        box.advance(HOUR)
        assert run.result is (place == "after")
