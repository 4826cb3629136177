"""Rule 17: when the body returns, its remaining tasks end as at a suspension, with a warning that names them."""

import asyncio

from milepost import App, AsyncStep
from tests.aio.plays import DAY, HOUR, Box, play_everywhere


def no_op() -> None:
    """A step."""


def test_tasks_that_nobody_awaited_end_and_are_named() -> None:
    app, ended = App("left"), list[str]()

    @app.function()
    async def job(event: None, step: AsyncStep) -> str:
        async def waits(name: str) -> None:
            try:
                await step.sleep("long", DAY)
                ended.append(f"{name} slept")
            except Exception:  # noqa: BLE001 - does not see it
                ended.append(f"{name} except Exception")
            finally:
                ended.append(f"{name} finally")
                await step.run("in finally", ended.append, "began a step")

        tasks = [asyncio.create_task(waits(name), name=name) for name in ("first", "second")]
        await step.run("a", no_op)
        return f"done with {len(tasks)} left"

    with Box(app) as box:
        run = box.invoke(job, None)
        assert run.result == "done with 2 left"
        assert ended == ["second finally", "first finally"]
        [line] = box.lines.lines
        assert line.level == "warning"
        assert "returned before all of its tasks had ended" in line.message
        text = str(line.fields["tasks"])
        assert text.index("first") < text.index("second")
        assert f"{__file__}:" in text
        assert "waits" in text


def test_an_error_of_the_body_ends_them_too() -> None:
    app, ended = App("raises"), list[str]()

    @app.function(retries=0)
    async def job(event: None, step: AsyncStep) -> None:
        async def waits() -> None:
            try:
                await step.sleep("long", DAY)
            finally:
                ended.append("finally")

        task = asyncio.create_task(waits())
        await step.run("a", no_op)
        raise ValueError(f"with {task.get_name()} left")

    with Box(app) as box:
        run = box.invoke(job, None)
        assert run.status == "failed"
        assert "ValueError" in str(run.error)
        assert ended == ["finally"]


def test_it_is_said_once_though_the_body_is_replayed() -> None:
    app = App("once")

    @app.function(retries=0)
    async def job(event: None, step: AsyncStep) -> None:
        async def waits() -> None:
            await step.sleep("long", 9 * DAY)

        task = asyncio.create_task(waits(), name="the one")
        await step.sleep("nap", HOUR)
        await step.run(task.get_name(), no_op)

    with Box(app) as box:
        run = box.invoke(job, None)
        box.advance(HOUR)
        assert run.status == "completed"
        assert len(box.lines.about("tasks had ended")) == 1


def test_what_they_waited_for_does_not_keep_the_run() -> None:
    async def body(saw: list[object], step: AsyncStep) -> None:
        async def waits() -> None:
            await step.sleep("long", 300 * DAY)

        saw.append(asyncio.create_task(waits()).get_name() != "")
        await step.run("a", no_op)

    for played in play_everywhere(body):
        assert len(played.lines.about("tasks had ended")) == 1
        assert played.notes.last == [True]
