"""The counterexamples of docs/design/protocols.md, M2: waiting for events, and being cancelled by them. Each is played by hand."""

import pytest

from milepost.engine import keys
from milepost.engine.deliver import Ack
from milepost.engine.messages import EventMessage, Poke, TimerDue, decode
from milepost.runs import RunStatus
from tests.engine.shop import HOUR_MS, Shop, is_signal, placed, starts_order
from tests.engine.stage import LEASE, SECOND, Call, Moment, Stage, again, arms, commits, puts, queries, writes

# ---- M2: wait_for_event ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", range(1, 5))
def test_a_deliverer_that_dies_anywhere_does_not_lose_the_wake_up(shop: Shop, stage: Stage, after: int) -> None:
    """3 and 5: event row, waits read, step done, poke, wait row deleted; a redelivered deliverer that finds the step done pokes."""
    shop.waits()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage, starts_order))
    stage.send(shop.Approved(order_id="o-1"))
    signal = stage.one(EventMessage, is_signal)
    assert stage.crash(signal, after)
    lost = [one for one in stage.take() if isinstance(decode(one.body), Poke)]
    stage.hand = [one for one in stage.hand if one not in lost]  # if it had poked, that poke came first and found nothing to do
    if stage.record(run, "approval") is not None and not lost:
        assert stage.deliver(again(signal)) == Ack()
        assert stage.kinds() == ["Poke"]
    stage.hand += lost
    stage.run_until_idle()
    assert stage.run(run).result == "ada"
    assert shop.did == ["a", "b"]


def test_a_poke_comes_before_the_wait_row_is_deleted(shop: Shop, stage: Stage) -> None:
    """5, the other order: complete, delete, crash: the redelivered event finds no row, and nobody pokes."""
    shop.waits()
    placed(stage, shop)
    stage.deliver(stage.one(EventMessage, starts_order))
    stage.send(shop.Approved(order_id="o-1"))
    order: list[str] = []

    def look(call: Call) -> None:
        order.append(f"{call.port}.{call.method}")

    stage.deliver(stage.one(EventMessage, is_signal), stage.watching(look))
    assert order == ["table.write_many", "table.query", "table.update", "queue.send", "table.delete"]


def test_an_event_taken_by_one_wait_is_not_given_to_the_next(shop: Shop, stage: Stage) -> None:
    """6: the event's row is written; the run finds it by look-back, waits again; then the deliverer reads the waits."""
    shop.waits_twice()
    run = placed(stage, shop)
    start = stage.one(EventMessage, starts_order)
    stage.send(shop.Approved(order_id="o-1", by="first"))
    signal = stage.one(EventMessage, is_signal)
    deliverer = stage.overtaken(queries("wait#"), lambda: stage.deliver(start))
    assert stage.deliver(signal, deliverer) == Ack()
    stage.run_until_idle()
    assert stage.run(run).status == "waiting"
    first, second = stage.record(run, "first"), stage.record(run, "second")
    assert first is not None
    assert second is not None
    assert (first.status, second.status) == ("completed", "pending")
    stage.send(shop.Approved(order_id="o-1", by="second"))
    stage.run_until_idle()
    assert stage.run(run).result == ["first", "second"]


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(writes("wait#"), id="before the wait row"),
        pytest.param(queries("event#"), id="between row and look-back"),
        pytest.param(writes("step#approval"), id="between look-back and pending step"),
        pytest.param(arms, id="between pending step and timer"),
        pytest.param(commits("waiting"), id="between timer and suspension"),
    ],
)
@pytest.mark.parametrize("poke_is_at_once", [True, False])
def test_an_event_at_any_moment_of_the_registration_is_seen(shop: Shop, stage: Stage, moment: Moment, poke_is_at_once: bool) -> None:
    """Both sides write first and read then: at least one sees the other."""
    shop.waits()
    run = placed(stage, shop)
    start = stage.one(EventMessage, starts_order)

    def event() -> None:
        stage.send(shop.Approved(order_id="o-1"))
        stage.deliver(stage.one(EventMessage, is_signal))
        if poke_is_at_once and "Poke" in stage.kinds():
            stage.deliver(stage.one(Poke))

    assert stage.deliver(start, stage.overtaken(moment, event)) == Ack()
    stage.run_until_idle()
    assert stage.run(run).result == "ada"
    assert shop.did == ["a", "b"]
    assert not stage.ports.table.query(keys.wait_pk("shop/order.approved", "order_id", "o-1")).items


def test_an_event_that_was_accepted_in_time_wins_over_the_time_out(shop: Shop, stage: Stage) -> None:
    """Its row is there when the slice declares the time-out; the deliverer is still on its way to the wait."""
    shop.waits()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage, starts_order))
    stage.pass_time(24 * HOUR_MS)
    stage.send(shop.Approved(order_id="o-1"))
    signal = stage.one(EventMessage, is_signal)
    timer = stage.one(TimerDue)
    deliverer = stage.overtaken(queries("wait#"), lambda: stage.deliver(timer))
    assert stage.deliver(signal, deliverer) == Ack()
    stage.run_until_idle()
    assert stage.run(run).result == "ada"
    assert shop.did == ["a", "b"]


def test_an_event_that_comes_after_the_time_out_finds_it_decided(shop: Shop, stage: Stage) -> None:
    shop.waits()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage, starts_order))
    stage.pass_time(24 * HOUR_MS + 1)
    stage.send(shop.Approved(order_id="o-1"))
    signal = stage.one(EventMessage, is_signal)
    stage.deliver(signal)
    stage.run_until_idle()
    assert stage.run(run).result == "nobody"


def test_a_duplicate_of_an_event_starts_nothing_and_wakes_no_other_wait(shop: Shop, stage: Stage) -> None:
    shop.waits_twice()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage, starts_order))
    stage.send(shop.Approved(order_id="o-1"), id="once")
    signal = stage.one(EventMessage, is_signal)
    stage.deliver(signal)
    stage.run_until_idle()
    stage.pass_time(SECOND)
    stage.send(shop.Approved(order_id="o-1"), id="once")  # the producer repeats itself: another acceptance of the same event
    stage.deliver(signal)  # and the queue does
    stage.run_until_idle()
    second = stage.record(run, "second")
    assert second is not None
    assert second.status == "pending"


# ---- cancel_on ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(writes("wait#"), id="before its row"),
        pytest.param(queries("event#"), id="between row and look-back"),
        pytest.param(puts("a"), id="in the first step"),
        pytest.param(commits("waiting"), id="before the suspension"),
    ],
)
def test_a_cancelling_event_at_any_moment_cancels(shop: Shop, stage: Stage, moment: Moment) -> None:
    shop.cancellable()
    run = placed(stage, shop)
    start = stage.one(EventMessage, starts_order)

    def cancel() -> None:
        stage.send(shop.Cancelled(order_id="o-1"))
        stage.deliver(stage.one(EventMessage, is_signal))

    assert stage.deliver(start, stage.overtaken(moment, cancel)) == Ack()
    stage.run_until_idle()
    stage.pass_time(2 * HOUR_MS)
    stage.run_until_idle()
    header = stage.header(run)
    assert header.status is RunStatus.CANCELLED
    assert header.settled_at is not None
    assert "b" not in shop.did
    assert not stage.ports.table.query(keys.wait_pk("shop/order.cancelled", "order_id", "o-1")).items


@pytest.mark.parametrize("after", range(1, 6))
def test_a_crash_before_the_first_suspension_registers_the_cancelling_event_again(shop: Shop, stage: Stage, after: int) -> None:
    shop.cancellable()
    run = placed(stage, shop)
    start = stage.one(EventMessage, starts_order)
    assert stage.crash(start, after)
    stage.pass_time(LEASE + 1)
    stage.run_until_idle()
    stage.send(shop.Cancelled(order_id="o-1"))
    stage.run_until_idle()
    assert stage.header(run).status is RunStatus.CANCELLED
