"""Rule 1: the body runs on a passive loop on its slice's thread; async steps on one I/O loop of the process, def ones on
threads, in a copy of the caller's context. New work goes out once a turn.
"""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpx
import pytest

from milepost import App, AsyncStep, Backoff, Retry, StepError
from tests.aio.plays import HOUR, Box

var: ContextVar[str] = ContextVar("var", default="unset")


def test_the_body_runs_on_the_slices_thread_and_async_steps_on_one_loop() -> None:
    app, bodies, steps = App("threads"), list[threading.Thread](), list[tuple[threading.Thread, object]]()

    async def look() -> None:
        await asyncio.sleep(0)
        steps.append((threading.current_thread(), asyncio.get_running_loop()))

    @app.function()
    async def job(event: None, step: AsyncStep) -> None:
        bodies.append(threading.current_thread())
        await asyncio.gather(step.run("a", look), step.run("b", look))
        await step.sleep("nap", HOUR)
        await step.run("c", look)

    with Box(app) as box:
        run = box.invoke(job, None)
        box.advance(HOUR)
        assert run.status == "completed"
        assert {*bodies} == {threading.current_thread()}
        [(thread, _)] = {*steps}  # the same thread and the same loop, in both slices
        assert thread.name == "milepost I/O"
        assert thread.daemon
        assert len(steps) == 3


def test_def_steps_run_on_the_workers_threads_at_the_same_time() -> None:
    app, together = App("pool"), threading.Barrier(3)

    def meet(n: int) -> str:
        together.wait(20)  # ends only if all three are here at once
        return threading.current_thread().name.rpartition("_")[0]

    @app.function()
    async def job(event: None, step: AsyncStep) -> list[str]:
        return await asyncio.gather(*(step.run(f"meet {n}", meet, n) for n in range(3)))

    with ThreadPoolExecutor(3, "lent") as threads, Box(app, threads=threads) as box:
        assert box.invoke(job, None).result == ["lent", "lent", "lent"]


@pytest.mark.parametrize("lent", [True, False], ids=["threads", "no threads"])
def test_steps_see_a_copy_of_their_callers_context(lent: bool) -> None:
    app = App("context")

    def look() -> str:
        seen = var.get()
        var.set("set by a step")
        return seen

    async def look_async() -> str:
        await asyncio.sleep(0)
        return look()

    @app.function()
    async def job(event: None, step: AsyncStep) -> list[str]:
        async def task(name: str) -> list[str]:
            var.set(name)
            return [
                await step.run("def", look),
                await step.run("async", look_async),
                *await step.map("map", partial(call, look), [1]),
                var.get(),
            ]

        return [*await task("body"), *await asyncio.create_task(task("task")), var.get()]

    def call(fn: Any, item: int) -> str:
        return str(fn())

    with ThreadPoolExecutor(2) as threads, Box(app, threads=threads if lent else None) as box:
        assert box.invoke(job, None).result == ["body"] * 4 + ["task"] * 4 + ["body"]


def test_what_a_turn_begins_goes_out_together() -> None:
    app, begun = App("together"), list[int]()

    async def first_look(n: int) -> int:
        begun.append(n)
        await asyncio.sleep(0)  # whatever came out together has begun by now
        return len(begun)

    @app.function()
    async def job(event: None, step: AsyncStep) -> list[int]:
        return await asyncio.gather(*(step.run(f"step {n}", first_look, n) for n in range(20)))

    with Box(app) as box:
        assert box.invoke(job, None).result == [20] * 20
        assert begun == list(range(20))


def test_a_def_may_make_a_coroutine() -> None:
    app = App("lambdas")

    async def fetch(n: int) -> int:
        await asyncio.sleep(0)
        return n

    @app.function()
    async def job(event: None, step: AsyncStep) -> list[Any]:
        return [
            await step.run("lambda", lambda: fetch(1)),
            await step.run("partial", partial(fetch, 2)),
            await step.wait_until("poll", poll, every=Backoff(timedelta(minutes=1)), timeout=HOUR),
        ]

    async def poll() -> str | None:
        return "polled"

    with Box(app) as box:
        run = box.invoke(job, None)
        assert run.result == [1, 2, "polled"], [s.error for s in run.steps]


def test_an_async_step_that_takes_too_long_is_cancelled() -> None:
    app, ended = App("too-long"), list[str]()

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    @app.function()
    async def job(event: None, step: AsyncStep) -> str:
        try:
            await step.options(timeout=timedelta(milliseconds=20), retry=Retry(retries=0)).run("hangs", hangs)
        except TimeoutError as error:
            return f"{isinstance(error, StepError)} {error}"
        return "ended"

    with Box(app) as box:
        assert box.invoke(job, None).result == "True step 'hangs' failed: TimeoutError: step 'hangs' took longer than 0.02 s"
        assert ended == ["cancelled"]


# ---- what libraries do in steps --------------------------------------------------------------------------------------


class Greeter(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections live on
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(str(self.client_address))
        self.send_response(200)
        body = f"hello {self.path}".encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quietly."""


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Greeter) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_client_made_once_serves_all_steps_of_all_slices(address: str) -> None:
    """Its connection is reused: it was made on the loop on which later steps run, too."""
    app, clients = App("client"), list[httpx.AsyncClient]()
    Greeter.seen.clear()

    async def get(path: str) -> str:
        if not clients:
            clients.append(httpx.AsyncClient(trust_env=False))
        return (await clients[0].get(address + path)).text

    async def close() -> None:
        await clients[0].aclose()

    @app.function()
    async def job(event: None, step: AsyncStep) -> list[str]:
        first = await step.run("first", get, "/1")
        await step.sleep("nap", HOUR)
        second = await step.run("second", get, "/2")
        await step.run("close", close)
        return [first, second]

    with Box(app) as box:
        run = box.invoke(job, None)
        box.advance(HOUR)
        assert run.result == ["hello /1", "hello /2"]
        assert len(Greeter.seen) == 2
        assert len({*Greeter.seen}) == 1


def test_anyio_and_threads_work_in_steps() -> None:
    app = App("anyio")

    async def with_anyio() -> list[str]:
        found: list[str] = []

        async def child(n: int) -> None:
            await anyio.lowlevel.checkpoint()
            found.append(await anyio.to_thread.run_sync(lambda: f"child {n}"))

        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                for n in range(3):
                    group.start_soon(child, n)
        return sorted(found)

    async def with_asyncio() -> str:
        loop = asyncio.get_running_loop()
        return f"{await asyncio.to_thread(lambda: 'a thread')} and {await loop.run_in_executor(None, lambda: 'an executor')}"

    @app.function()
    async def job(event: None, step: AsyncStep) -> list[Any]:
        return [await step.run("anyio", with_anyio), await step.run("asyncio", with_asyncio)]

    with Box(app) as box:
        assert box.invoke(job, None).result == [["child 0", "child 1", "child 2"], "a thread and an executor"]
