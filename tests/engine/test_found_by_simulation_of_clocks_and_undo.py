"""What the simulator found where clocks differ, and in undo runs, each played by hand: what went wrong, what holds now."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from milepost import AsyncStep, Retry, RunStatus, Step
from milepost.engine import keys
from milepost.engine.deliver import Ack
from milepost.engine.messages import EventMessage, Poke, TimerDue
from tests.engine.shop import DAY, HOUR_MS, Shop, is_signal, placed, starts_order
from tests.engine.stage import SECOND, T0, Stage

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


# ---- clocks ----------------------------------------------------------------------------------------------------------


def test_a_poke_by_a_slow_clock_is_not_obsolete_to_a_run_that_a_fast_one_drove(shop: Shop, stage: Stage) -> None:
    """Each clock may be off by 5 s, so two of them differ by 10 s: what happened a second later seemed to be 9 s older."""
    shop.waits()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage, starts_order), stage.new_worker(ahead_ms=5 * SECOND))
    stage.pass_time(SECOND)
    stage.send(shop.Approved(order_id="o-1"))
    stage.deliver(stage.one(EventMessage, is_signal), stage.new_worker(ahead_ms=-5 * SECOND))
    assert stage.deliver(stage.one(Poke)) == Ack()
    assert stage.run(run).result == "ada"


@pytest.mark.parametrize("what", ["nap", "approval", "ask", "child", "try"])
def test_a_delay_that_begins_on_a_slow_clock_is_not_over_at_once(shop: Shop, stage: Stage, what: str) -> None:
    """A fast clock had judged that it was nine o'clock; on a slow one it was ten seconds before that when a delay of five seconds
    began, which was due by nine, and over. It counts from where the run is.
    """

    @shop.app.function()
    def child(event: str, step: Step) -> None:
        step.sleep("long", DAY)

    def fails() -> None:
        raise ConnectionError("again, please")

    five_seconds = timedelta(seconds=5)

    @shop.app.function(on=shop.Placed, waits_for=[shop.Approved, shop.Cancelled], retry=Retry(retries=1, delays=(five_seconds,)))
    def order(event: object, step: Step) -> None:
        step.parallel(
            "both",
            lambda s: s.sleep("until nine", HOUR),
            lambda s: s.wait_for_event("go", shop.Approved, order_id="go", timeout=DAY),
        )
        match what:
            case "nap":
                step.sleep(what, five_seconds)
            case "approval":
                step.wait_for_event(what, shop.Approved, order_id="o-1", timeout=five_seconds)
            case "ask":
                step.wait_for_callback(what, lambda token: None, timeout=five_seconds)
            case "child":
                step.invoke(what, child, "x", timeout=five_seconds)
            case _:
                step.run(what, fails)

    nine = T0 + HOUR_MS
    run = placed(stage, shop)
    stage.run_until_idle()
    stage.pass_time(HOUR_MS - 5 * SECOND)
    assert stage.deliver(stage.message(TimerDue(run=run, due_at=nine)), stage.new_worker(ahead_ms=5 * SECOND)) == Ack()
    assert stage.header(run).now == nine
    stage.send(shop.Approved(order_id="go"))
    slow = stage.new_worker(ahead_ms=-5 * SECOND)
    stage.deliver(stage.one(EventMessage, is_signal), slow)
    assert stage.deliver(stage.one(Poke), slow) == Ack()
    assert stage.run(run).status == "waiting"
    record = stage.record(run, what)
    assert record is not None
    assert record.status == "pending"
    jitter = SECOND if what == "try" else 0  # of retries: a fifth at most
    assert abs((record.due_at or 0) - nine - 5 * SECOND) <= jitter


# ---- undo runs -------------------------------------------------------------------------------------------------------


def test_an_undo_run_that_no_longer_comes_to_what_is_done_is_paused(shop: Shop) -> None:
    """New code has a step before the one that is to be undone, at which the replay of the old run stops: the undo run ended well,
    and had undone nothing.
    """
    newer, patched = Shop(), Shop()

    def deployed(to: Shop, first: Callable[[Step], object]) -> None:
        @to.app.function(on=to.Placed)
        def order(event: object, step: Step) -> None:
            first(step)
            step.options(compensate=lambda: shop.do("pay back")).run("pay", shop.do, "pay")
            step.sleep("long", DAY)

    deployed(shop, lambda step: None)
    deployed(newer, lambda step: step.run("check", shop.do, "check"))
    deployed(patched, lambda step: step.patched("checks") and step.run("check", shop.do, "check"))
    with Stage(shop.app) as stage:
        run = placed(stage, shop)
        stage.run_until_idle()
        stage.client.cancel(run)
        undo = keys.handler_id(run, "undo")
        stage.run_until_idle(stage.new_worker(app=newer.app, version="newer"))
        assert stage.header(undo).status is RunStatus.PAUSED
        assert "'pay'" in (stage.header(undo).reason or "")
        assert shop.did == ["pay"]
        assert stage.client.resume(undo)
        stage.run_until_idle(stage.new_worker(app=patched.app, version="patched"))
        assert stage.header(undo).status is RunStatus.COMPLETED
        assert shop.did == ["pay", "pay back"]


def test_what_an_async_body_has_done_and_not_come_to_see_is_undone(shop: Shop, stage: Stage) -> None:
    """Two steps ended together, and were recorded together; the body was told of the failure first, and let go of the other."""

    def fails() -> None:
        raise ValueError("after all")

    @shop.app.function(on=shop.Placed, retries=0)
    async def order(event: object, step: AsyncStep) -> None:
        careful = step.options(compensate=lambda: shop.do("pay back"))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(step.run("fails", fails))
            tasks.create_task(careful.run("pay", shop.do, "pay"))

    run = placed(stage, shop)
    stage.run_until_idle()
    assert stage.header(run).status is RunStatus.FAILED
    record = stage.record(run, "pay")
    assert record is not None
    assert record.status == "completed"
    assert stage.header(keys.handler_id(run, "undo")).status is RunStatus.COMPLETED
    assert shop.did == ["pay", "pay back"]
