"""The GitHub example on moto: one real payload of each event, through the deployed app's own handlers, comes to what it does in memory."""

from datetime import timedelta
from typing import Any, Literal

from examples.github import ledger
from examples.github.app import app
from examples.github.payloads import deliveries, event_of
from examples.github.services import Services
from milepost import Run
from milepost.testing import Sandbox

FIRST = {type(event_of(delivery)): delivery for delivery in reversed(deliveries())}
"""By event, the first delivery of it."""


def told(run: Run[Any]) -> tuple[object, ...]:
    """A run and its history, but for the times: on AWS messages come on the second."""
    steps = [(step.path, step.kind, step.status, step.result, step.error, step.attempts) for step in run.steps]
    result = run.result if run.status == "completed" else None
    return run.id, run.function, run.status, result, run.error, sorted(steps, key=repr)


def played(backend: Literal["memory", "moto"]) -> tuple[list[tuple[object, ...]], list[tuple[str, str, bool]]]:
    """What the payloads come to: the runs, and what the APIs were asked for."""
    ledger.path().unlink(missing_ok=True)
    with Sandbox(app, backend=backend) as box:
        for delivery in FIRST.values():
            box.send(event_of(delivery), id=delivery.id)
        box.advance(timedelta(days=10))
        runs = sorted((told(run) for run in box.runs()), key=repr)
    return runs, sorted((line.key, line.call, line.is_refused) for line in ledger.lines())


def test_histories_and_calls_are_those_of_memory(services: Services) -> None:
    memory, moto = played("memory"), played("moto")
    assert len(memory[0]) > 10
    assert moto == memory
