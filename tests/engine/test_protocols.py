"""The counterexamples of docs/design/protocols.md, M1: lease, inbox, suspend. Each is played by hand to its good end."""

from milepost.engine import lease
from milepost.engine.deliver import Ack, Later
from milepost.engine.messages import EventMessage, Poke, TimerDue, decode
from milepost.engine.worker import Settings
from milepost.runs import RunStatus
from tests.engine.shop import HOUR_MS, Shop, is_signal, placed, starts_order
from tests.engine.stage import LEASE, SECOND, Call, Stage, again, commits, puts, sends


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


def test_a_redelivered_poke_is_not_dropped_for_its_age(shop: Shop, stage: Stage) -> None:
    """It waited long in its queue, took the lease, and its worker died: its own acquire is no reason to drop it."""
    shop.waits()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage, starts_order))
    stage.send(shop.Approved(order_id="o-1"))
    stage.deliver(stage.one(EventMessage, is_signal))
    stage.pass_time(stage.settings.skew_ms + HOUR_MS)
    poke = stage.one(Poke)
    assert stage.crash(poke, after=1)
    assert stage.deliver(again(poke)) == Later(stage.clock.now_ms() + LEASE + 1)
    stage.pass_time(LEASE + 1)
    assert stage.deliver(again(poke)) == Ack()
    assert stage.run(run).result == "ada"


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
