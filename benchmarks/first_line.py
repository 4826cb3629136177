"""The app of cold.py: the smallest that has a line of its own, which says when it was reached."""

import time

from milepost import App, Event, Step

app = App("first-line")


@app.event("bench/asked")
class Asked(Event):
    pass


def say() -> float:
    """The user's first line within a step."""
    print(time.time(), flush=True)
    return time.time()


@app.function(on=Asked)
def begin(_event: Asked, step: Step) -> None:
    """One step."""
    step.run("say", say)
