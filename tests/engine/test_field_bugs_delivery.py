"""Bugs that engines of this kind had in the field, played here at the interleaving that showed them: leases, recovery,
deliveries, timers, records. Each test says what went wrong there, and what holds here.
"""

from datetime import timedelta
from typing import Any

import pytest

from milepost import RunStatus, Step
from milepost.engine import keys
from milepost.engine.deliver import Ack, Later
from milepost.engine.messages import EventMessage, MessageError, Poke, Received, TimerDue
from milepost.engine.ports import Key
from tests.engine.scenarios.box import MortalBox
from tests.engine.scenarios.everything import ALL
from tests.engine.scenarios.kit import Ledger
from tests.engine.shop import DAY, HOUR_MS, Shop, is_signal, placed, starts_order
from tests.engine.stage import LEASE, SECOND, Call, Stage, again, arms, commits


def test_recovery_does_not_run_what_another_owns(shop: Shop, stage: Stage) -> None:
    """In the field: recovery went by a stale list of pending runs and started a second worker on a run that had one. Here: the
    sweeper only pokes, by an index that may lag; the poke meets the lease, leaves word, and no step runs twice.
    """
    shop.sleeps()
    run = placed(stage, shop)
    stage.run_until_idle()
    stage.pass_time(HOUR_MS + 60 * SECOND)

    def recover() -> None:
        stage.sweep()
        stage.deliver(stage.message(Poke(run=run), id="by a stale list"))

    assert stage.deliver(stage.one(TimerDue), stage.overtaken(commits("completed"), recover)) == Ack()
    stage.run_until_idle()
    assert stage.run(run).result == "b"
    assert shop.did == ["a", "b"]


def test_recovery_that_is_interrupted_goes_on(shop: Shop, stage: Stage) -> None:
    """In the field: the database was restarted in the middle of recovery, and the runs not reached until then were never
    recovered. Here: a sweep marks nothing, so the next one finds all that is still overdue.
    """
    shop.sleeps()
    for number in range(12):
        stage.send(shop.Placed(order_id="o-1"), id=f"placed {number}")
    stage.run_until_idle()
    stage.pass_time(HOUR_MS + 60 * SECOND)
    stage.take()
    stage.hand.clear()  # every timer is lost
    calls = 0

    def restart(_call: Call) -> None:
        nonlocal calls
        calls += 1
        if calls == 9:
            raise ConnectionError("the database is restarting")

    with pytest.raises(ConnectionError):
        stage.sweep(stage.watching(restart))
    stage.sweep()
    stage.run_until_idle()
    assert [run.status for run in stage.client.runs(stage.newest)] == [RunStatus.COMPLETED] * 12
    assert shop.did == ["a"] * 12 + ["b"] * 12


def test_a_slice_that_the_database_leaves_alone_is_done_again(shop: Shop, stage: Stage) -> None:
    """The same for a slice: an error of a port acknowledges nothing, and the message comes back when the lease is over."""
    shop.two_steps()
    run = placed(stage, shop)
    start = stage.one(EventMessage)
    calls = 0

    def restart(_call: Call) -> None:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise ConnectionError("the database is restarting")

    with pytest.raises(ConnectionError):
        stage.deliver(start, stage.watching(restart))
    assert stage.deliver(again(start)) == Later(stage.clock.now_ms() + LEASE + 1)
    stage.pass_time(LEASE + 1)
    assert stage.deliver(again(start)) == Ack()
    assert stage.run(run).result == "ab"


def test_one_bad_message_does_not_strand_its_batch(shop: Shop, stage: Stage) -> None:
    """In the field: one message that could not be read failed its whole batch again and again. Here: each message is delivered
    by itself; what is none raises, and touches nothing.
    """
    shop.two_steps()
    runs = [keys.run_id("order", "shop/order.placed", f"placed {number}") for number in range(2)]
    stage.send(shop.Placed(order_id="o-1"), id="placed 0")
    bad = Received(id="bad", group="default", body='{"kind":"poke","run":', deliveries=1, sent_at_ms=0)
    stage.send(shop.Placed(order_id="o-1"), id="placed 1")
    first, second = stage.take()
    stage.deliver(first)
    with pytest.raises(MessageError):
        stage.deliver(bad)
    stage.deliver(second)
    assert [stage.run(run).result for run in runs] == ["ab", "ab"]


def test_one_waiter_that_is_gone_does_not_keep_the_event_from_the_others(shop: Shop, stage: Stage) -> None:
    """The same among waiters: the rows of runs that have ended, or of which nothing is left, are passed over."""
    shop.waits()
    runs = [keys.run_id("order", "shop/order.placed", f"placed {number}") for number in range(3)]
    for number in range(3):
        stage.send(shop.Placed(order_id="o-1"), id=f"placed {number}")
    stage.run_until_idle()
    stage.client.cancel(runs[0])
    for item in stage.ports.table.query(keys.run_pk(runs[1])).items:
        stage.ports.table.delete(Key(item["pk"], item["sk"]))
    stage.send(shop.Approved(order_id="o-1"))
    stage.run_until_idle()
    assert stage.run(runs[2]).result == "ada"


def test_a_step_longer_than_its_lease_is_not_recorded_over_anothers(shop: Shop, stage: Stage) -> None:
    """In the field: a busy loop starved the thread that renewed the lease; two workers drove the run, and both recorded.
    Here: no lease is renewed. It ends at a fixed time after the invocation must have; whoever lives longer is fenced, begins
    no further step, and its message is not acknowledged while another drives.
    """
    busy: list[str] = []

    def loop() -> str:
        busy.append("looped")
        if len(busy) == 1:
            stage.pass_time(LEASE + 1)
            assert stage.deliver(stage.message(Poke(run=run), id="other")) == Ack()
        return shop.do(f"a{len(busy)}")

    @shop.app.function(on=shop.Placed)
    def order(event: object, step: Step) -> str:
        return step.run("a", loop) + step.run("b", shop.do, "b")

    run = keys.run_id("order", "shop/order.placed", "placed")
    placed(stage, shop)
    stage.deliver(stage.one(EventMessage))
    assert stage.run(run).result == "a2b"
    assert shop.did.count("b") == 1
    assert stage.header(run).epoch == 2


@pytest.mark.parametrize("after", range(1, 7))
def test_a_schedule_without_its_physical_timer_is_armed_again(shop: Shop, stage: Stage, after: int) -> None:
    """In the field: the sleep was on record and the timer had never been made; nobody woke the run. Here: the message that
    died between the two comes back, and a slice arms whatever the last suspension does not cover.
    """
    shop.sleeps()
    run = placed(stage, shop)
    start = stage.one(EventMessage)
    if stage.crash(start, after):
        stage.pass_time(LEASE + 1)
        stage.deliver(again(start))
    stage.run_until_idle()
    header = stage.header(run)
    assert header.status is RunStatus.WAITING
    assert header.armed == header.next_due
    stage.pass_time(2 * HOUR_MS)
    assert "TimerDue" in stage.kinds()
    stage.run_until_idle()
    assert stage.run(run).result == "b"


def test_a_wake_up_far_away_is_delivered_once(shop: Shop, stage: Stage) -> None:
    """In the field: a message with an ETA beyond the queue's visibility time-out was delivered again at each time-out, and in
    the end run as often. Here: what comes early is armed again under one name and done; what comes late or twice finds
    nothing to do.
    """

    @shop.app.function(on=shop.Placed)
    def order(event: object, step: Step) -> str:
        step.sleep("long", 30 * DAY)
        step.run("b", shop.do, "b")
        step.sleep("longer", DAY)
        return "end"

    run = placed(stage, shop)
    stage.run_until_idle()
    armed: list[Call] = []
    worker = stage.watching(lambda call: armed.append(call) if arms(call) else None)
    before = stage.header(run)
    assert before.armed is not None
    early = stage.message(TimerDue(run=run, due_at=before.armed), id="early")
    for _ in range(20):
        stage.pass_time(HOUR_MS)
        assert stage.deliver(early, worker) == Ack()
    assert stage.header(run) == before
    assert len({call.args[0] for call in armed}) == 1
    stage.pass_time(30 * 24 * HOUR_MS)
    timers = [one for one in stage.take() if "timer" in one.body]
    assert len(timers) == 1
    for number in range(3):
        stage.deliver(stage.message(TimerDue(run=run, due_at=before.armed), id=f"duplicate {number}"))
    assert shop.did == ["b"]
    assert stage.header(run).status is RunStatus.WAITING


@pytest.mark.parametrize("size", [32 * 1024 * 1024 + 1])
def test_an_oversized_result_is_not_retried_for_ever(shop: Shop, stage: Stage, size: int) -> None:
    """In the field: the result was refused by the database, the step counted as not done, and was done again, for ever. Here:
    what cannot be stored fails its step at once, without a retry.
    """

    def large() -> str:
        shop.do("large")
        return "x" * size

    @shop.app.function(on=shop.Placed)
    def order(event: object, step: Step) -> int:
        return len(step.run("large", large))

    run = placed(stage, shop)
    stage.run_until_idle()
    stage.pass_time(24 * HOUR_MS)
    stage.run_until_idle()
    assert stage.header(run).status is RunStatus.FAILED
    assert shop.did == ["large"]


@pytest.mark.parametrize("after", [2, 60, 119, 120, 121, 122, 150])
def test_a_replay_of_a_large_map_repeats_no_item(shop: Shop, stage: Stage, after: int) -> None:
    """In the field: a replay of a large map took items that were done for new ones and reported them twice. Here: each item is
    a step of its own; what is on record is not called again.
    """
    items = list(range(120))

    def square(item: int) -> int:
        shop.do(str(item))
        return item * item

    @shop.app.function(on=shop.Placed)
    def order(event: object, step: Step) -> list[int]:
        squares = step.map("squares", square, items)
        step.sleep("nap", timedelta(hours=1))
        return squares

    run = placed(stage, shop)
    start = stage.one(EventMessage)
    if stage.crash(start, after):
        recorded = {item for item in items if stage.record(run, f"squares/{item}") is not None}
        done = set(map(int, shop.did))
        assert recorded <= done
        shop.did.clear()
        stage.pass_time(LEASE + 1)
        stage.deliver(again(start))
        assert not recorded & set(map(int, shop.did))
    stage.run_until_idle()
    stage.pass_time(HOUR_MS)
    stage.run_until_idle()
    assert stage.run(run).result == [item * item for item in items]
    assert len(shop.did) == len(set(shop.did))


NO_EXPIRY = ("cron#", "app")
"""Rows of the deployment, not of a run: as many as there are functions."""


@pytest.mark.parametrize("name", ALL)
def test_every_row_has_an_expiry(name: str) -> None:
    """In the field: records that only served to recognise duplicates were kept for ever, and grew to be most of the table.
    Here: every row that a run or an event causes is written with an expiry.
    """
    ledger = Ledger()
    app, script = ALL[name].build(ledger)
    with MortalBox(app) as box:
        ledger.lasts = box.lasts
        script(box)
        assert [item for item in box.items() if "ttl" not in item and not str(item["pk"]).startswith(NO_EXPIRY)] == []


@pytest.mark.parametrize("kind", ["sleep", "another type"])
def test_a_record_of_the_old_code_is_not_read_as_the_new_ones(shop: Shop, stage: Stage, kind: str) -> None:
    """In the field: after a deploy the n-th record was read as the n-th step's, whatever that had become. Here: a record is
    found by its name; one of another kind pauses the run, with the reason, until code comes that fits; one whose value is of
    another type is an error of that step, and never a wrong value.
    """
    shop.waits()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage, starts_order))

    def count() -> int:
        shop.do("count")
        return 1

    new = Shop()

    @new.app.function(on=new.Placed, waits_for=[new.Approved])
    def order(event: object, step: Step) -> Any:
        if kind == "sleep":
            step.sleep("a", timedelta(hours=1))
        else:
            shop.did.append(f"read {step.run('a', count)!r}")
        step.wait_for_event("approval", new.Approved, order_id="o-1", timeout=DAY)

    worker = stage.new_worker(app=new.app, version="2")
    stage.send(shop.Approved(order_id="o-1"))
    stage.deliver(stage.one(EventMessage, is_signal), worker)
    stage.deliver(stage.one(Poke), worker)
    assert shop.did == ["a"], "nothing was done anew, and nothing was misread"
    header = stage.header(run)
    if kind == "sleep":
        assert header.status is RunStatus.PAUSED
        assert "'a'" in str(header.reason)
        stage.sweep()
        stage.run_until_idle()
        assert stage.run(run).result == "ada"
    else:
        assert header.status is RunStatus.FAILED
        assert stage.run(run).error is not None
        assert "the result of step 'a' is not int" in str(stage.run(run).error)
