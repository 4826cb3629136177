"""The counterexamples of docs/design/protocols.md, M1, M2 and M4, each played by hand to its good end."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from milepost import App, Failure, Step
from milepost.engine import keys, lease
from milepost.engine.deliver import Ack, Later
from milepost.engine.messages import Cancel, EventMessage, Poke, Publish, Start, TimerDue, decode
from milepost.engine.ports import Entry
from milepost.engine.worker import Settings
from milepost.runs import RunStatus
from tests.engine.shop import DAY, HOUR_MS, Shop
from tests.engine.stage import LEASE, SECOND, Call, Moment, Stage, again, arms, commits, puts, queries, sends, writes


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def stage(shop: Shop) -> Iterator[Stage]:
    with Stage(shop.app) as stage:
        yield stage


def placed(stage: Stage, shop: Shop, note: str = "") -> str:
    """Send the event; returns the id of the run that will be."""
    stage.send(shop.Placed(order_id="o-1", note=note), id="placed")
    return keys.run_id("order", "shop/order.placed", "placed")


def starts_order(message: EventMessage) -> bool:
    return message.target == "order"


def is_signal(message: EventMessage) -> bool:
    return message.target.startswith("~signal:")


# ---- M1: lease, inbox, suspend ---------------------------------------------------------------------------------------


def test_a_start_that_meets_its_own_dead_workers_lease_comes_back_when_it_ends(shop: Shop, stage: Stage) -> None:
    """1: header put; crash; the start is redelivered while the lease lives. Acknowledged, the run would be lost."""
    shop.two_steps()
    run = placed(stage, shop)
    start = stage.one(EventMessage)
    assert stage.crash(start, after=1)
    assert stage.header(run).is_leased(stage.clock.now_ms())

    assert stage.deliver(again(start)) == Later(stage.clock.now_ms() + LEASE + 1)
    assert shop.did == []
    stage.pass_time(LEASE + 1)
    assert stage.deliver(again(start)) == Ack()
    assert stage.run(run).result == "ab"
    assert shop.did == ["a", "b"]


def test_a_duplicate_of_the_start_is_done_at_once(shop: Shop, stage: Stage) -> None:
    shop.two_steps()
    run = placed(stage, shop)
    start = stage.one(EventMessage)
    assert stage.crash(start, after=1)
    duplicate = stage.message(decode(start.body), id="duplicate")
    assert stage.deliver(duplicate) == Ack()
    assert stage.header(run).inbox == 0
    stage.pass_time(LEASE + 1)
    assert stage.deliver(again(start)) == Ack()
    assert stage.deliver(duplicate) == Ack()
    assert shop.did == ["a", "b"]


def test_a_poke_under_anothers_lease_leaves_word_and_is_done(shop: Shop, stage: Stage) -> None:
    shop.two_steps()
    run = placed(stage, shop)
    start = stage.one(EventMessage)
    assert stage.crash(start, after=2)
    assert stage.deliver(stage.message(Poke(run=run))) == Ack()
    assert stage.header(run).inbox == 1
    stage.pass_time(LEASE + 1)
    assert stage.deliver(again(start)) == Ack()
    assert stage.run(run).result == "ab"


def test_a_timer_that_one_clock_saw_due_is_due_on_a_slower_clock(shop: Shop, stage: Stage) -> None:
    """2a: a slice on a fast clock judges the sleep due and does not arm it; the next, on a slower clock, must agree."""
    shop.waits_and_sleeps()
    run = placed(stage, shop)
    fast = stage.new_worker(ahead_ms=4 * SECOND)
    stage.deliver(stage.one(EventMessage, starts_order))
    stage.pass_time(HOUR_MS - 2 * SECOND)  # two seconds early by true time, two late by the fast clock
    stage.deliver(stage.message(Poke(run=run), id="p1"), fast)
    assert stage.header(run).now >= stage.clock.now_ms() + 2 * SECOND
    stage.send(shop.Approved(order_id="o-1", by="bob"))
    stage.deliver(stage.one(EventMessage, is_signal))
    stage.deliver(stage.one(Poke))
    assert stage.run(run).result == "bob"
    assert shop.did == ["b"]


def test_a_timer_that_comes_early_is_sent_on_and_touches_nothing(shop: Shop, stage: Stage) -> None:
    """2b: consumed a hair early, it would be the last wake-up of a run that nobody arms again."""
    shop.sleeps()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage))
    slow = stage.new_worker(ahead_ms=-SECOND)
    stage.pass_time(HOUR_MS)
    before = stage.header(run)
    timer = stage.one(TimerDue)
    assert stage.deliver(timer, slow) == Ack()
    assert stage.header(run) == before
    stage.pass_time(SECOND)
    resent = stage.one(TimerDue)
    assert resent.id != timer.id
    assert stage.deliver(resent, slow) == Ack()
    assert stage.run(run).result == "b"


def test_a_timer_that_meets_a_lease_tells_the_holder_its_time(shop: Shop, stage: Stage) -> None:
    """The holder's clock is slower: what the timer's worker saw due is due for the holder too, or nobody wakes the run."""
    shop.waits_and_sleeps()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage, starts_order))
    stage.send(shop.Approved(order_id="o-1"))
    stage.deliver(stage.one(EventMessage, is_signal))
    stage.pass_time(HOUR_MS)
    timer = stage.one(TimerDue)
    slow = stage.new_worker(ahead_ms=-2 * SECOND)
    overtaken = stage.overtaken(commits("waiting"), lambda: stage.deliver(timer), slow)
    assert stage.deliver(stage.one(Poke), overtaken) == Ack()
    assert stage.run(run).result == "ada"


def test_word_that_comes_while_a_slice_suspends_is_taken_first(shop: Shop, stage: Stage) -> None:
    """Without the inbox in the condition, the slice would suspend over a wait that is done, and its poke be used up."""
    shop.waits()
    run = placed(stage, shop)
    start = stage.one(EventMessage, starts_order)

    def event_and_poke() -> None:
        stage.send(shop.Approved(order_id="o-1"))
        stage.deliver(stage.one(EventMessage, is_signal))
        assert stage.deliver(stage.one(Poke)) == Ack()

    assert stage.deliver(start, stage.overtaken(commits("waiting"), event_and_poke)) == Ack()
    assert stage.run(run).result == "ada"
    assert shop.did == ["a", "b"]


def test_a_hand_over_releases_before_it_sends(shop: Shop, stage: Stage) -> None:
    """4: sent first, the continuation meets the sender's own lease, leaves word, is done; the release then ignores it."""
    shop.two_steps()
    run = placed(stage, shop)
    leased: list[bool] = []

    def look(call: Call) -> None:
        if sends(Poke)(call):
            leased.append(stage.header(run).is_leased(stage.clock.now_ms()))
        if puts("a")(call):
            stage.pass_time(56 * SECOND)

    assert stage.deliver(stage.one(EventMessage), stage.watching(look)) == Ack()
    assert leased == [False]
    assert stage.header(run).status is RunStatus.WAITING
    assert shop.did == ["a"]
    assert stage.deliver(stage.one(Poke)) == Ack()
    assert stage.run(run).result == "ab"
    assert shop.did == ["a", "b"]


def test_a_crash_between_release_and_continuation_is_made_good_by_the_own_message(shop: Shop, stage: Stage) -> None:
    shop.two_steps()
    run = placed(stage, shop)
    start = stage.one(EventMessage)

    def slow(call: Call) -> None:
        if puts("a")(call):
            stage.pass_time(56 * SECOND)

    assert stage.crash(start, 3, stage.watching(slow))  # born, step a, released
    assert stage.header(run).lease_until is None
    assert stage.kinds() == ["EventMessage"]
    assert stage.deliver(again(start)) == Ack()
    assert stage.run(run).result == "ab"


def test_a_zombie_can_neither_suspend_nor_end_a_run_that_another_drives(shop: Shop, stage: Stage) -> None:
    shop.two_steps()
    run = placed(stage, shop)
    start = stage.one(EventMessage)

    def another_takes_over() -> None:
        stage.pass_time(LEASE + 1)
        assert stage.deliver(stage.message(Poke(run=run), id="other")) == Ack()

    zombie = stage.overtaken(puts("a"), another_takes_over)
    verdict = stage.deliver(start, zombie)
    assert stage.run(run).result == "ab"
    assert stage.header(run).epoch == 2
    assert verdict == Ack() or isinstance(verdict, Later)
    record = stage.record(run, "a")
    assert record is not None
    assert record.epoch == 2  # put once: the zombie took the winner's record
    assert stage.run(run).status == "completed"


def test_a_fenced_slice_does_not_acknowledge(shop: Shop, stage: Stage) -> None:
    """The other may be its own redelivery: acknowledged here, that one's message would be gone."""
    shop.waits()
    run = placed(stage, shop)
    start = stage.one(EventMessage, starts_order)

    def another_takes_over_and_dies() -> None:
        stage.pass_time(LEASE + 1)
        assert stage.crash(stage.message(Poke(run=run), id="other"), after=2)

    verdict = stage.deliver(start, stage.overtaken(commits("waiting"), another_takes_over_and_dies))
    assert isinstance(verdict, Later)


def test_a_wake_up_for_a_paused_run_is_done(shop: Shop, stage: Stage) -> None:
    """Its wake is in the history: the resumed run finds it."""
    shop.waits()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage, starts_order))
    header = stage.header(run)
    lease.pause(stage.ports.table, header, reason="by hand", look_at=stage.clock.now_ms(), holder=False)
    stage.send(shop.Approved(order_id="o-1"))
    stage.run_until_idle()
    assert stage.header(run).status is RunStatus.PAUSED
    assert stage.client.resume(run)
    stage.run_until_idle()
    assert stage.run(run).result == "ada"


def test_a_run_that_was_paused_and_resumed_under_its_holder_goes_on(shop: Shop, stage: Stage) -> None:
    """The poke of the resume meets the lease of a holder that has not noticed; neither may spin, or lose the run."""
    shop.waits()
    run = placed(stage, shop)
    start = stage.one(EventMessage, starts_order)

    def pause_and_resume() -> None:
        lease.pause(stage.ports.table, stage.header(run), reason="by hand", look_at=stage.clock.now_ms(), holder=False)
        assert stage.client.resume(run)
        assert stage.deliver(stage.one(Poke)) == Ack()

    stage.deliver(start, stage.overtaken(commits("waiting"), pause_and_resume))
    stage.run_until_idle()
    assert stage.header(run).status is RunStatus.WAITING
    stage.send(shop.Approved(order_id="o-1"))
    stage.run_until_idle()
    assert stage.run(run).result == "ada"


def test_an_obsolete_poke_is_dropped_unread(shop: Shop, stage: Stage) -> None:
    """What it tells of had happened, by more than the skew, before the run was last read."""
    shop.waits()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage, starts_order))
    before = stage.header(run)
    completed_at = before.acquired_at - stage.settings.skew_ms - 1
    assert stage.deliver(stage.message(Poke(run=run, completed_at=completed_at), id="old")) == Ack()
    assert stage.header(run) == before
    assert stage.deliver(stage.message(Poke(run=run, completed_at=completed_at + 1), id="fresh")) == Ack()
    assert stage.header(run).epoch == before.epoch + 1


def test_a_lost_timer_is_found_by_the_sweeper(shop: Shop, stage: Stage) -> None:
    shop.sleeps()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage))
    stage.pass_time(HOUR_MS)
    stage.one(TimerDue)
    stage.hand.clear()  # lost
    assert stage.sweep().overdue == 0
    stage.pass_time(60 * SECOND)
    assert stage.sweep().overdue == 1
    stage.run_until_idle()
    assert stage.run(run).result == "b"
    assert stage.sweep().overdue == 0


def test_a_run_that_died_leased_is_found_by_the_sweeper_once_its_lease_is_over(shop: Shop, stage: Stage) -> None:
    """next_due stays on the header at acquire: a run that has once suspended and then died leased is still in the index."""
    shop.sleeps()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage))
    stage.pass_time(HOUR_MS)
    assert stage.crash(stage.one(TimerDue), after=2)
    stage.hand.clear()  # the message is lost too
    assert stage.sweep().overdue == 0
    stage.pass_time(LEASE + 1)
    assert stage.sweep().overdue == 1
    stage.run_until_idle()
    assert stage.run(run).result == "b"


def test_ten_thousand_slices_without_progress_pause_the_run() -> None:
    shop = Shop()
    shop.waits()
    with Stage(shop.app, Settings(max_idle_slices=20)) as stage:
        run = placed(stage, shop)
        stage.deliver(stage.one(EventMessage, starts_order))
        for number in range(19):
            stage.deliver(stage.message(Poke(run=run), id=f"p{number}"))
        assert stage.header(run).status is RunStatus.WAITING
        stage.deliver(stage.message(Poke(run=run), id="last"))
        assert stage.header(run).status is RunStatus.PAUSED
        assert "20 slices in a row" in str(stage.header(run).reason)
        assert stage.client.resume(run)
        stage.run_until_idle()
        assert stage.header(run).status is RunStatus.WAITING


# ---- M2: wait_for_event ----------------------------------------------------------------------------------------------


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
    assert order == ["table.write_many", "table.query", "table.put", "queue.send", "table.delete"]


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


# ---- cancel_on -------------------------------------------------------------------------------------------------------


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


# ---- M4: end, settle, parent and child, cancel -----------------------------------------------------------------------


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


# ---- what the models do not have -------------------------------------------------------------------------------------


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
