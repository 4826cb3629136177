"""The audit that the demo and the kill -9 test rely on: each thing that can be wrong, planted, and found."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from examples.github import ledger
from examples.github.app import app
from examples.github.audit import Audit, Crash, audit, recorded_calls
from examples.github.ledger import Line
from examples.github.payloads import Delivery, deliveries, event_of
from examples.github.state import History
from milepost import RunStatus
from milepost.testing import Sandbox

SENT = [delivery for delivery in deliveries() if delivery.id in ("issues-16", "push-1", "deployment-2", "fork-1")]


class World:
    """What a small faultless run of the example left behind, to be spoilt."""

    def __init__(self) -> None:
        with Sandbox(app) as box:
            for delivery in SENT:
                box.send(event_of(delivery), id=delivery.id)
            box.advance(timedelta(days=7))
            self.history: list[History] = [History(run=run.view, steps=run.steps) for run in box.runs()]
        self.lines: list[Line] = ledger.lines()
        self.sent: Sequence[Delivery] = SENT
        self.accepted = [delivery.id for delivery in SENT]
        self.crashes: list[Crash] = []

    def audit(self) -> Audit:
        return audit(sent=self.sent, accepted=self.accepted, history=self.history, lines=self.lines, crashes=self.crashes)

    def line(self, step: str) -> Line:
        [line] = [line for line in self.lines if line.key.endswith(f"/{step}")]
        return line


@pytest.fixture
def world() -> World:
    return World()


def test_nothing_is_wrong_with_a_faultless_world(world: World) -> None:
    found = world.audit()
    assert found.problems == []
    assert found.interrupted == []
    assert found.refused == 1
    assert found.runs["deploy", RunStatus.FAILED] == 1
    assert found.runs["deploy.undo", RunStatus.COMPLETED] == 1


def test_a_lost_event_is_found(world: World) -> None:
    world.accepted.remove("fork-1")
    assert world.audit().problems == ["event fork-1 was lost"]


def test_an_event_accepted_twice_is_found(world: World) -> None:
    world.accepted.append("fork-1")
    assert world.audit().problems == ["event fork-1 was accepted 2 times"]


def test_an_event_that_started_nothing_or_twice_is_found(world: World) -> None:
    [triage] = [one for one in world.history if one.run.function == "triage_issue"]
    world.history.append(triage)
    assert "event issues-16 started triage_issue 2 times" in world.audit().problems
    world.history = [one for one in world.history if one is not triage]
    assert "event issues-16 started triage_issue 0 times" in world.audit().problems


def test_a_run_that_no_event_asked_for_is_found(world: World) -> None:
    [triage] = [one for one in world.history if one.run.function == "triage_issue"]
    world.history.append(replace(triage, run=replace(triage.run, event_id="fork-1")))
    assert "triage_issue was started by fork-1, which is not for it" in world.audit().problems


def test_a_run_that_has_not_ended_is_found(world: World) -> None:
    index, triage = next((index, one) for index, one in enumerate(world.history) if one.run.function == "triage_issue")
    world.history[index] = replace(triage, run=replace(triage.run, status=RunStatus.WAITING))
    assert world.audit().problems == [f"run {triage.run.id} of triage_issue is waiting: no error"]


def test_a_missing_child_and_a_missing_compensation_are_found(world: World) -> None:
    world.history = [one for one in world.history if one.run.function not in ("scan_commit", "deploy.undo")]
    problems = world.audit().problems
    assert "1 runs of run_pipeline led to 0 runs of scan_commit" in problems
    assert "1 deployments failed, but 0 runs of deploy.undo completed" in problems


def test_a_step_executed_twice_without_a_kill_is_found(world: World) -> None:
    line = world.line("thank")
    world.lines.append(line)
    assert world.audit().problems == [f"{line.key} was executed 2 times, with 0 interrupted"]


def test_a_recorded_step_executed_after_a_kill_is_found(world: World) -> None:
    line = world.line("thank")
    world.crashes = [Crash(lines=len(world.lines), recorded=frozenset(recorded_calls(world.history)))]
    world.lines.append(line)
    found = world.audit()
    assert found.repeated == [line.key]
    assert f"{line.key} was executed again although it was recorded" in found.problems


def test_a_step_that_a_kill_interrupted_is_made_again_once(world: World) -> None:
    line = world.line("thank")
    recorded = frozenset(recorded_calls(world.history)) - {line.key}
    world.crashes = [Crash(lines=len(world.lines), recorded=recorded)]
    assert world.audit().problems == [f"{line.key} was executed 1 times, with 1 interrupted"]
    world.lines.append(line)
    assert world.audit().problems == []
    assert world.audit().interrupted == [line.key]
    world.lines.append(line)
    assert world.audit().problems == [f"{line.key} was executed 3 times, with 1 interrupted"]


def test_a_call_without_a_record_and_a_record_without_a_call_are_found(world: World) -> None:
    line = world.line("thank")
    world.lines.remove(line)
    assert world.audit().problems == [f"{line.key} is recorded, and was never executed"]
    world.lines += [line, msgspec.structs.replace(line, key="somebody/else")]
    assert world.audit().problems == ["somebody/else was executed, and no step says so"]
