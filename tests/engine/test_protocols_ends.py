"""The counterexamples of docs/design/protocols.md, M4: end, settle, parent and child, cancel. Each is played by hand."""

from datetime import timedelta

import pytest

from milepost import Step, WaitTimeout
from milepost.engine import keys
from milepost.engine.deliver import Ack, Later
from milepost.engine.messages import Cancel, EventMessage, Poke, Publish, Start, TimerDue
from milepost.runs import RunStatus
from milepost.testing.crashes import WorkerKilled
from tests.engine.shop import DAY, HOUR_MS, Shop, placed
from tests.engine.stage import LEASE, SECOND, Call, Stage, again, commits, puts, sends, writes


def test_a_cancelled_parents_unborn_child_never_runs(shop: Shop, stage: Stage) -> None:
    """9: the cancel overtakes the start. It leaves a tombstone, and the start that finds it answers the parent."""
    shop.parent_and_child()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage))
    start = stage.one(Start)
    stage.hand.remove(start)
    stage.client.cancel(run)
    assert stage.deliver(stage.one(Cancel)) == Ack()
    child = keys.child_id(run, "child")
    assert stage.header(child).status is RunStatus.CANCELLED
    assert stage.deliver(start) == Ack()
    stage.run_until_idle()
    stage.pass_time(2 * HOUR_MS)
    stage.run_until_idle()
    assert shop.did == ["a", "told cancelled"]
    assert stage.header(child).settled_at is not None


def test_a_child_that_was_cancelled_before_its_birth_answers_its_parent(shop: Shop, stage: Stage) -> None:
    shop.parent_and_child()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage))
    start = stage.one(Start)
    child = keys.child_id(run, "child")
    stage.deliver(stage.message(Cancel(run=child, function="child", reason="too late"), id="cancel"))
    assert stage.deliver(start) == Ack()
    stage.run_until_idle()
    assert "was cancelled: too late" in stage.run(run).result
    assert shop.did == ["a"]


def test_a_run_cancelled_under_a_live_lease_is_settled_by_its_holder(shop: Shop, stage: Stage) -> None:
    """8 and 10: the holder alone knows what it has in flight: here a child that the canceller could not have seen."""
    shop.parent_and_child()
    run = placed(stage, shop)
    start = stage.one(EventMessage)
    seen: list[object] = []

    def cancel() -> None:
        stage.client.cancel(run)
        header = stage.header(run)
        seen.append((header.status, header.settled_at, header.is_leased(stage.clock.now_ms())))

    assert stage.deliver(start, stage.overtaken(sends(Start), cancel)) == Ack()
    assert seen == [(RunStatus.CANCELLED, None, True)]
    assert stage.header(run).settled_at is not None
    stage.run_until_idle()
    stage.pass_time(2 * HOUR_MS)
    stage.run_until_idle()
    child = stage.header(keys.child_id(run, "child"))
    assert child.status is RunStatus.CANCELLED
    assert "d" not in shop.did
    assert shop.did.count("told cancelled") == 1


def test_a_child_whose_parent_died_before_recording_it_is_cancelled_with_its_parent(shop: Shop, stage: Stage) -> None:
    """The start is on its way, the record is not written, the parent is cancelled and its worker dies: the history does not
    know the child, so the redelivered message asks the body.
    """
    shop.parent_and_child()
    run = placed(stage, shop)
    first = stage.one(EventMessage)

    def die(call: Call) -> None:
        if writes("step#child")(call):
            stage.client.cancel(run)
            raise WorkerKilled

    with pytest.raises(WorkerKilled):
        stage.deliver(first, stage.watching(die))
    stage.pass_time(LEASE + SECOND)
    assert stage.deliver(again(first)) == Ack()
    stage.run_until_idle()
    stage.pass_time(2 * HOUR_MS)
    stage.run_until_idle()
    assert stage.header(keys.child_id(run, "child")).status is RunStatus.CANCELLED
    assert "d" not in shop.did


def test_no_step_begins_once_a_run_is_cancelled_and_its_holder_has_seen_it(shop: Shop, stage: Stage) -> None:
    shop.two_steps()
    run = placed(stage, shop)

    def cancel() -> None:
        stage.client.cancel(run)
        stage.pass_time(2 * SECOND)  # the holder reads its header every two seconds

    stage.deliver(stage.one(EventMessage), stage.overtaken(puts("a"), cancel))
    assert shop.did == ["a"]
    assert stage.header(run).settled_at is not None


def test_a_message_for_an_ended_run_under_a_live_lease_leaves_settling_to_the_holder(shop: Shop, stage: Stage) -> None:
    shop.sleeps()
    run = placed(stage, shop)
    start = stage.one(EventMessage)
    assert stage.crash(start, after=2)
    stage.client.cancel(run)
    assert stage.deliver(stage.message(Poke(run=run), id="other")) == Ack()
    assert stage.header(run).settled_at is None
    assert stage.deliver(again(start)) == Later(stage.clock.now_ms() + LEASE + 1)
    stage.pass_time(LEASE + 1)
    assert stage.deliver(again(start)) == Ack()
    assert stage.header(run).settled_at is not None


@pytest.mark.parametrize("note", ["", "bad"])
def test_a_terminal_run_settles_again_wherever_its_holder_died(note: str) -> None:
    """The queue is the outbox: whatever was not told at the end is told when the message comes again."""
    after = 0
    for after in range(1, 40):
        shop = Shop()
        shop.parent_and_child()
        with Stage(shop.app) as stage:
            run = placed(stage, shop, note)
            stage.deliver(stage.one(EventMessage))
            stage.deliver(stage.one(Start))
            stage.pass_time(HOUR_MS)
            if not stage.crash(stage.one(TimerDue), after):
                break
            stage.pass_time(LEASE + 1)
            stage.run_until_idle()
            for _ in range(6):
                stage.pass_time(HOUR_MS)
                stage.run_until_idle()
            assert stage.run(run).status == "completed", after
            assert stage.run(run).result == "d" if not note else "bad child" in stage.run(run).result
    assert after > 4


def test_a_parent_that_was_answered_already_is_poked_again(shop: Shop, stage: Stage) -> None:
    """3, for children: answered, crash before the poke; the redelivery finds the answer and pokes."""
    shop.parent_and_child()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage))
    stage.deliver(stage.one(Start))
    stage.pass_time(HOUR_MS)
    timer = stage.one(TimerDue)
    calls = 0
    found: list[int] = []

    def count(call: Call) -> None:
        nonlocal calls
        calls += 1
        if puts("child")(call):
            found.append(calls)

    with Stage(shop.app) as rehearsal:
        placed(rehearsal, shop)
        rehearsal.deliver(rehearsal.one(EventMessage))
        rehearsal.deliver(rehearsal.one(Start))
        rehearsal.pass_time(HOUR_MS)
        rehearsal.deliver(rehearsal.one(TimerDue), rehearsal.watching(count))
    assert stage.crash(timer, found[0])
    record = stage.record(run, "child")
    assert record is not None
    assert record.status == "completed"
    assert "Poke" not in stage.kinds()
    stage.pass_time(LEASE + 1)
    stage.deliver(again(timer))
    assert "Poke" in stage.kinds()
    stage.run_until_idle()
    assert stage.run(run).result == "d"


def test_the_parent_is_told_what_the_header_says(shop: Shop, stage: Stage) -> None:
    """The end is committed before it is told: a child cancelled at its very end says so, not its result."""
    shop.parent_and_child()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage))
    stage.deliver(stage.one(Start))
    stage.pass_time(HOUR_MS)
    child = keys.child_id(run, "child")
    ending = stage.overtaken(commits("completed"), lambda: stage.client.cancel(child))
    assert stage.deliver(stage.one(TimerDue), ending) == Ack()
    stage.run_until_idle()
    assert stage.header(child).status is RunStatus.CANCELLED
    assert "was cancelled" in stage.run(run).result


def test_a_publish_is_put_on_the_bus_by_whoever_gets_it(shop: Shop, stage: Stage) -> None:
    shop.two_steps()
    detail = '{"order_id":"o-1","_milepost":{"id":"later"}}'
    message = stage.message(Publish(name="shop/order.placed", source="x", detail=detail, id="later"))
    assert stage.deliver(message) == Ack()
    assert stage.deliver(again(message)) == Ack()
    stage.run_until_idle()
    assert stage.only_run("order").result == "ab"
    assert shop.did == ["a", "b"]


@pytest.mark.parametrize("after", range(3, 9))
def test_the_event_that_cancelled_a_run_settles_it_when_it_comes_again(after: int) -> None:
    """Its worker died while it settled. The row by which the event finds the run goes last, or nobody would come to it."""
    shop = Shop()

    @shop.app.function()
    def child(event: str, step: Step) -> None:
        step.sleep("nap", 2 * DAY)
        shop.do("never")

    @shop.app.function(on=shop.Placed, cancel_on=[shop.Cancelled])
    def order(event: object, step: Step) -> None:
        step.invoke("child", child, "x")

    with Stage(shop.app) as stage:
        run = placed(stage, shop)
        stage.run_until_idle()
        stage.send(shop.Cancelled(order_id="o-1"))
        signal = stage.one(EventMessage)
        assert stage.crash(signal, after)
        assert stage.header(run).status is RunStatus.CANCELLED
        stage.deliver(again(signal))
        stage.run_until_idle()
        assert stage.header(run).settled_at is not None
        assert stage.header(keys.child_id(run, "child")).status is RunStatus.CANCELLED
        assert not stage.ports.table.query(keys.wait_pk("shop/order.cancelled", "order_id", "o-1")).items


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_child_is_told_of_its_time_out_though_the_worker_that_noted_it_died(shop: Shop, stage: Stage, is_cancelled: bool) -> None:
    """By the next slice; or by whoever settles the run, when there is none."""

    @shop.app.function()
    def child(event: str, step: Step) -> None:
        step.sleep("nap", 2 * DAY)
        shop.do("never")

    @shop.app.function(on=shop.Placed)
    def order(event: object, step: Step) -> None:
        try:
            step.invoke("child", child, "x", timeout=timedelta(hours=1))
        except WaitTimeout:
            step.sleep("nap", DAY)

    run = placed(stage, shop)
    stage.run_until_idle()
    stage.pass_time(HOUR_MS)

    def die(call: Call) -> None:
        record = stage.record(run, "child")
        if record is not None and record.is_final:
            raise WorkerKilled

    timer = stage.one(TimerDue)
    with pytest.raises(WorkerKilled):
        stage.deliver(timer, stage.watching(die))
    stage.pass_time(LEASE + SECOND)
    if is_cancelled:
        stage.client.cancel(run)
    stage.deliver(again(timer))
    stage.run_until_idle()
    assert stage.header(keys.child_id(run, "child")).status is RunStatus.CANCELLED
    assert shop.did == []
