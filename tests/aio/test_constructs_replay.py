"""What asyncio offers, in the body of a function: live and replayed, with the worker killed at every commit.

Each body is followed by a sleep of a day, after which all of it is replayed; what it sees is written down in every slice
(plays.py), and must be the same, in the same order.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import pytest

from milepost import AsyncStep, Retry, StepError
from tests.aio.plays import Body, play_everywhere

HOUR_S = 3600.0
HOUR = timedelta(hours=1)
NEVER = Retry(retries=0)
var: ContextVar[str] = ContextVar("var", default="unset")


def double(n: int) -> int:
    return 2 * n


async def treble(n: int) -> int:
    await asyncio.sleep(0)
    return 3 * n


def fails(n: int) -> int:
    raise ValueError(f"no {n}")


# ---- bodies ----------------------------------------------------------------------------------------------------------


async def gather(saw: list[object], step: AsyncStep) -> list[int]:
    async def one(n: int) -> int:
        a = await step.run("double", double, n)
        saw.append(("double", n, a))
        await asyncio.sleep((3 - n) * HOUR_S)
        saw.append(("slept", n))
        b = await step.run("treble", treble, n)
        saw.append(("treble", n, b))
        return a + b

    return list(await asyncio.gather(*(one(n) for n in range(4))))


async def gather_of_bare_steps(saw: list[object], step: AsyncStep) -> list[Any]:
    a, b, c, _ = await asyncio.gather(
        step.run("a", double, 1), step.run("b", treble, 1), step.options(retry=NEVER).run("c", double, 3), step.sleep("nap", HOUR)
    )
    saw.append((a, b, c))
    return [a, b, c]


async def gather_with_exceptions(saw: list[object], step: AsyncStep) -> list[str]:
    once = step.options(retry=NEVER)
    results: list[object] = list(
        await asyncio.gather(
            step.run("a", double, 1),
            once.run("b", fails, 2),
            asyncio.wait_for(step.sleep("long", 9 * HOUR), HOUR_S),
            return_exceptions=True,
        )
    )
    saw.extend(str(one) for one in results)
    return [type(one).__name__ for one in results]


async def task_group(saw: list[object], step: AsyncStep) -> list[int]:
    async def one(n: int) -> int:
        await asyncio.sleep((5 - n) * HOUR_S)
        value = await step.run("double", double, n)
        saw.append(value)
        return value

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(n), name=f"number {n}") for n in range(3)]
        tasks.append(group.create_task(step.run("by itself", treble, 7)))
    return [task.result() for task in tasks]


async def task_group_that_fails(saw: list[object], step: AsyncStep) -> list[str]:
    async def sleeper(n: int) -> None:
        try:
            await step.sleep("long", 10 * HOUR)
        except asyncio.CancelledError:
            saw.append(("cancelled", n))
            raise

    async def breaks() -> None:
        await asyncio.sleep(HOUR_S)
        await step.options(retry=NEVER).run("breaks", fails, 3)

    names: list[str] = []
    try:
        async with asyncio.TaskGroup() as group:
            for n in range(3):
                group.create_task(sleeper(n))
            group.create_task(breaks())
    except* ValueError as failed:
        saw.append([str(one) for one in failed.exceptions])
        names += [type(one).__name__ for one in failed.exceptions if isinstance(one, StepError)]
    return names


async def wait_first_completed(saw: list[object], step: AsyncStep) -> list[str]:
    async def one(n: int, after: float) -> str:
        if after:
            await asyncio.sleep(after)
        await step.run("work", double, n)
        return f"task {n}"

    pending = {asyncio.create_task(one(n, after)) for n, after in enumerate([3 * HOUR_S, 0, HOUR_S, 0, HOUR_S, 0])}
    order: list[str] = []
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        saw.append(sorted(task.result() for task in done))
        order += [task.result() for task in done]
    return order


async def wait_with_a_time_out(saw: list[object], step: AsyncStep) -> list[list[str]]:
    tasks = [asyncio.create_task(step.sleep(f"{hours} h", hours * HOUR), name=f"{hours} h") for hours in (1, 2, 4)]
    done, pending = await asyncio.wait(tasks, timeout=3 * HOUR_S)
    saw.append([task.get_name() for task in done])
    for task in pending:
        task.cancel()
    return [sorted(task.get_name() for task in some) for some in (done, pending)]


async def as_completed(saw: list[object], step: AsyncStep) -> list[int]:
    async def one(n: int) -> int:
        await asyncio.sleep(HOUR_S * (n % 3))
        return await step.run("double", double, n)

    tasks = [asyncio.create_task(one(n)) for n in range(6)]
    order: list[int] = []
    for next_one in asyncio.as_completed(tasks):
        order.append(await next_one)
        saw.append(order[-1])
    return order


async def queue(saw: list[object], step: AsyncStep) -> list[int]:
    jobs: asyncio.Queue[int] = asyncio.Queue(maxsize=2)
    got: list[int] = []

    async def producer(base: int) -> None:
        for n in range(3):
            await jobs.put(await step.run("make", double, base + n))
            await asyncio.sleep(HOUR_S / (base + 1))

    async def consumer(me: int) -> None:
        while True:
            job = await jobs.get()
            saw.append((me, job))
            got.append(await step.run("use", treble, job))
            jobs.task_done()

    consumers = [asyncio.create_task(consumer(me)) for me in range(2)]
    await asyncio.gather(producer(0), producer(10))
    await jobs.join()
    for task in consumers:
        task.cancel()
    await asyncio.gather(*consumers, return_exceptions=True)
    return sorted(got)


async def event(saw: list[object], step: AsyncStep) -> list[int]:
    ready = asyncio.Event()

    async def waiter(n: int) -> int:
        await ready.wait()
        saw.append(n)
        return await step.run("after", double, n)

    async def setter() -> int:
        await step.sleep("first", HOUR)
        ready.set()
        return 0

    return list(await asyncio.gather(waiter(1), waiter(2), setter(), waiter(3)))


async def lock(saw: list[object], step: AsyncStep) -> list[int]:
    mutex = asyncio.Lock()
    inside: list[int] = []

    async def one(n: int) -> int:
        async with mutex:
            inside.append(n)
            assert inside == [n]
            await step.run("in", double, n)
            await asyncio.sleep(HOUR_S)
            saw.append(n)
            inside.remove(n)
        return n

    return list(await asyncio.gather(*(one(n) for n in range(3))))


async def semaphore(saw: list[object], step: AsyncStep) -> int:
    two = asyncio.Semaphore(2)
    inside = most = 0

    async def one(n: int) -> None:
        nonlocal inside, most
        async with two:
            inside += 1
            most = max(most, inside)
            await step.run("in", double, n)
            await asyncio.sleep(HOUR_S * (1 + n % 2))
            saw.append(n)
            inside -= 1

    await asyncio.gather(*(one(n) for n in range(5)))
    return most


async def condition_and_barrier(saw: list[object], step: AsyncStep) -> list[int]:
    changed, barrier = asyncio.Condition(), asyncio.Barrier(3)
    stock = 0

    async def buyer(n: int) -> int:
        nonlocal stock
        async with changed:
            await changed.wait_for(lambda: stock >= n)
            stock -= n
        saw.append(("bought", n))
        await barrier.wait()
        saw.append(("together", n))
        return await step.run("bought", double, n)

    async def seller() -> None:
        nonlocal stock
        for n in range(3):
            await step.sleep(f"until delivery {n}", HOUR)
            async with changed:
                stock += 2
                changed.notify_all()

    a, b, c, _ = await asyncio.gather(buyer(3), buyer(1), buyer(2), seller())
    return [a, b, c]


async def async_generators(saw: list[object], step: AsyncStep) -> list[int]:
    async def numbers(upto: int) -> AsyncIterator[int]:
        try:
            for n in range(upto):
                yield await step.run("next", double, n)
                await asyncio.sleep(HOUR_S)
        except GeneratorExit:
            saw.append(f"numbers({upto}) closed")
            raise

    all_of_them = [n async for n in numbers(3)]
    saw.append(all_of_them)
    async for n in numbers(10):  # left in the middle: what is left is closed by the loop
        saw.append(n)
        if n >= 2:
            break
    await step.run("after", double, 1)
    return all_of_them


async def async_context_managers(saw: list[object], step: AsyncStep) -> list[str]:
    log: list[str] = []

    @asynccontextmanager
    async def reserved(what: str) -> AsyncGenerator[int]:
        number = await step.run(f"reserve {what}", double, len(what))
        try:
            yield number
        finally:
            log.append(f"{what} done")

    async with reserved("room") as room, reserved("car") as car:
        saw.append((room, car))
        await step.sleep("stay", HOUR)
    saw.extend(log)
    return log


async def contextvars(saw: list[object], step: AsyncStep) -> list[str]:
    async def one(n: int) -> str:
        token = var.set(f"task {n}")
        try:
            await step.sleep("nap", HOUR)
            in_step = await step.run("in a step", var.get)
            saw.append(in_step)
            return f"{var.get()} and {in_step}"
        finally:
            var.reset(token)

    var.set("body")
    found = await asyncio.gather(one(1), one(2))
    return [*found, var.get()]


async def timeouts(saw: list[object], step: AsyncStep) -> list[str]:
    found: list[str] = []

    async def within(name: str, limit: float, takes: timedelta) -> None:
        try:
            async with asyncio.timeout(limit):
                await step.sleep(name, takes)
                found.append(f"{name} in time")
        except TimeoutError:
            found.append(f"{name} too late")
        saw.append(found[-1])

    await asyncio.gather(within("short", 2 * HOUR_S, HOUR), within("long", 2 * HOUR_S, 3 * HOUR))
    await within("again", HOUR_S, 2 * HOUR)  # made right after a long sleep
    await within("and again", HOUR_S, timedelta(minutes=1))
    return found


async def wait_for(saw: list[object], step: AsyncStep) -> list[str]:
    async def long() -> str:
        await step.run("begun", double, 1)
        await asyncio.sleep(5 * HOUR_S)
        return "in time"

    found: list[str] = []
    for limit in (HOUR_S, 6 * HOUR_S):
        try:
            found.append(await asyncio.wait_for(long(), limit))
        except TimeoutError:
            found.append("too late")
        saw.append(found[-1])
    return found


async def shield_and_cancel(saw: list[object], step: AsyncStep) -> list[str]:
    async def important() -> str:
        await step.sleep("important", 2 * HOUR)
        saw.append("important done")
        return f"done {await step.run('important', treble, 1)}"

    inner = asyncio.create_task(important())
    try:
        await asyncio.wait_for(asyncio.shield(inner), HOUR_S)
    except TimeoutError:
        saw.append("too late for the outer one")
    return [await inner]


async def cancelled_tasks(saw: list[object], step: AsyncStep) -> list[str]:
    async def one(n: int) -> str:
        try:
            await step.sleep("long", 20 * HOUR)
        except asyncio.CancelledError:
            saw.append(("cancelled", n))
            return await step.run("clean up", lambda: f"cleaned {n}")
        return "slept"

    tasks = [asyncio.create_task(one(n)) for n in range(3)]
    await step.run("something else", double, 1)
    tasks[1].cancel()
    await asyncio.sleep(HOUR_S)
    tasks[0].cancel()
    tasks[2].cancel()
    return list(await asyncio.gather(*tasks))


async def groups_of_steps(saw: list[object], step: AsyncStep) -> list[Any]:
    async def half(own: AsyncStep) -> int:
        await own.sleep("nap", HOUR)
        return await own.run("double", double, 5)

    async def each(own: AsyncStep, n: int) -> int:
        await asyncio.sleep(n * HOUR_S)
        return await own.run("double", double, n)

    async def rivals(own: AsyncStep) -> int:
        await own.sleep("longer", 5 * HOUR)
        return 0

    mapped, both, eached, won = await asyncio.gather(
        step.map("map", treble, range(3)),
        step.parallel("both", half, lambda own: own.run("treble", treble, 5)),
        step.each("each", each, range(3)),
        step.race("race", rivals, half, rivals),
    )
    saw.append((mapped, both, eached, won.index, won.value))
    return [mapped, list(both), eached, won.index, won.value]


EXPECTED: dict[Body, object] = {
    gather: [0, 5, 10, 15],
    gather_of_bare_steps: [2, 3, 6],
    gather_with_exceptions: ["int", "ValueError", "TimeoutError"],
    task_group: [0, 2, 4, 21],
    task_group_that_fails: ["ValueError"],
    wait_first_completed: [f"task {n}" for n in (1, 3, 5, 2, 4, 0)],
    wait_with_a_time_out: [["1 h", "2 h"], ["4 h"]],
    as_completed: [0, 6, 2, 8, 4, 10],
    queue: [0, 6, 12, 60, 66, 72],
    event: [2, 4, 0, 6],
    lock: [0, 1, 2],
    semaphore: 2,
    condition_and_barrier: [6, 2, 4],
    async_generators: [0, 2, 4],
    async_context_managers: ["car done", "room done"],
    contextvars: ["task 1 and task 1", "task 2 and task 2", "body"],
    timeouts: ["short in time", "long too late", "again too late", "and again in time"],
    wait_for: ["too late", "in time"],
    shield_and_cancel: ["done 3"],
    cancelled_tasks: ["cleaned 0", "cleaned 1", "cleaned 2"],
    groups_of_steps: [[0, 3, 6], [10, 15], [0, 2, 4], 1, 10],
}


@pytest.mark.parametrize("body", EXPECTED, ids=lambda body: body.__name__)
def test_it_is_replayed_as_it_was_wherever_the_worker_dies(body: Body) -> None:
    for played in play_everywhere(body):
        assert played.result == EXPECTED[body]
        assert played.lines.lines == []
