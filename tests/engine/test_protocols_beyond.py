"""Interleavings and accidents that the models of docs/design/protocols.md do not have, played by hand."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from milepost import App, Failure, Step
from milepost.engine import keys
from milepost.engine.deliver import Ack
from milepost.engine.messages import Cancel, EventMessage, Poke, Start
from milepost.engine.ports import Entry
from milepost.runs import RunStatus
from tests.engine.shop import DAY, HOUR_MS, Shop, placed
from tests.engine.stage import SECOND, Stage, again, commits


def test_a_body_that_failed_is_not_tried_again_before_its_time(stage: Stage, shop: Shop) -> None:
    """Word that comes while the failure is committed does not bring the next attempt forward."""

    @shop.app.function(on=shop.Placed)
    def order(event: object, step: Step) -> str:
        shop.do(f"attempt {step.attempt}")
        if len(shop.did) < 2:
            raise ValueError("not yet")
        return "done"

    run = placed(stage, shop)
    start = stage.one(EventMessage)
    bumped = stage.overtaken(commits("waiting"), lambda: stage.deliver(stage.message(Poke(run=run), id="poke")))
    assert stage.deliver(start, bumped) == Ack()
    assert shop.did == ["attempt 1"]
    assert stage.header(run).status is RunStatus.WAITING
    stage.pass_time(30 * SECOND)
    stage.run_until_idle()
    assert shop.did == ["attempt 1", "attempt 2"]
    assert stage.run(run).result == "done"


def test_another_event_of_the_same_id_does_not_change_what_a_run_was_started_with(stage: Stage, shop: Shop) -> None:
    """Duplicates are judged by id: the second event starts nothing, and touches nothing."""

    @shop.app.function(on=shop.Placed)
    def order(event: Any, step: Step) -> str:
        step.sleep("nap", timedelta(hours=1))
        return str(event.note[0])

    run = placed(stage, shop, "x" * 5_000)
    stage.run_until_idle()
    stage.send(shop.Placed(order_id="o-1", note="y" * 5_000), id="placed")
    stage.run_until_idle()
    stage.pass_time(HOUR_MS)
    stage.run_until_idle()
    assert stage.run(run).result == "x"


def test_the_event_that_was_put_away_first_is_the_one_that_runs(stage: Stage, shop: Shop) -> None:
    """Two events of one id, the deliverer of the first dead between the event's row and the header."""

    @shop.app.function(on=shop.Placed)
    def order(event: Any, step: Step) -> str:
        first = step.run("first", lambda: str(event.note[0]))
        step.sleep("nap", timedelta(hours=1))
        return first + str(event.note[0])

    run = placed(stage, shop, "x" * 5_000)
    assert stage.crash(stage.one(EventMessage), after=1)
    stage.hand.clear()
    stage.send(shop.Placed(order_id="o-1", note="y" * 5_000), id="placed")
    stage.run_until_idle()
    stage.pass_time(HOUR_MS)
    stage.run_until_idle()
    assert stage.run(run).result == "xx"


@pytest.mark.parametrize("judged", [[True, False], [False, True], [True, True]])
def test_pending_waits_each_get_the_event_whoever_judges_it(stage: Stage, shop: Shop, judged: list[bool]) -> None:
    @shop.app.function(on=shop.Placed, waits_for=[shop.Approved])
    def order(event: object, step: Step) -> list[str]:
        def branch(index: int) -> Callable[[Step], Any]:
            where: Callable[[Any], bool] | None = (lambda event: event.by != "nobody") if judged[index] else None
            return lambda s: s.wait_for_event("approval", shop.Approved, order_id="o-1", timeout=DAY, where=where)

        found: tuple[Any, Any] = step.parallel("both", branch(0), branch(1))
        return ["none" if one is None else one.by for one in found]

    run = placed(stage, shop)
    stage.run_until_idle()
    stage.send(shop.Approved(order_id="o-1"))
    stage.run_until_idle()
    stage.pass_time(25 * HOUR_MS)
    stage.run_until_idle()
    assert stage.run(run).result == ["ada", "ada"]


def test_a_judged_wait_ignores_what_the_run_had_consumed_before_it(stage: Stage, shop: Shop) -> None:
    @shop.app.function(on=shop.Placed, waits_for=[shop.Approved])
    def order(event: object, step: Step) -> list[str]:
        found = [
            step.wait_for_event("approval", shop.Approved, order_id="o-1", timeout=DAY, where=lambda event: event.by != "nobody")
            for _ in range(2)
        ]
        return ["none" if one is None else one.by for one in found]

    run = placed(stage, shop)
    stage.run_until_idle()
    for by in ("ada", "nobody", "bob"):
        stage.send(shop.Approved(order_id="o-1", by=by))
        stage.run_until_idle()
    assert stage.run(run).result == ["ada", "bob"]


def test_an_event_that_does_not_fit_its_type_leaves_those_who_wait_alone(stage: Stage, shop: Shop) -> None:
    """It was put by somebody who does not know the type: it is recorded as skipped, and the wait goes on."""
    shop.waits()
    run = placed(stage, shop)
    stage.run_until_idle()
    stage.ports.bus.publish([Entry(name="shop/order.approved", source="x", detail='{"order_id": "o-1", "by": 7}', id="misfit")])
    stage.run_until_idle()
    assert stage.run(run).status == "waiting"
    stage.send(shop.Approved(order_id="o-1", by="bob"))
    stage.run_until_idle()
    assert stage.run(run).result == "bob"


def test_a_function_that_is_not_deployed_any_more_pauses_its_runs_until_it_is(stage: Stage, shop: Shop) -> None:
    shop.sleeps()
    run = placed(stage, shop)
    stage.run_until_idle()
    without = stage.new_worker(app=App("shop"), version="2")
    stage.pass_time(HOUR_MS)
    stage.run_until_idle(without)
    header = stage.header(run)
    assert header.status is RunStatus.PAUSED
    assert "'order' is not deployed" in str(header.reason)
    assert stage.sweep(without).resumed == 0
    assert stage.sweep().resumed == 1
    stage.run_until_idle()
    assert stage.run(run).result == "b"
    assert shop.did == ["a", "b"]


def test_a_run_of_a_function_that_is_not_deployed_is_born_paused(stage: Stage, shop: Shop) -> None:
    shop.two_steps()
    run = placed(stage, shop)
    without = stage.new_worker(app=App("shop"), version="2")
    stage.run_until_idle(without)
    assert stage.header(run).status is RunStatus.PAUSED
    assert stage.sweep().resumed == 1
    stage.run_until_idle()
    assert stage.run(run).result == "ab"


def test_on_cancel_of_a_child_cancelled_before_its_birth_is_told_its_own_event(stage: Stage, shop: Shop) -> None:
    told: list[object] = []

    def note(event: object, step: Step, failure: Failure) -> None:
        told.append(event)

    @shop.app.function(on_cancel=note)
    def child(event: str, step: Step) -> str:
        return event

    @shop.app.function(on=shop.Placed)
    def order(event: object, step: Step) -> str:
        return step.invoke("child", child, "its data")

    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage))
    start = stage.one(Start)
    stage.hand.remove(start)
    stage.client.cancel(run)
    stage.run_until_idle()
    stage.deliver(start)
    stage.run_until_idle()
    assert told == ["its data"]


def test_a_rerun_is_not_cancelled_by_the_event_that_cancelled_the_original(stage: Stage, shop: Shop) -> None:
    shop.cancellable()
    run = placed(stage, shop)
    stage.run_until_idle()
    stage.send(shop.Cancelled(order_id="o-1"))
    stage.run_until_idle()
    assert stage.header(run).status is RunStatus.CANCELLED
    stage.pass_time(SECOND)
    again_run = stage.client.rerun(run)
    stage.run_until_idle()
    assert again_run.status == "waiting"
    stage.send(shop.Cancelled(order_id="o-1"))
    stage.run_until_idle()
    assert again_run.status == "cancelled"


def test_a_rerun_of_a_rerun_copies_only_what_came_before_the_step(stage: Stage, shop: Shop) -> None:
    """Two slices within one millisecond: the order of steps is kept by the copies."""

    @shop.app.function(on=shop.Placed, waits_for=[shop.Approved])
    def order(event: object, step: Step) -> str:
        step.run("a", shop.do, "a")
        step.wait_for_event("approval", shop.Approved, order_id="o-1", timeout=DAY)
        step.run("b", shop.do, "b")
        step.run("c", shop.do, "c")
        return "end"

    run = placed(stage, shop)
    stage.run_until_idle()
    stage.send(shop.Approved(order_id="o-1"))
    stage.run_until_idle()
    second = stage.client.rerun(run, from_step="c")
    stage.run_until_idle()
    assert shop.did == ["a", "b", "c", "c"]
    assert [step.name for step in second.steps] == ["a", "approval", "b", "c"]
    third = stage.client.rerun(second.id, from_step="approval")
    stage.run_until_idle()
    assert third.status == "completed"
    assert [step.name for step in third.steps] == ["a", "approval", "b", "c"]
    assert shop.did == ["a", "b", "c", "c", "b", "c"]


@pytest.mark.parametrize("after", range(1, 8))
def test_a_cancel_that_dies_before_it_has_settled_settles_when_it_comes_again(shop: Shop, stage: Stage, after: int) -> None:
    shop.parent_and_child()
    run = placed(stage, shop)
    stage.run_until_idle()
    child = keys.child_id(run, "child")
    cancel = stage.message(Cancel(run=child, function="child", reason="enough"), id="cancel")
    if stage.crash(cancel, after):
        assert stage.header(child).status is RunStatus.CANCELLED
        stage.deliver(again(cancel))
    stage.run_until_idle()
    assert stage.header(child).settled_at is not None
    assert "was cancelled: enough" in stage.run(run).result
