"""What the simulator found in the waits and pending records of `def` bodies, each played by hand: what went wrong, what holds now."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from milepost import AsyncStep, Retry, RunStatus, Step
from milepost.engine import keys
from milepost.engine.deliver import Ack, Later
from milepost.engine.messages import EventMessage, Poke, TimerDue
from milepost.engine.records import Record
from milepost.testing.crashes import WorkerKilled
from tests.engine.shop import DAY, HOUR_MS, Shop, is_signal, placed, starts_order
from tests.engine.stage import LEASE, SECOND, Call, Moment, Stage, puts, queries, writes

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def approved(stage: Stage, shop: Shop, by: str = "ada") -> None:
    """The event comes, and is given to whoever waits for it; nobody is poked yet."""
    stage.send(shop.Approved(order_id="o-1", by=by))
    stage.deliver(stage.one(EventMessage, is_signal))


def another_slice(stage: Stage, run: str) -> None:
    """The lease runs out, and somebody else drives the run."""
    stage.pass_time(LEASE + 1)
    assert stage.deliver(stage.message(Poke(run=run), id="another")) == Ack()


def no_waits(stage: Stage) -> bool:
    return not stage.ports.table.query(keys.wait_pk("shop/order.approved", "order_id", "o-1")).items


def dies(stage: Stage, moment: Moment) -> None:
    """The worker that is given the start is killed at this moment."""

    def die() -> None:
        raise WorkerKilled

    with pytest.raises(WorkerKilled):
        stage.deliver(stage.one(EventMessage, starts_order), stage.overtaken(moment, die))


# ---- a wait is recorded before it has rows ---------------------------------------------------------------------------


def test_a_lost_branch_leaves_no_row_though_its_worker_died_over_the_wait(shop: Shop, stage: Stage) -> None:
    """The rows were written, the worker died before the wait was recorded, and the next one won the race without coming to the
    wait: nobody knew of the rows, and they stayed. Now the record comes first.
    """
    calls: list[str] = []

    def second_time_lucky() -> str:
        calls.append("called")
        if len(calls) == 1:
            raise ConnectionError("again, please")
        return "won"

    @shop.app.function(on=shop.Placed, waits_for=[shop.Approved], retry=Retry(retries=2, delays=(MINUTE,)))
    def order(event: object, step: Step) -> str:
        won = step.race(
            "first",
            lambda s: s.run("lucky", second_time_lucky),
            lambda s: s.wait_for_event("approval", shop.Approved, order_id="o-1", timeout=DAY) and "approved",
        )
        step.sleep("long", 2 * DAY)
        return str(won.value)

    run = placed(stage, shop)
    dies(stage, queries("event#"))
    assert not no_waits(stage)
    stage.pass_time(LEASE + 1)
    stage.run_until_idle()
    assert stage.header(run).status is RunStatus.WAITING
    assert calls == ["called"] * 2
    assert no_waits(stage)
    approval = stage.record(run, "first/1/approval")
    assert approval is not None
    assert approval.status == "cancelled"


def test_a_run_that_is_cancelled_leaves_no_row_though_its_worker_died_over_the_wait(shop: Shop, stage: Stage) -> None:
    """Whoever settles a run knows what it waits for from its records alone."""
    shop.waits()
    run = placed(stage, shop)
    dies(stage, queries("event#"))
    assert not no_waits(stage)
    stage.pass_time(LEASE + 1)
    stage.client.cancel(run)
    stage.run_until_idle()
    assert stage.header(run).status is RunStatus.CANCELLED
    assert no_waits(stage)


# ---- what is pending stays -------------------------------------------------------------------------------------------


def test_a_frozen_worker_does_not_put_a_wait_back_in_time(shop: Shop, stage: Stage) -> None:
    """It was frozen before it put the second wait on record, with an order of its own, older slice. Put over the later slice's
    record, that said that the first wait had got its event after the second had begun, so the second got it again.
    """
    shop.waits_twice()
    run = placed(stage, shop)

    def first_goes_on_elsewhere() -> None:
        another_slice(stage, run)
        approved(stage, shop, "first")

    def second_begins_elsewhere() -> None:
        assert stage.deliver(stage.one(Poke)) == Ack()
        assert (began := stage.record(run, "second")) is not None
        assert began.epoch == 3

    zombie = stage.overtaken(writes("step#first"), first_goes_on_elsewhere)
    zombie = stage.overtaken(writes("step#second"), second_begins_elsewhere, zombie)
    stage.deliver(stage.one(EventMessage, starts_order), zombie)
    stage.run_until_idle()
    assert stage.run(run).status == "waiting"
    approved(stage, shop, "second")
    stage.run_until_idle()
    assert stage.run(run).result == ["first", "second"]


def test_a_frozen_worker_does_not_begin_the_next_wait(shop: Shop, stage: Stage) -> None:
    """The same, when it is the frozen worker that comes to the second wait first: of the first it has learned by losing."""
    shop.waits_twice()
    run = placed(stage, shop)

    def first_goes_on_elsewhere() -> None:
        another_slice(stage, run)
        approved(stage, shop, "first")

    stage.deliver(stage.one(EventMessage, starts_order), stage.overtaken(writes("step#first"), first_goes_on_elsewhere))
    stage.pass_time(LEASE + 1)
    stage.run_until_idle()
    assert stage.run(run).status == "waiting"
    approved(stage, shop, "second")
    stage.run_until_idle()
    assert stage.run(run).result == ["first", "second"]


def test_a_worker_that_froze_before_it_read_the_history_adds_nothing_to_it(shop: Shop, stage: Stage) -> None:
    """It had the lease and had not read yet. What it then read was of a later slice in part, and what it began older than that."""

    @shop.app.function(on=shop.Placed, waits_for=[shop.Approved])
    def order(event: object, step: Step) -> list[str]:
        found = [step.wait_for_event(name, shop.Approved, order_id="o-1", timeout=DAY) for name in ("first", "second", "third")]
        return ["nobody" if one is None else one.by for one in found]

    run = placed(stage, shop)
    stage.run_until_idle()
    approved(stage, shop, "first")

    def goes_on_elsewhere() -> None:
        another_slice(stage, run)
        approved(stage, shop, "second")

    stage.deliver(stage.one(Poke), stage.overtaken(queries("run#"), goes_on_elsewhere))
    stage.pass_time(LEASE + 1)
    stage.run_until_idle()
    assert stage.run(run).status == "waiting"
    approved(stage, shop, "third")
    stage.run_until_idle()
    assert stage.run(run).result == ["first", "second", "third"]


def test_a_worker_that_reads_of_a_later_slice_when_it_reads_again_adds_nothing(shop: Shop, stage: Stage) -> None:
    """A callback was answered before it was on record, so what has overtaken it is of no slice; but a later one has come since."""
    tokens: list[str] = []

    @shop.app.function(on=shop.Placed, waits_for=[shop.Approved])
    def order(event: object, step: Step) -> list[str]:
        step.wait_for_callback("ask", tokens.append, timeout=DAY)
        found = [step.wait_for_event(name, shop.Approved, order_id="o-1", timeout=DAY) for name in ("first", "second")]
        return ["nobody" if one is None else one.by for one in found]

    run = placed(stage, shop)

    def goes_on_elsewhere() -> None:
        stage.client.succeed(tokens[0], None)
        another_slice(stage, run)
        approved(stage, shop, "first")

    stage.deliver(stage.one(EventMessage, starts_order), stage.overtaken(records_pending("ask"), goes_on_elsewhere))
    stage.pass_time(LEASE + 1)
    stage.run_until_idle()
    assert stage.run(run).status == "waiting"
    approved(stage, shop, "second")
    stage.run_until_idle()
    assert stage.run(run).result == ["first", "second"]


@pytest.mark.parametrize("what", ["nap", "approval", "ask", "child"])
def test_a_frozen_worker_does_not_change_when_a_pending_step_is_due(shop: Shop, stage: Stage, what: str) -> None:
    """What it puts is due earlier than what the later slice has put there, and has armed a timer for."""
    run = waits_for(what, shop, stage)

    def overtake() -> None:
        another_slice(stage, run)
        seen.append(stage.record(run, what))

    seen: list[Record | None] = []
    stage.deliver(stage.one(EventMessage, starts_order), stage.overtaken(records_pending(what), overtake))
    record = stage.record(run, what)
    assert seen == [record]
    assert record is not None
    assert record.epoch == 2
    assert stage.header(run).armed == record.due_at == stage.clock.at_ms + HOUR_MS


@pytest.mark.parametrize("what", ["nap", "approval", "ask", "child"])
def test_the_due_time_that_stands_is_the_one_that_is_waited_for(shop: Shop, stage: Stage, what: str) -> None:
    """What a dead worker had asked the table for is carried out late: after the next slice has read the history, before it writes."""
    run = waits_for(what, shop, stage)
    under_way: list[Call] = []

    def dies_asking(call: Call) -> None:
        if records_pending(what)(call):
            under_way.append(call)
            raise WorkerKilled

    with pytest.raises(WorkerKilled):
        stage.deliver(stage.one(EventMessage, starts_order), stage.watching(dies_asking))
    [late] = under_way
    stage.pass_time(LEASE + 1)
    next_one = stage.overtaken(records_pending(what), lambda: getattr(stage.ports.table, late.method)(*late.args))
    assert stage.deliver(stage.message(Poke(run=run), id="another"), next_one) == Ack()
    record = stage.record(run, what)
    assert record is not None
    assert record.epoch == 1
    assert stage.header(run).armed == record.due_at == stage.clock.at_ms - LEASE - 1 + HOUR_MS


def records_pending(path: str) -> Moment:
    """The pending record of this step is written."""

    def fits(call: Call) -> bool:
        return puts(path)(call) or (call.method == "write_many" and any(one.key.sk == f"step#{path}" for one in call.args[0]))

    return fits


def waits_for(what: str, shop: Shop, stage: Stage) -> str:
    """A run that will wait for an hour, for this."""

    @shop.app.function()
    def sleeper(event: str, step: Step) -> None:
        step.sleep("long", DAY)

    @shop.app.function(on=shop.Placed, waits_for=[shop.Approved])
    def order(event: object, step: Step) -> None:
        match what:
            case "nap":
                step.sleep(what, HOUR)
            case "approval":
                step.wait_for_event(what, shop.Approved, order_id="o-1", timeout=HOUR)
            case "ask":
                step.wait_for_callback(what, lambda token: None, timeout=HOUR)
            case _:
                step.invoke(what, sleeper, "x", timeout=HOUR)

    return placed(stage, shop)


# ---- a deploy between record and rows --------------------------------------------------------------------------------


@pytest.mark.parametrize("comes", ["before its rows", "after them"])
def test_a_wait_that_a_slice_of_newer_code_passed_over_is_registered_by_the_next(comes: str) -> None:
    """Old code recorded the wait and died before its rows. New code suspended over a sleep that comes before the wait: from then
    on the wait counted as registered, and its event was lost.
    """
    old, new = Shop(), Shop()
    old.waits()

    @new.app.function(on=new.Placed, waits_for=[new.Approved])
    def order(event: object, step: Step) -> str:
        step.sleep("nap", HOUR)
        approval = step.wait_for_event("approval", new.Approved, order_id="o-1", timeout=DAY)
        return "nobody" if approval is None else approval.by

    with Stage(old.app) as stage:
        run = placed(stage, old)
        dies(stage, writes("wait#"))
        newer = stage.new_worker(app=new.app)
        stage.pass_time(LEASE + 1)
        assert stage.deliver(stage.message(Poke(run=run), id="another"), newer) == Ack()
        assert stage.header(run).covered == 2
        assert no_waits(stage)
        if comes == "before its rows":
            approved(stage, old)
        stage.pass_time(HOUR_MS)
        assert stage.deliver(stage.one(TimerDue), newer) == Ack()
        if comes == "after them":
            approved(stage, old)
        stage.run_until_idle(newer)
        assert stage.run(run).result == "ada"
        assert no_waits(stage)


# ---- answers that were lost ------------------------------------------------------------------------------------------


def twice(stage: Stage, moment: Callable[[Call], bool]) -> Any:
    """A worker whose first call of this kind is made twice: the answer was lost, and the client of the service asked again."""
    left = [True]

    def before(call: Call) -> None:
        if left and moment(call):
            left.pop()
            getattr(getattr(stage.ports, call.port), call.method)(*call.args)

    return stage.watching(before)


@pytest.mark.parametrize("kind", ["def", "async"])
def test_a_note_that_was_put_twice_is_ones_own(kind: str, stage: Stage, shop: Shop) -> None:
    """The second time its condition fails, on a record that is the same but for the version that a row states: it was taken for
    another's, and a step that is made once ended as interrupted.
    """

    @shop.app.function(retries=0)
    def careful(event: None, step: Step) -> str:
        return step.options(once=True).run("pay", shop.do, "paid")

    @shop.app.function(retries=0)
    async def async_careful(event: None, step: AsyncStep) -> str:
        return await step.options(once=True).run("pay", shop.do, "paid")

    run = stage.client.invoke(careful if kind == "def" else async_careful, None)
    stage.run_until_idle(twice(stage, puts("pay")))
    assert (run.status, run.error if run.status == "failed" else None) == ("completed", None)
    assert run.result == "paid"
    assert shop.did == ["paid"]


def test_a_lease_that_was_taken_twice_is_ones_own(shop: Shop, stage: Stage) -> None:
    """A poke took the lease, and was not told. The second time it was refused by its own lease, newer than what it tells of: it
    was taken for obsolete, and the run stood leased with nobody to come for it.
    """
    shop.waits()
    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage, starts_order))
    approved(stage, shop)
    stage.pass_time(20 * SECOND)
    poke = stage.one(Poke)
    verdict = stage.deliver(poke, twice(stage, lambda call: call.method == "update" and "owner" in call.args[1].set))
    header = stage.header(run)
    assert verdict == Later((header.lease_until or 0) + 1)
    stage.run_until_idle()
    assert stage.run(run).result == "ada"
