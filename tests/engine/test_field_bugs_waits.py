"""Bugs that engines of this kind had in the field, played here at the interleaving that showed them: events, waits, races,
callbacks. Each test says what went wrong there, and what holds here.
"""

from datetime import timedelta

import pytest

from milepost import InvokeError, RunStatus, Step, StepError, WaitTimeout
from milepost.engine import keys
from milepost.engine.deliver import Ack
from milepost.engine.messages import EventMessage, Poke, Start, TimerDue
from milepost.testing.crashes import WorkerKilled
from tests.engine.shop import DAY, HOUR_MS, Shop, is_signal, placed, starts_order
from tests.engine.stage import LEASE, SECOND, Moment, Stage, again, arms, commits, puts, writes


def deliver_event(stage: Stage, shop: Shop, by: str = "ada", *, with_poke: bool = True) -> None:
    stage.send(shop.Approved(order_id="o-1", by=by))
    stage.deliver(stage.one(EventMessage, is_signal))
    if with_poke and "Poke" in stage.kinds():
        stage.deliver(stage.one(Poke))


def no_waits(stage: Stage) -> bool:
    return not stage.ports.table.query(keys.wait_pk("shop/order.approved", "order_id", "o-1")).items


def test_an_event_right_after_the_start_reaches_the_wait(shop: Shop, stage: Stage) -> None:
    """In the field: the event was handled before the run had been born, found nobody waiting and was dropped; the run waited
    for it until its time was up. Here: it is on record, and the wait looks back to ten seconds before the trigger.
    """
    shop.waits()
    run = placed(stage, shop)
    deliver_event(stage, shop)
    assert stage.deliver(stage.one(EventMessage, starts_order)) == Ack()
    assert stage.run(run).result == "ada"
    assert no_waits(stage)


def test_an_event_between_two_waits_is_not_lost(shop: Shop, stage: Stage) -> None:
    """In the field: the first wait had been answered and the second was not registered yet; the event in between was neither's.
    Here: the second wait looks back and finds it, and does not find the one that the first had.
    """
    shop.waits_twice()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage, starts_order))
    deliver_event(stage, shop, "first", with_poke=False)
    deliver_event(stage, shop, "second", with_poke=False)
    stage.run_until_idle()
    assert stage.run(run).result == ["first", "second"]
    assert no_waits(stage)


@pytest.mark.parametrize("moment", range(1, 9))
def test_a_timed_out_wait_does_not_eat_the_event_of_the_next(shop: Shop, stage: Stage, moment: int) -> None:
    """In the field: the wait had timed out, its registration stayed, and the event went to it instead of the wait that came
    after. Here: whichever rows a dying worker leaves, the event goes to the wait that is pending.
    """
    shop.waits_twice()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage, starts_order))
    stage.pass_time(24 * HOUR_MS + 1)
    timer = stage.one(TimerDue)
    stage.crash(timer, moment)
    stage.send(shop.Approved(order_id="o-1", by="second"))
    stage.deliver(stage.one(EventMessage, is_signal))
    stage.pass_time(LEASE + 1)
    stage.run_until_idle()
    assert stage.run(run).result == ["nobody", "second"]
    assert no_waits(stage)


def test_the_loser_of_a_race_does_not_keep_the_run_alive(shop: Shop, stage: Stage) -> None:
    """In the field: the run was over for its author and stayed "running" until the losing branch's wait of days had ended, its
    child running on. Here: the losers are let go of when the race is decided, and the run ends at once.
    """

    @shop.app.function()
    def child(event: str, step: Step) -> None:
        step.sleep("nap", 300 * DAY)
        shop.do("never")

    @shop.app.function(on=shop.Placed, waits_for=[shop.Approved])
    def order(event: object, step: Step) -> str:
        won = step.race(
            "first",
            lambda s: s.wait_for_event("approval", shop.Approved, order_id="o-1", timeout=300 * DAY),
            lambda s: s.sleep("long", 300 * DAY),
            lambda s: s.invoke("child", child, "x"),
            lambda s: s.sleep("short", timedelta(hours=1)),
        )
        return f"branch {won.index}"

    run = placed(stage, shop)
    stage.run_until_idle()
    stage.pass_time(HOUR_MS)
    stage.run_until_idle()
    assert stage.run(run).result == "branch 3"
    assert stage.header(run).settled_at is not None
    assert stage.header(keys.child_id(run, "first/2/child")).status is RunStatus.CANCELLED
    assert no_waits(stage)
    assert stage.take() == []
    stage.pass_time(301 * 24 * HOUR_MS)
    assert [message for message in stage.take() if "timer" not in message.body] == []
    stage.run_until_idle()
    assert shop.did == []


def test_a_failing_step_after_a_wait_does_not_leave_the_run_stuck(shop: Shop, stage: Stage) -> None:
    """In the field: the slice that the event woke raised, its wake-up was used up, and nobody came again. Here: the retry is a
    timer of the run's, and when it has failed for good the run fails.
    """

    def fail() -> None:
        shop.do("fail")
        raise ValueError("no")

    @shop.app.function(on=shop.Placed, waits_for=[shop.Approved], retries=2)
    def order(event: object, step: Step) -> None:
        step.wait_for_event("approval", shop.Approved, order_id="o-1", timeout=DAY)
        step.run("fail", fail)

    run = placed(stage, shop)
    stage.run_until_idle()
    deliver_event(stage, shop)
    for _ in range(4):
        stage.pass_time(HOUR_MS)
        stage.run_until_idle()
    assert shop.did == ["fail"] * 3
    assert stage.header(run).status is RunStatus.FAILED
    assert stage.header(run).settled_at is not None


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(puts("ask~submit"), id="before the submit is recorded"),
        pytest.param(writes("step#ask"), id="before the pending record is written"),
        pytest.param(arms, id="before the timer"),
        pytest.param(commits("waiting"), id="before the suspension"),
    ],
)
@pytest.mark.parametrize("poke_is_at_once", [True, False])
def test_a_callback_in_the_instant_of_suspension_wakes_the_run(shop: Shop, stage: Stage, moment: Moment, poke_is_at_once: bool) -> None:
    """In the field: the answer came between the look and the suspension, or while the token had no record yet, and was given to
    nobody; the token was never returned. Here: the answer is put whether or not the wait stands, and then the run is poked.
    """
    tokens: list[str] = []

    @shop.app.function(on=shop.Placed)
    def order(event: object, step: Step) -> str:
        answer = step.wait_for_callback("ask", tokens.append, returns=str, timeout=DAY)
        step.run("b", shop.do, "b")
        return answer

    run = placed(stage, shop)
    start = stage.one(EventMessage)

    def answer() -> None:
        stage.client.succeed(tokens[0], "yes")
        if poke_is_at_once:
            stage.deliver(stage.one(Poke))

    assert stage.deliver(start, stage.overtaken(moment, answer)) == Ack()
    stage.run_until_idle()
    assert stage.run(run).result == "yes"
    assert shop.did == ["b"]
    assert len(tokens) == 1


@pytest.mark.parametrize("answer_fails", [True, False])
def test_a_stale_token_is_not_read_as_a_failure(shop: Shop, stage: Stage, answer_fails: bool) -> None:
    """In the field: an answer to a token whose wait was over counted as an error of the step that the run was in by then.
    Here: the first outcome counts, the time-out among them; what comes later touches nothing, while the run lives and after.
    """
    tokens: list[str] = []

    @shop.app.function(on=shop.Placed)
    def order(event: object, step: Step) -> str:
        try:
            step.wait_for_callback("ask", tokens.append, timeout=timedelta(hours=1))
        except WaitTimeout:
            step.sleep("nap", timedelta(hours=1))
        except StepError:
            return "failed"
        return step.run("b", shop.do, "b")

    def answer() -> None:
        if answer_fails:
            stage.client.fail(tokens[0], "too late")
        else:
            stage.client.succeed(tokens[0], "too late")

    run = placed(stage, shop)
    stage.run_until_idle()
    stage.pass_time(HOUR_MS)
    stage.run_until_idle()
    answer()
    stage.run_until_idle()
    stage.pass_time(HOUR_MS)
    stage.run_until_idle()
    assert stage.run(run).result == "b"
    before = stage.header(run)
    answer()
    stage.run_until_idle()
    assert stage.header(run) == before
    assert shop.did == ["b"]


def test_a_zombies_late_failure_does_not_count_against_the_step(shop: Shop, stage: Stage) -> None:
    """In the field: a worker that had lost its task reported its failure under the old token, and the attempt that was going
    well was counted as failed. Here: what stands in the history stands; a zombie's failure is dropped.
    """
    calls: list[str] = []

    def flaky() -> str:
        calls.append("called")
        if len(calls) == 1:
            stage.pass_time(LEASE + 1)
            assert stage.deliver(stage.message(Poke(run=run), id="other")) == Ack()
            raise ValueError("of the zombie")
        return shop.do("a")

    @shop.app.function(on=shop.Placed, retries=0)
    def order(event: object, step: Step) -> str:
        return step.run("a", flaky)

    run = keys.run_id("order", "shop/order.placed", "placed")
    placed(stage, shop)
    stage.deliver(stage.one(EventMessage))
    stage.run_until_idle()
    assert stage.run(run).result == "a"
    record = stage.record(run, "a")
    assert record is not None
    assert (record.status, record.attempts) == ("completed", 1)


@pytest.mark.parametrize("moment", [arms, commits("waiting")])
def test_a_run_that_suspends_while_its_child_finishes_is_woken(shop: Shop, stage: Stage, moment: Moment) -> None:
    """In the field: a step finished while its run was being suspended; the run was stored as waiting for what had happened, and
    the wake-up had found it still running. Here: the wake-up leaves word in the inbox, and the suspension is refused.
    """

    @shop.app.function()
    def child(event: str, step: Step) -> str:
        return step.run("c", shop.do, "c")

    @shop.app.function(on=shop.Placed)
    def order(event: object, step: Step) -> str:
        return step.invoke("child", child, "x", timeout=DAY) + step.run("b", shop.do, "b")

    run = placed(stage, shop)
    start = stage.one(EventMessage)

    def child_ends() -> None:
        assert stage.deliver(stage.one(Start)) == Ack()
        assert stage.deliver(stage.one(Poke)) == Ack()

    assert stage.deliver(start, stage.overtaken(moment, child_ends)) == Ack()
    stage.run_until_idle()
    assert stage.run(run).result == "cb"
    assert shop.did == ["c", "b"]


def test_a_parent_whose_child_kills_its_workers_does_not_wait_for_ever(shop: Shop, stage: Stage) -> None:
    """In the field: the child's worker was gone, its message given up, and the parent stayed a zombie. Here: deaths are noted
    on the child, its step fails after four, and the parent hears of that.
    """

    def explode() -> None:
        raise WorkerKilled

    @shop.app.function(retries=0)
    def child(event: str, step: Step) -> None:
        step.run("explode", explode)

    @shop.app.function(on=shop.Placed)
    def order(event: object, step: Step) -> str:
        try:
            step.invoke("child", child, "x")
        except InvokeError as error:
            return str(error)
        return "survived"

    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage))
    start = stage.one(Start)
    for _ in range(5):
        with pytest.raises(WorkerKilled):
            stage.deliver(start)
        start = again(start)
        stage.pass_time(LEASE + SECOND)
    assert stage.deliver(start) == Ack()
    stage.run_until_idle()
    assert "WorkerCrashed" in str(stage.run(run).result)
