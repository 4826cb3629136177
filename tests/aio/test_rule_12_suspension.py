"""Rule 12: suspension raises a private BaseException where each unfinished task waits, the newest first, on the slice's thread
and in the task's context, never through futures. Rule 13: what is awaited then only yields.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import anyio
import pytest

from milepost import App, AsyncStep
from tests.aio.plays import DAY, HOUR, Box, Notes, play_everywhere

var: ContextVar[str] = ContextVar("var", default="unset")


def no_op() -> None:
    """A step."""


class Ends:
    """What ran when the slice ended; cleared by the test."""

    def __init__(self) -> None:
        self.what: list[object] = []


def suspend(body: Any, *, then: Any = "done") -> tuple[list[object], Box]:
    """Run a body until it suspends, see what ran at its end, let it go on, and see that it completes."""
    app, ends = App("suspends"), Ends()

    @app.function(retries=0)
    async def job(event: None, step: AsyncStep) -> Any:
        return await body(ends.what, step)

    with Box(app) as box:
        run = box.invoke(job, None)
        assert run.status == "waiting", run.error
        first = list(ends.what)
        ends.what.clear()
        box.advance(2 * DAY)
        assert run.status == "completed", run.error
        assert run.result == then
        return first, box


def test_the_newest_task_ends_first_in_its_own_context_on_the_slices_thread() -> None:
    threads: set[threading.Thread] = set()

    async def body(ended: list[object], step: AsyncStep) -> str:
        async def task(name: str, inner: int) -> None:
            var.set(name)
            try:
                if inner:
                    await asyncio.gather(asyncio.create_task(task(f"{name}.{inner}", inner - 1)), step.sleep(name, HOUR))
                else:
                    await step.sleep(name, HOUR)
            finally:
                threads.add(threading.current_thread())
                ended.append((name, var.get()))

        await asyncio.gather(task("a", 2), task("b", 1))
        return "done"

    ended, _ = suspend(body)
    assert ended == [(name, name) for name in ("a.2.1", "b.1", "a.2", "b", "a")]
    assert threads == {threading.current_thread()}


def test_who_sees_it_and_who_does_not() -> None:
    async def body(ended: list[object], step: AsyncStep) -> str:
        @contextmanager
        def sync_block() -> Generator[None]:
            try:
                yield
            finally:
                ended.append("with")

        @asynccontextmanager
        async def block() -> AsyncGenerator[None]:
            try:
                yield
            finally:
                ended.append("async with")

        try:
            try:
                with sync_block(), suppress(Exception):
                    async with block():
                        await step.sleep("nap", HOUR)
            except Exception:  # noqa: BLE001 - the point
                ended.append("except Exception")
            except asyncio.CancelledError:
                ended.append("except CancelledError")
            except BaseException:
                ended.append("except BaseException")
                raise
        finally:
            ended.append("finally")
        return "done"

    ended, _ = suspend(body)
    assert ended == ["async with", "with", "except BaseException", "finally"]


def test_gather_with_return_exceptions_does_not_see_it() -> None:
    async def body(ended: list[object], step: AsyncStep) -> str:
        results = await asyncio.gather(step.sleep("nap", HOUR), step.sleep("longer", DAY), return_exceptions=True)
        ended.append(results)
        return "done"

    ended, _ = suspend(body)
    assert ended == []


@pytest.mark.parametrize(
    "frame", ["TaskGroup", "timeout", "anyio task group", "anyio cancel scope", "shield", "wait", "as_completed", "queue"]
)
def test_frames_of_asyncio_and_anyio_let_it_through(frame: str) -> None:
    """They turn CancelledError, and what is raised within them, into other errors: not this."""

    async def body(ended: list[object], step: AsyncStep) -> str:
        async def nap() -> None:
            try:
                await step.sleep("nap", HOUR)
            finally:
                ended.append("nap")

        match frame:
            case "TaskGroup":
                async with asyncio.TaskGroup() as group:
                    group.create_task(nap())
                    group.create_task(nap())
            case "timeout":
                async with asyncio.timeout(7200):
                    await nap()
            case "anyio task group":
                async with anyio.create_task_group() as anyio_group:
                    anyio_group.start_soon(nap)
            case "anyio cancel scope":
                with anyio.move_on_after(7200):
                    await nap()
            case "shield":
                await asyncio.shield(nap())
            case "wait":
                await asyncio.wait([asyncio.create_task(nap())], return_when=asyncio.FIRST_EXCEPTION)
            case "as_completed":
                for one in asyncio.as_completed([asyncio.create_task(nap())]):
                    await one
            case _:
                queue: asyncio.Queue[int] = asyncio.Queue()
                feeder = asyncio.create_task(nap())
                feeder.add_done_callback(lambda _: queue.put_nowait(1))
                await queue.get()
        return "done"

    ended, box = suspend(body)
    assert set(ended) == {"nap"}
    assert box.lines.lines == []


def test_context_variables_are_reset_in_finally() -> None:
    """Each in the context in which it was set: reset() refuses any other."""

    async def body(saw: list[object], step: AsyncStep) -> list[str]:
        async def one(n: int) -> str:
            token = var.set(f"task {n}")
            try:
                await step.sleep("nap", HOUR)
                return var.get()
            finally:
                var.reset(token)

        async def values() -> AsyncIterator[str]:
            token = var.set("generator")
            try:
                await step.sleep("in a generator", HOUR)
                yield var.get()
            finally:
                var.reset(token)

        token = var.set("body")
        try:
            found = [*await asyncio.gather(one(1), one(2)), *[value async for value in values()], var.get()]
        finally:
            var.reset(token)
        saw.extend(found)
        return found

    for played in play_everywhere(body):
        assert played.result == ["task 1", "task 2", "generator", "body"]
        assert played.lines.lines == []


def test_await_in_finally_begins_nothing_and_the_rest_of_it_does_not_run() -> None:
    did: list[str] = []

    async def body(ended: list[object], step: AsyncStep) -> str:
        try:
            await step.sleep("nap", HOUR)
        finally:
            ended.append("before")
            await step.run("in finally", did.append, "in finally")
            await asyncio.sleep(1)
            ended.append("after")
        return "done"

    ended, _ = suspend(body)
    assert ended == ["before"]
    assert did == ["in finally"]  # once: when the body came there


ASKED: list[str] = ["run", "map", "parallel", "asyncio.sleep", "create_task", "gather", "lock", "timeout", "callback", "TaskGroup"]


@pytest.mark.parametrize("asks", ASKED)
def test_what_finally_asks_for_only_yields(asks: str) -> None:
    did: list[str] = []

    async def body(ended: list[object], step: AsyncStep) -> str:
        lock = asyncio.Lock()
        try:
            await step.sleep("nap", HOUR)
        finally:
            match asks:
                case "run":
                    await step.run("a", did.append, "a")
                case "map":
                    await step.map("map", did.append, ["a"])
                case "parallel":
                    await step.parallel("both", lambda own: own.run("a", did.append, "a"))
                case "asyncio.sleep":
                    await asyncio.sleep(1)
                case "create_task":
                    await asyncio.create_task(step.run("a", did.append, "a"))
                case "gather":
                    await asyncio.gather(step.run("a", did.append, "a"), asyncio.sleep(1))
                case "lock":
                    async with lock:
                        pass  # a free lock needs no waiting
                case "timeout":
                    async with asyncio.timeout(5):
                        await step.run("a", did.append, "a")
                case "callback":
                    asyncio.get_running_loop().call_soon(did.append, "soon")
                    await asyncio.sleep(0)
                case _:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(step.run("a", did.append, "a"))
            ended.append("ended")
        return "done"

    ended, box = suspend(body)
    assert ended == (["ended"] if asks == "lock" else [])
    assert len(did) <= 1  # when the body came there by itself, not at its suspension
    assert box.lines.lines == []


def test_an_error_in_finally_is_logged_and_changes_nothing() -> None:
    async def body(ended: list[object], step: AsyncStep) -> str:
        try:
            await step.sleep("nap", HOUR)
        except BaseException:
            if not ended:
                ended.append("suspended")
                raise RuntimeError("from the clean-up") from None
            raise
        return "done"

    ended, box = suspend(body)
    assert ended == ["suspended"]
    [line] = box.lines.lines
    assert line.level == "warning"
    assert "raised an error while it was suspended" in line.message
    assert line.fields["error"] == "RuntimeError: from the clean-up"


def test_a_suspended_generator_is_closed_where_it_waits() -> None:
    async def body(ended: list[object], step: AsyncStep) -> str:
        async def naps() -> AsyncIterator[int]:
            try:
                for n in range(2):
                    await step.sleep(f"nap {n}", HOUR)
                    yield n
            finally:
                ended.append("generator")

        async def loop() -> None:
            try:
                async for _ in naps():
                    pass
            finally:
                ended.append("loop")

        await loop()
        return "done"

    ended, _ = suspend(body)
    assert ended == ["generator", "loop"]


@pytest.mark.parametrize("kind", ["def", "task", "awaited"])
def test_who_swallows_it_fails_the_run(kind: str) -> None:
    app, notes = App("swallows"), Notes()

    async def careless(step: AsyncStep) -> str:
        try:
            await step.sleep("nap", HOUR)
        except BaseException:  # noqa: BLE001 - the careless user's
            return "swallowed"
        return "slept"

    @app.function()
    async def job(event: None, step: AsyncStep) -> str:
        notes.slice()
        if kind == "task":
            return (await asyncio.gather(careless(step), step.sleep("other", HOUR)))[0]
        return await careless(step)

    with Box(app) as box:
        run = box.invoke(job, None)
        assert run.status == "failed"
        assert "except Exception" in str(run.error)
        assert f"at {__file__}:" in str(run.error)
        assert "careless" in str(run.error)
        assert len(notes.slices) == 1


def test_who_swallows_it_again_and_again_is_given_up_and_named() -> None:
    """`while True: try ... except BaseException`: raising at once would never end."""
    app, caught = App("stubborn"), list[int]()

    @app.function()
    async def job(event: None, step: AsyncStep) -> None:
        async def stubborn() -> None:
            while True:
                try:
                    await step.sleep("nap", DAY)
                except BaseException:  # noqa: BLE001 - the careless user's
                    caught.append(1)

        await asyncio.create_task(stubborn(), name="the stubborn one")

    with Box(app) as box:
        run = box.invoke(job, None)
        assert run.status == "failed"
        text = str(run.error)
        assert "does not end" in text
        assert "job" in text
        assert f"at {__file__}:" in text
        assert "stubborn" in text
        assert 1 <= len(caught) <= 100


def test_a_stubborn_task_is_kept_so_that_nothing_of_it_runs_later() -> None:
    import gc

    app, caught = App("kept"), list[int]()

    @app.function()
    async def job(event: None, step: AsyncStep) -> None:
        while True:
            try:
                await step.sleep("nap", DAY)
            except BaseException:  # noqa: BLE001 - the careless user's
                caught.append(1)

    with Box(app) as box:
        assert box.invoke(job, None).status == "failed"
    count = len(caught)
    gc.collect()
    assert len(caught) == count
