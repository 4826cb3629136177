"""The work that is timed: bodies whose steps do nothing, so that only the engine's own time is left. Each as def and as
async def, where both make sense.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

from benchmarks.sides.protocol import note
from milepost import App, AsyncStep, Event, Step

app = App("bench")

LONG = timedelta(days=1)


@app.event("bench/asked")
class Asked(Event):
    steps: int = 10


@app.event("bench/asked-async")
class AskedAsync(Event):
    """Starts the async function where Asked starts the def one."""

    steps: int = 10


@app.event("bench/nap")
class Nap(Event):
    ms: int


@app.event("bench/interrupted")
class Interrupt(Event):
    ledger: str


def noop(number: int) -> int:
    return number


async def noop_async(number: int) -> int:
    return number


def kilobyte(number: int) -> str:
    return f"{number:>1024}"


async def kilobyte_async(number: int) -> str:
    return f"{number:>1024}"


# ---- in sequence -----------------------------------------------------------------------------------------------------


@app.function(on=Asked)
def sequence(event: Asked, step: Step) -> int:
    for number in range(event.steps):
        step.run("step", noop, number)
    return event.steps


@app.function(on=AskedAsync)
async def sequence_async(event: AskedAsync, step: AsyncStep) -> int:
    for number in range(event.steps):
        await step.run("step", noop_async, number)
    return event.steps


# ---- in parallel -----------------------------------------------------------------------------------------------------


@app.function()
def mapped(event: Asked, step: Step) -> int:
    return sum(step.map("item", noop, range(event.steps)))


@app.function()
def branches(event: Asked, step: Step) -> int:
    return len(step.parallel("branch", *(_branch(number) for number in range(event.steps))))


def _branch(number: int) -> Callable[[Step], int]:
    return lambda step: step.run("step", noop, number)


@app.function()
async def gathered(event: Asked, step: AsyncStep) -> int:
    return sum(await asyncio.gather(*(step.run(f"step {number}", noop_async, number) for number in range(event.steps))))


@app.function()
def joined(event: Asked, step: Step) -> int:
    return sum(map(len, step.map("item", kilobyte, range(event.steps))))


@app.function()
async def joined_async(event: Asked, step: AsyncStep) -> int:
    return sum(map(len, await asyncio.gather(*(step.run(f"item {number}", kilobyte_async, number) for number in range(event.steps)))))


@app.function()
def child(event: Asked, step: Step) -> int:  # noqa: ARG001 - what is timed is that it runs at all
    return event.steps


@app.function()
def children(event: Asked, step: Step) -> int:
    return sum(step.invoke_many("child", child, [Asked(steps=1)] * event.steps))


# ---- time and crashes ------------------------------------------------------------------------------------------------


@app.function()
def nap(event: Nap, step: Step) -> float:
    step.sleep("nap", timedelta(milliseconds=event.ms))
    return step.run("woken", time.time)


@app.function()
async def nap_async(event: Nap, step: AsyncStep) -> float:
    await step.sleep("nap", timedelta(milliseconds=event.ms))
    return await step.run("woken", time.time)


@app.function()
def interrupted(event: Interrupt, step: Step) -> int:
    for number in range(10):
        step.run("step", note, event.ledger, number)
    return 10


# ---- replay: the same history again after each of five long sleeps ---------------------------------------------------


@app.function()
def replayed(event: Asked, step: Step) -> int:
    for number in range(event.steps):
        step.run("step", noop, number)
    for _ in range(5):
        step.sleep("long", LONG)
    return event.steps


@app.function()
async def replayed_async(event: Asked, step: AsyncStep) -> int:
    for number in range(event.steps):
        await step.run("step", noop_async, number)
    for _ in range(5):
        await step.sleep("long", LONG)
    return event.steps


@app.function()
async def replayed_gathered(event: Asked, step: AsyncStep) -> int:
    await asyncio.gather(*(step.run(f"step {number}", noop_async, number) for number in range(event.steps)))
    for _ in range(5):
        await step.sleep("long", LONG)
    return event.steps
