"""What a run costs: small runs in the Sandbox, counted by its meter. The figures on the page are what was counted."""

from datetime import timedelta
from typing import Literal

from milepost import App, Backoff, Event, Step
from milepost.costing.bill import INVOCATION_MS, MEMORY_MB, REQUEST_MS, Bill, lines_of, total_of
from milepost.costing.playing import play
from milepost.costing.prices import PRICES, REGION
from milepost.testing import Sandbox, Usage

app = App("costs")


@app.event("costs/started", keys=("number",))
class Started(Event):
    number: int


@app.event("costs/answered", keys=("number",))
class Answered(Event):
    number: int


def same(value: int) -> int:
    return value


def shaky() -> int:
    ATTEMPTS.append(1)
    if len(ATTEMPTS) == 1:
        raise ConnectionError("not yet")
    return 1


@app.function()
def nothing(event: int, _step: Step) -> int:
    return event


@app.function()
def ten_steps(event: int, step: Step) -> int:
    return sum(step.run("step", same, event) for _ in range(10))


@app.function()
def once(event: int, step: Step) -> int:
    return step.options(once=True).run("step", same, event)


@app.function()
def retried(_event: int, step: Step) -> int:
    return step.run("step", shaky)


@app.function()
def asleep(_event: int, step: Step) -> None:
    step.sleep("day", timedelta(days=1))


@app.function()
def long_asleep(_event: int, step: Step) -> None:
    step.sleep("month", timedelta(days=30))


@app.function(waits_for=[Answered])
def waiting(event: int, step: Step) -> int:
    answer = step.wait_for_event("answer", Answered, number=event, timeout=timedelta(days=1))
    return 0 if answer is None else answer.number


@app.function()
def polling(_event: int, step: Step) -> bool:
    return step.wait_until("ready", POLLS.pop, every=Backoff(timedelta(minutes=1)), timeout=timedelta(days=1))


@app.function()
def mapping(_event: int, step: Step) -> int:
    return sum(step.map("item", same, range(10)))


@app.function()
def branching(event: int, step: Step) -> int:
    return sum(step.parallel("both", lambda a: a.run("step", same, event), lambda b: b.run("step", same, event)))


@app.function()
def sending(_event: int, step: Step) -> list[str]:
    return step.send_event("tell", Answered(number=99))


@app.function()
def parent(event: int, step: Step) -> int:
    return step.invoke("child", nothing, event)


ATTEMPTS: list[int] = []
POLLS: list[bool] = []

RUNS = (
    ("no step at all", nothing),
    ("10 steps", ten_steps),
    ("1 step with `once=True`", once),
    ("1 step that succeeds at its second attempt, 15 s later", retried),
    ("1 sleep of a day", asleep),
    ("1 sleep of 30 days", long_asleep),
    (FIRST := "1 wait, the event came first", waiting),
    (LATER := "1 wait, the event comes later", waiting),
    ("1 wait that times out", waiting),
    ("1 `wait_until` that is true at its third poll", polling),
    ("1 `map` over 10 items", mapping),
    ("1 `parallel` of 2 branches with 1 step each", branching),
    ("1 `send_event`", sending),
    ("1 `invoke`, the child run included", parent),
)

HEAD = """\
# What a run costs

<!-- Written by `make docs` from what the Sandbox's meter counted; do not edit. -->

Counted by [`Sandbox.meter`](testing.md#meter) over the whole life of one run without faults, with small values. An item is a
row that is put, changed or deleted; a write unit is 1 KB of it, and each index entry that changes is another; a read is a get or
a query. Waits and awaited events count on both sides: what the run writes, and what the event writes. A larger value costs a
unit for each further KB. A suspended run costs nothing while it waits, but for a look every seven days: compare the two sleeps.
Invocations are those of the worker: one for each message. A sandbox in memory and one on moto count the same.

| a run with | items written | write units | reads | invocations | a million runs |
|---|---|---|---|---|---|
"""

BILL = """
## The bill

`milepost cost MODULE:APP` makes the bill of your own functions: see [the command line](cli.md#milepost-cost). It plays a scenario in a
Sandbox, meters it, and multiplies by a price table. This is the bill of a million runs that are started by an event, do ten steps
whose records are of 1 KB, and sleep a day; with a sleep of at most 15 minutes, which needs no schedule, it is {short}.
`milepost cost docs.generators.costs:app --scenario docs.generators.costs:ten_steps_and_a_sleep` prints it.

| service | what | of one run | a million cost | a million runs |
|---|---|---|---|---|
{lines}
| **Milepost** | | | | **{total}** |
{rivals}

List prices of {region}, read {date}, without free tiers. The engine alone is billed: what your steps do, and how long they take,
costs what it costs everywhere. Assumed: {invocation:g} ms for an invocation beside its requests, {request:g} ms for each request to
the table, and a worker of {memory} MB. Of the others only the orchestration is counted: Step Functions each execution of a state, retries
included; Lambda durable functions each execution, step and wait. Their compute, and the data that they bill for, come on top. A
record that is a little over 1 KB takes two write units: ten results of 1,024 characters each, beside their keys and times, cost {larger}.
What a deployment costs while nothing runs, such as alarms and the polling of its queues, is not part of it.
"""

KILOBYTE = 800
"""Characters of a result whose record is just below 1 KB, with its keys and times."""


@app.event("costs/wanted")
class Wanted(Event):
    nap: timedelta
    size: int


def text(length: int) -> str:
    return "x" * length


@app.function(on=Wanted)
def ten_kilobytes(event: Wanted, step: Step) -> None:
    for number in range(10):
        step.run(f"step {number}", text, event.size)
        if number == 4:
            step.sleep("a while", event.nap)


def pages() -> dict[str, str]:
    """The one page."""
    return {"costs.md": HEAD + "".join(_row(title) for title, _ in RUNS) + _bill()}


def usage_of(title: str, *, backend: Literal["memory", "moto"] = "memory") -> Usage:
    """What one of the runs uses. Raises RuntimeError when it does not complete."""
    function = dict(RUNS)[title]
    ATTEMPTS.clear()
    POLLS[:] = [True, False, False]
    with Sandbox(app, backend=backend) as box:
        if title == FIRST:
            box.send(Answered(number=1))
        run = box.invoke(function, 1)
        if title == LATER:
            box.send(Answered(number=1))
        box.advance(timedelta(days=30 if function is long_asleep else 1))
        if run.status != "completed":
            raise RuntimeError(f"the run of {title!r} is {run.status}: {run.error}")
        return box.meter.usage


def _row(title: str) -> str:
    usage = usage_of(title)
    dollars = total_of(lines_of(usage, PRICES[REGION]))
    return f"| {title} | {usage.writes} | {usage.units} | {usage.reads} | {usage.invocations} | ${dollars:.2f} |\n"


def ten_steps_and_a_sleep(box: Sandbox) -> None:
    """The scenario of the bill: ten steps of a kilobyte and a sleep of a day."""
    _ten_steps(box, timedelta(days=1), KILOBYTE)


def _ten_steps(box: Sandbox, nap: timedelta, size: int) -> None:
    box.send(Wanted(nap=nap, size=size))
    box.advance(nap)


def bill_of(nap: timedelta, size: int = KILOBYTE) -> Bill:
    """Ten steps and a sleep."""
    return play(app, lambda box: _ten_steps(box, nap, size), "ten steps and a sleep")


def _bill() -> str:
    bill = bill_of(timedelta(days=1))
    lines = [f"| {one.service} | {one.what} | {one.count:g} | ${one.price:g} | ${one.dollars:.2f} |" for one in bill.lines]
    rivals = [f"| {one.service} | {one.what} | {one.count} | ${one.price:g} | ${one.dollars:.2f} |" for one in bill.rivals]
    return BILL.format(
        lines="\n".join(lines),
        total=f"${bill.dollars:.2f}",
        rivals="\n".join(rivals),
        region=bill.region,
        date=bill.prices_of,
        invocation=INVOCATION_MS,
        request=REQUEST_MS,
        memory=MEMORY_MB,
        short=f"${bill_of(timedelta(minutes=10)).dollars:.2f}",
        larger=f"${bill_of(timedelta(days=1), 1_024).dollars:.2f}",
    )
