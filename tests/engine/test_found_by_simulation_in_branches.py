"""What the simulator found in the branches of `def` bodies, each played by hand: what went wrong, what holds now."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import msgspec
import pytest

from milepost import Backoff, Retry, RunStatus, Step
from milepost.engine import keys
from milepost.engine.deliver import Ack
from milepost.engine.messages import EventMessage, TimerDue
from milepost.engine.worker import Worker
from tests.engine.shop import DAY, Shop, is_signal, placed, starts_order
from tests.engine.stage import HandClock, Moment, Stage, puts, writes

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


class Race:
    """The moments of a race of two threads: the loser stands still somewhere, the winner wins, the loser goes on."""

    def __init__(self, shop: Shop, stage: Stage) -> None:
        self._shop = shop
        self._stage = stage
        self._loser_stands, self._is_decided, self._loser_has_ended = Event(), Event(), Event()
        self.saw: list[object] = []
        """What the body of the loser was given."""

    def stand_still(self) -> None:
        """In the loser's thread."""
        self._loser_stands.set()
        assert self._is_decided.wait(20)

    def let_it_go_on(self) -> None:
        """Until it has ended."""
        self._is_decided.set()
        assert self._loser_has_ended.wait(20)

    def function(self, losing: Callable[[Step], object], *, meets: bool = True) -> None:
        """Its run ends when the winner has won. With `meets` the loser ends before that, else it is still there."""

        def loser(step: Step) -> object:
            try:
                self.saw.append(losing(step))
                return "lost"
            finally:
                self._loser_has_ended.set()

        def win() -> str:
            assert self._loser_stands.wait(20)
            return "won"

        retry = Retry(retries=2, delays=(SECOND,))

        @self._shop.app.function(on=self._shop.Placed, waits_for=[self._shop.Approved], retry=retry)
        def order(event: object, step: Step) -> object:
            won = step.race("any", loser, lambda s: s.run("win", win))
            if meets:
                step.run("meet", self.let_it_go_on)
            return won.value

    def worker(self, threads: ThreadPoolExecutor, moment: Moment | None) -> Worker:
        """On whom the loser stands still at this moment, or where it waits within the slice."""
        worker = self._stage.worker
        if moment is not None:
            return replace(self._stage.overtaken(moment, self.stand_still, worker), threads=threads)
        clock = Standing(self._stage.clock, self)
        return replace(worker, ports=msgspec.structs.replace(worker.ports, clock=clock), threads=threads)


class Standing(HandClock):
    """A clock by which a slice waits until the race is decided."""

    def __init__(self, true: HandClock, race: Race) -> None:
        super().__init__(true)
        self._race = race

    def wait(self, ms: int) -> bool:
        assert self.true is not None
        self._race.stand_still()
        self.true.at_ms += ms
        return True


@pytest.fixture
def race(shop: Shop, stage: Stage) -> Race:
    return Race(shop, stage)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def rows(stage: Stage) -> list[dict[str, Any]]:
    return stage.ports.table.query(keys.wait_pk("shop/order.approved", "order_id", "o-1")).items


# ---- the loser goes on when it has lost ------------------------------------------------------------------------------


def fails_once(shop: Shop) -> Callable[[], object]:
    def work() -> object:
        if len(shop.did) < 1:
            shop.do("try")
            raise ConnectionError("again, please")
        return shop.do("done")

    return work


def fails_always(shop: Shop) -> Callable[[], object]:
    def work() -> object:
        shop.do("try")
        raise ConnectionError("again, please")

    return work


def not_yet(shop: Shop) -> Callable[[], object]:
    return lambda: not shop.do("ask")


def test_a_loser_that_waits_for_its_next_attempt_sees_no_value(shop: Shop, stage: Stage, race: Race, threads: ThreadPoolExecutor) -> None:
    """The winner cancelled the record of its failed attempt: looking at it again it was given None, and went on."""
    race.function(lambda s: s.run("slow", fails_once(shop)))
    run = placed(stage, shop)
    assert stage.deliver(stage.one(EventMessage, starts_order), race.worker(threads, None)) == Ack()
    assert stage.run(run).result == "won"
    assert race.saw == []
    assert shop.did == ["try"]
    assert status(stage, run, "any/0/slow") == "cancelled"


def test_a_loser_that_waits_to_ask_again_sees_no_value(shop: Shop, stage: Stage, race: Race, threads: ThreadPoolExecutor) -> None:
    race.function(lambda s: s.wait_until("ready", not_yet(shop), every=Backoff(SECOND), timeout=DAY))
    run = placed(stage, shop)
    assert stage.deliver(stage.one(EventMessage, starts_order), race.worker(threads, None)) == Ack()
    assert stage.run(run).result == "won"
    assert race.saw == []
    assert shop.did == ["ask"]
    assert status(stage, run, "any/0/ready") == "cancelled"


def test_a_loser_that_records_its_next_failure_sees_no_value(shop: Shop, stage: Stage, race: Race, threads: ThreadPoolExecutor) -> None:
    """The record of the attempt before it was cancelled between its look whether it had lost, and its put."""
    race.function(lambda s: s.run("slow", fails_always(shop)))
    run = placed(stage, shop)
    tries: list[str] = []

    def second_put(call: Any) -> bool:
        if puts("any/0/slow")(call):
            tries.append("put")
        return len(tries) == 2

    worker = race.worker(threads, second_put)
    worker = replace(worker, ports=msgspec.structs.replace(worker.ports, clock=Passing(stage.clock)))
    assert stage.deliver(stage.one(EventMessage, starts_order), worker) == Ack()
    assert stage.run(run).result == "won"
    assert race.saw == []
    assert shop.did == ["try"] * 2
    assert status(stage, run, "any/0/slow") == "cancelled"


def test_a_loser_that_begins_a_wait_sees_no_event(shop: Shop, stage: Stage, race: Race, threads: ThreadPoolExecutor) -> None:
    """The winner knew of the wait and cancelled it before the loser had put it on record."""
    race.function(lambda s: s.wait_for_event("approval", shop.Approved, order_id="o-1", timeout=DAY))
    run = placed(stage, shop)
    assert stage.deliver(stage.one(EventMessage, starts_order), race.worker(threads, writes("step#any/0/approval"))) == Ack()
    assert stage.run(run).result == "won"
    assert race.saw == []
    assert status(stage, run, "any/0/approval") == "cancelled"
    assert not rows(stage)


def test_a_loser_that_writes_its_rows_late_takes_them_back(shop: Shop, stage: Stage, race: Race, threads: ThreadPoolExecutor) -> None:
    """The run had ended, and whoever ended it had deleted them, when the losing thread wrote them: they stayed. Now it looks
    again when it has written.
    """
    race.function(lambda s: s.wait_for_event("approval", shop.Approved, order_id="o-1", timeout=DAY), meets=False)
    run = placed(stage, shop)
    assert stage.deliver(stage.one(EventMessage, starts_order), race.worker(threads, writes("wait#"))) == Ack()
    assert stage.header(run).settled_at is not None
    assert not rows(stage)
    race.let_it_go_on()
    assert not rows(stage)
    assert race.saw == []


def test_an_undo_run_sees_no_value_of_what_a_loser_waited_for(shop: Shop, stage: Stage) -> None:
    """It replays the branches that lost, too, for what they have to undo."""
    saw: list[object] = []

    def loser(step: Step) -> None:
        step.options(compensate=lambda: shop.do("undone")).run("a", shop.do, "a")
        saw.append(step.wait_for_event("approval", shop.Approved, order_id="o-1", timeout=DAY))

    @shop.app.function(on=shop.Placed, waits_for=[shop.Approved], retries=0)
    def order(event: object, step: Step) -> None:
        step.race("any", loser, lambda s: s.run("win", str))
        raise ValueError("after all")

    run = placed(stage, shop)
    stage.run_until_idle()
    assert stage.header(run).status is RunStatus.FAILED
    assert status(stage, run, "any/0/approval") == "cancelled"
    assert shop.did == ["a", "undone"]
    assert saw == []


class Passing(HandClock):
    """A clock whose waiting lets time pass."""

    def wait(self, ms: int) -> bool:
        assert self.true is not None
        self.true.at_ms += ms
        return True


def status(stage: Stage, run: str, path: str) -> str:
    record = stage.record(run, path)
    assert record is not None
    return record.status


# ---- a branch raises, and the body is tried again --------------------------------------------------------------------


@pytest.mark.parametrize("comes", ["before the retry", "after it"])
def test_a_wait_outlives_the_failure_of_the_branch_beside_it(shop: Shop, stage: Stage, comes: str) -> None:
    """Its rows were deleted with the group that broke, its record said that it waits: the event that came then was lost."""
    attempts: list[int] = []

    @shop.app.function(on=shop.Placed, waits_for=[shop.Approved], retry=Retry(retries=2, delays=(MINUTE,)))
    def order(event: object, step: Step) -> str:
        def fails_the_first_time(_step: Step) -> None:
            attempts.append(step.attempt)
            if step.attempt == 1:
                raise ConnectionError("again, please")

        def approval(s: Step) -> str:
            event = s.wait_for_event("approval", shop.Approved, order_id="o-1", timeout=DAY)
            return "nobody" if event is None else event.by

        return step.parallel("both", approval, fails_the_first_time)[0]

    run = placed(stage, shop)
    stage.deliver(stage.one(EventMessage, starts_order))
    if comes == "after it":
        stage.pass_time(120_000)
        stage.deliver(stage.one(TimerDue))
    stage.send(shop.Approved(order_id="o-1"))
    assert stage.deliver(stage.one(EventMessage, is_signal)) == Ack()
    stage.pass_time(120_000)
    stage.run_until_idle()
    assert stage.header(run).status is RunStatus.COMPLETED
    assert stage.run(run).result == "ada"
    assert attempts[:2] == [1, 2]
    assert not rows(stage)
