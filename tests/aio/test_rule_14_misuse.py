"""Rule 14: I/O, executors, wake-ups from foreign threads and task factories on the body's loop raise an error that names
step.run. The first is noted and fails the run even when it is swallowed: libraries wrap it.
Rule 16: so do steps inside step bodies, from callbacks, from another loop or thread, and names used again while unfinished.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest

from milepost import App, AsyncStep, ErrorInfo
from tests.aio.plays import HOUR, Box

Misuse = Callable[[AsyncStep], Awaitable[object]]


def no_op() -> None:
    """A step."""


async def async_no_op() -> None:
    """A step."""


def fails(misuse: Misuse, *, swallow: bool = False) -> ErrorInfo:
    """Run a body that does this, and nothing else, or swallows whatever comes of it; it fails at once. Returns its error."""
    app, slices = App("misuse"), list[int]()

    @app.function(retries=4)
    async def culprit(event: None, step: AsyncStep) -> str:
        slices.append(1)
        if swallow:
            with suppress(Exception):
                await misuse(step)
            await step.run("goes on", no_op)
            await step.sleep("nap", HOUR)
        else:
            await misuse(step)
        return "done"

    with Box(app) as box:
        run = box.invoke(culprit, None)
        box.advance(2 * HOUR)
        assert run.status == "failed", run.status
        assert run.error is not None
        assert run.error.type == "milepost.errors.UsageError"
        assert slices == [1]  # no retry would help
        return run.error


# ---- the event loop --------------------------------------------------------------------------------------------------


async def to_thread(step: AsyncStep) -> None:
    await asyncio.to_thread(no_op)


async def run_in_executor(step: AsyncStep) -> None:
    await asyncio.get_running_loop().run_in_executor(None, no_op)


async def open_connection(step: AsyncStep) -> None:
    await asyncio.open_connection("127.0.0.1", 9)


async def start_server(step: AsyncStep) -> None:
    await asyncio.start_server(_connected, "127.0.0.1", 0)


async def resolve(step: AsyncStep) -> None:
    await asyncio.get_running_loop().getaddrinfo("localhost", 80)


async def subprocess(step: AsyncStep) -> None:
    await asyncio.create_subprocess_exec("true")


async def add_signal_handler(step: AsyncStep) -> None:
    asyncio.get_running_loop().add_signal_handler(15, no_op)


async def run_until_complete(step: AsyncStep) -> None:
    coroutine = async_no_op()
    try:
        asyncio.get_running_loop().run_until_complete(coroutine)
    finally:
        coroutine.close()


async def run_forever(step: AsyncStep) -> None:
    asyncio.get_running_loop().run_forever()


async def stop(step: AsyncStep) -> None:
    asyncio.get_running_loop().stop()


async def close(step: AsyncStep) -> None:
    asyncio.get_running_loop().close()


async def set_task_factory(step: AsyncStep) -> None:
    asyncio.get_running_loop().set_task_factory(None)


async def set_exception_handler(step: AsyncStep) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)


async def call_soon_threadsafe(step: AsyncStep) -> None:
    asyncio.get_running_loop().call_soon_threadsafe(no_op)


async def wake_up_by_a_thread(step: AsyncStep) -> None:
    loop = asyncio.get_running_loop()
    failed: list[BaseException] = []

    def other() -> None:
        try:
            loop.call_soon_threadsafe(no_op)
        except Exception as error:  # noqa: BLE001 - raised again on the right thread
            failed.append(error)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    raise failed[0]


async def future_of_a_thread(step: AsyncStep) -> None:
    future = asyncio.get_running_loop().create_future()
    failed: list[BaseException] = []

    def other() -> None:
        try:
            future.set_result(1)
        except Exception as error:  # noqa: BLE001 - as above
            failed.append(error)

    future.add_done_callback(lambda _: None)
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    raise failed[0]


async def with_httpx(step: AsyncStep) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get("http://127.0.0.1:9/")


async def with_anyio_threads(step: AsyncStep) -> None:
    await anyio.to_thread.run_sync(no_op)


async def with_anyio_sockets(step: AsyncStep) -> None:
    await anyio.connect_tcp("127.0.0.1", 9)


async def as_completed_of_coroutines(step: AsyncStep) -> None:
    coroutines = [async_no_op() for _ in range(3)]
    try:
        for one in asyncio.as_completed(coroutines):
            await one
    finally:
        for coroutine in coroutines:
            coroutine.close()


LOOP: list[Misuse] = [
    as_completed_of_coroutines,
    to_thread,
    run_in_executor,
    open_connection,
    start_server,
    resolve,
    subprocess,
    add_signal_handler,
    run_until_complete,
    run_forever,
    stop,
    close,
    set_task_factory,
    set_exception_handler,
    call_soon_threadsafe,
    wake_up_by_a_thread,
    future_of_a_thread,
    with_httpx,
    with_anyio_threads,
    with_anyio_sockets,
]


@pytest.mark.parametrize("swallow", [False, True], ids=["raised", "swallowed"])
@pytest.mark.parametrize("misuse", LOOP, ids=lambda misuse: misuse.__name__)
def test_what_the_loop_does_not_do(misuse: Misuse, swallow: bool) -> None:
    error = fails(misuse, swallow=swallow)
    assert "culprit" in error.message
    assert "step.run(name, function, ...)" in error.message


def test_it_says_what_was_tried() -> None:
    assert "run_in_executor()" in fails(to_thread).message
    assert "woken from outside" in fails(wake_up_by_a_thread).message
    assert "woken from outside" in fails(future_of_a_thread).message
    assert "set_task_factory()" in fails(set_task_factory).message


def test_asyncio_run_in_the_body_is_pythons_own_error() -> None:
    """It is not ours to refuse: Python does."""
    app = App("nested")

    @app.function(retries=0)
    async def culprit(event: None, step: AsyncStep) -> None:
        coroutine = async_no_op()
        try:
            asyncio.run(coroutine)
        finally:
            coroutine.close()

    with Box(app) as box:
        run = box.invoke(culprit, None)
        assert run.status == "failed"
        assert "asyncio.run() cannot be called from a running event loop" in str(run.error)


def test_a_misuse_on_a_replay_fails_the_run_too() -> None:
    """The code was deployed after the history was written."""
    app, deployed = App("later"), list[int]()

    @app.function()
    async def job(event: None, step: AsyncStep) -> None:
        await step.run("a", no_op)
        if deployed:
            with suppress(Exception):
                await asyncio.to_thread(no_op)
        await step.sleep("nap", HOUR)

    with Box(app) as box:
        run = box.invoke(job, None)
        deployed.append(1)
        box.advance(HOUR)
        assert run.status == "failed"
        assert "run_in_executor" in str(run.error)


# ---- steps where there are none --------------------------------------------------------------------------------------


async def in_a_def_step(step: AsyncStep) -> None:
    def inner() -> None:
        step.run("inner", no_op).close()

    await step.run("outer", inner)


async def in_an_async_step(step: AsyncStep) -> None:
    async def inner() -> None:
        await step.run("inner", no_op)

    await step.run("outer", inner)


async def in_a_callback(step: AsyncStep) -> None:
    failed: list[BaseException] = []

    def callback() -> None:
        try:
            step.run("inner", no_op).close()
        except Exception as error:  # noqa: BLE001 - raised again in the body
            failed.append(error)

    asyncio.get_running_loop().call_soon(callback)
    await asyncio.sleep(0)
    raise failed[0]


async def in_a_done_callback(step: AsyncStep) -> None:
    task = asyncio.create_task(async_no_op())
    failed: list[BaseException] = []

    def callback(_task: object) -> None:
        try:
            step.run("inner", no_op).close()
        except Exception as error:  # noqa: BLE001 - as above
            failed.append(error)

    task.add_done_callback(callback)
    await task
    await asyncio.sleep(0)
    raise failed[0]


async def on_another_thread(step: AsyncStep) -> None:
    failed: list[BaseException] = []

    def other() -> None:
        try:
            step.run("inner", no_op).close()
        except Exception as error:  # noqa: BLE001 - as above
            failed.append(error)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    raise failed[0]


async def on_another_loop(step: AsyncStep) -> None:
    failed: list[BaseException] = []

    async def inner() -> None:
        try:
            await step.run("inner", no_op)
        except Exception as error:  # noqa: BLE001 - as above
            failed.append(error)

    thread = threading.Thread(target=lambda: asyncio.run(inner()))
    thread.start()
    thread.join()
    raise failed[0]


async def the_same_name_at_once(step: AsyncStep) -> None:
    await asyncio.gather(step.run("same", no_op), step.run("same", no_op))


async def the_same_sleep_at_once(step: AsyncStep) -> None:
    first = asyncio.create_task(step.sleep("same", HOUR))
    await asyncio.sleep(0)
    try:
        await step.sleep("same", HOUR)
    finally:
        first.cancel()


WHERE: dict[Misuse, str] = {
    in_a_def_step: "inside a step's body",
    in_an_async_step: "inside a step's body",
    in_a_callback: "in a callback of the event loop",
    in_a_done_callback: "in a callback of the event loop",
    on_another_thread: "on another thread",
    on_another_loop: "on another event loop",
    the_same_name_at_once: "is used again before its first use has ended",
    the_same_sleep_at_once: "is used again before its first use has ended",
}


@pytest.mark.parametrize("swallow", [False, True], ids=["raised", "swallowed"])
@pytest.mark.parametrize("misuse", WHERE, ids=lambda misuse: misuse.__name__)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
def test_where_steps_are_not_used(misuse: Misuse, swallow: bool) -> None:
    error = fails(misuse, swallow=swallow)
    assert WHERE[misuse] in error.message
    assert "'inner'" in error.message or "'same'" in error.message


def test_the_same_name_may_be_used_again_when_its_first_use_has_ended() -> None:
    app = App("again")

    @app.function()
    async def job(event: None, step: AsyncStep) -> list[str]:
        for _ in range(2):
            await step.run("same", no_op)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(step.sleep("long", 9 * HOUR), 60)  # a cancelled use has ended, too
            await step.map("map", partial(_ignore), [1])
        return []

    with Box(app) as box:
        run = box.invoke(job, None)
        box.advance(HOUR)
        assert run.status == "completed"
        assert {"same", "same:2", "map", "map:2"} <= {step.path for step in run.steps}


async def _connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Nobody ever is."""


def _ignore(item: Any) -> None:
    """A step."""
