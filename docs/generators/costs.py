"""What a run costs: small runs in the Sandbox, counted by its meter. The figures on the page are what was counted."""

from datetime import timedelta

from milepost import App, Backoff, Event, Function, Step
from milepost.testing import Sandbox

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

| a run with | items written | write units | reads |
|---|---|---|---|
"""


def pages() -> dict[str, str]:
    """The one page."""
    return {"costs.md": HEAD + "".join(_row(title, function) for title, function in RUNS)}


def _row(title: str, function: Function[int, object]) -> str:
    ATTEMPTS.clear()
    POLLS[:] = [True, False, False]
    with Sandbox(app) as box:
        if title == FIRST:
            box.send(Answered(number=1))
        run = box.invoke(function, 1)
        if title == LATER:
            box.send(Answered(number=1))
        box.advance(timedelta(days=30 if function is long_asleep else 1))
        if run.status != "completed":
            raise RuntimeError(f"the run of {title!r} is {run.status}: {run.error}")
        return f"| {title} | {box.meter.writes} | {box.meter.units} | {box.meter.reads} |\n"
