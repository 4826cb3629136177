"""The work that is timed: bodies whose steps do nothing, so that only milepost's own time is left."""

from collections.abc import Callable

from milepost import App, Event, Step

app = App("bench")


@app.event("bench/asked")
class Asked(Event):
    steps: int = 10


def noop(number: int) -> int:
    return number


@app.function(on=Asked)
def sequence(event: Asked, step: Step) -> int:
    for number in range(event.steps):
        step.run("step", noop, number)
    return event.steps


@app.function(name="fan")
def fan(event: Asked, step: Step) -> int:
    return sum(step.map("item", noop, range(event.steps)))


@app.function(name="branches")
def branches(event: Asked, step: Step) -> int:
    return len(step.parallel("branch", *(_branch(number) for number in range(event.steps))))


def _branch(number: int) -> Callable[[Step], int]:
    return lambda step: step.run("step", noop, number)
