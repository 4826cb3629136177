"""The functions that are run large, each as def and as async def. Every step counts itself."""

import asyncio
from itertools import count

from milepost import App, AsyncStep, Event, Step

app = App("large")


@app.event("large/asked")
class Asked(Event):
    number: int


executed = count()
"""Steps, and children, whose bodies were run; `next` of it is their number."""


def work(number: int) -> int:
    next(executed)
    return number


async def work_async(number: int) -> int:
    next(executed)
    return number


def kilobyte(number: int) -> str:
    next(executed)
    return f"{number:>1024}"


async def kilobyte_async(number: int) -> str:
    next(executed)
    return f"{number:>1024}"


# ---- in sequence -----------------------------------------------------------------------------------------------------


@app.function()
def sequence(event: Asked, step: Step) -> int:
    return sum(step.run("step", work, number) for number in range(event.number))


@app.function()
async def sequence_async(event: Asked, step: AsyncStep) -> int:
    total = 0
    for number in range(event.number):
        total += await step.run("step", work_async, number)
    return total


# ---- all at once -----------------------------------------------------------------------------------------------------


@app.function()
async def gathered(event: Asked, step: AsyncStep) -> int:
    return sum(await asyncio.gather(*(step.run(f"step {number}", work_async, number) for number in range(event.number))))


@app.function()
def joined(event: Asked, step: Step) -> int:
    return sum(map(int, step.map("item", kilobyte, range(event.number))))


@app.function()
async def joined_async(event: Asked, step: AsyncStep) -> int:
    return sum(map(int, await asyncio.gather(*(step.run(f"item {number}", kilobyte_async, number) for number in range(event.number)))))


# ---- children --------------------------------------------------------------------------------------------------------


@app.function()
def child(event: Asked, step: Step) -> int:
    return work(event.number)


@app.function()
async def child_async(event: Asked, step: AsyncStep) -> int:
    return work(event.number)


@app.function()
def children(event: Asked, step: Step) -> int:
    return sum(step.invoke_many("child", child, [Asked(number=number) for number in range(event.number)]))


@app.function()
async def children_async(event: Asked, step: AsyncStep) -> int:
    return sum(await asyncio.gather(*(step.invoke(f"child {number}", child_async, Asked(number=number)) for number in range(event.number))))
