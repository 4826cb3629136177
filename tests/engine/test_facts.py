"""What the engine tells for metrics: each fact once, by whoever made it so, and nothing when nobody listens."""

from dataclasses import replace
from datetime import timedelta

from msgspec import Raw

from milepost import App, Event, Retry, Step
from milepost.engine.facts import Fact, Replayed, Resumed, Retried, RunEnded, RunPaused, RunStarted, Slept, StepEnded, TooManyHops
from milepost.engine.messages import BusEvent, Envelope, EventMessage, TimerDue, detail_of
from milepost.engine.worker import Worker
from milepost.runs import RunStatus
from tests.engine.shop import HOUR_MS, Shop, placed
from tests.engine.stage import SECOND, Stage


class Told:
    """A worker of the stage, and what it tells."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.facts: list[Fact] = []
        self.worker: Worker = replace(stage.worker, notice=self.facts.append)

    def run_until_idle(self) -> list[Fact]:
        self.stage.run_until_idle(self.worker)
        facts, self.facts[:] = list(self.facts), []
        return facts


def test_two_steps(shop: Shop, stage: Stage) -> None:
    shop.two_steps()
    run = placed(stage, shop)
    stage.take()
    stage.pass_time(250)
    assert Told(stage).run_until_idle() == [
        RunStarted("order", run, 250),
        StepEnded("order", run, "a", True, 0, 1),
        StepEnded("order", run, "b", True, 0, 1),
        RunEnded("order", run, RunStatus.COMPLETED, 0),
    ]


def test_a_sleep_that_ends_late(shop: Shop, stage: Stage) -> None:
    shop.sleeps()
    run = placed(stage, shop)
    told = Told(stage)
    assert [type(fact) for fact in told.run_until_idle()] == [RunStarted, StepEnded]
    stage.pass_time(HOUR_MS + 3 * SECOND)
    assert told.run_until_idle() == [
        Resumed("order", run, 3 * SECOND),
        Replayed("order", run, 2),
        Slept("order", run, "nap", 3 * SECOND),
        StepEnded("order", run, "b", True, 0, 1),
        RunEnded("order", run, RunStatus.COMPLETED, HOUR_MS + 3 * SECOND),
    ]


def test_a_sleep_is_told_of_once_however_often_it_is_replayed(shop: Shop, stage: Stage) -> None:
    app, event = shop.app, shop.Placed

    @app.function(on=event)
    def order(event: object, step: Step) -> str:
        step.sleep("one", timedelta(minutes=1))
        step.run("b", shop.do, "b")
        step.sleep("two", timedelta(minutes=1))
        return step.run("c", shop.do, "c")

    placed(stage, shop)
    told = Told(stage)
    facts = told.run_until_idle()
    for _ in range(2):
        stage.pass_time(60 * SECOND)
        facts += told.run_until_idle()
    assert [fact.path for fact in facts if isinstance(fact, Slept)] == ["one", "two"]


def test_a_step_that_is_tried_again_and_fails(stage: Stage, shop: Shop) -> None:
    def break_it() -> None:
        raise ValueError("no")

    @shop.app.function(on=shop.Placed, retry=Retry(retries=0))
    def order(event: object, step: Step) -> None:
        step.options(retry=Retry(retries=1, delays=[timedelta(minutes=5)], jitter=0)).run("a", break_it)

    run = placed(stage, shop)
    told = Told(stage)
    assert told.run_until_idle()[1:] == [Retried("order", run, "a")]
    stage.pass_time(300 * SECOND)
    assert told.run_until_idle() == [
        Resumed("order", run, 0),
        Replayed("order", run, 1),
        StepEnded("order", run, "a", False, 0, 2),
        RunEnded("order", run, RunStatus.FAILED, 300 * SECOND),
    ]


def test_a_body_that_is_tried_again(stage: Stage, shop: Shop) -> None:
    @shop.app.function(on=shop.Placed, retry=Retry(retries=1, delays=[timedelta(minutes=5)], jitter=0))
    def order(event: object, step: Step) -> None:
        raise ValueError("no")

    run = placed(stage, shop)
    told = Told(stage)
    assert told.run_until_idle()[1:] == [Retried("order", run, "")]
    stage.pass_time(300 * SECOND)
    assert told.run_until_idle()[-1] == RunEnded("order", run, RunStatus.FAILED, 300 * SECOND)


def test_a_redelivered_message_tells_of_no_second_start(shop: Shop, stage: Stage) -> None:
    shop.two_steps()
    run = placed(stage, shop)
    told = Told(stage)
    assert stage.crash(stage.one(EventMessage), 2, told.worker)
    assert told.facts == [RunStarted("order", run, 0)]
    facts = told.run_until_idle()
    assert [type(fact) for fact in facts] == [RunStarted, Resumed, Replayed, StepEnded, RunEnded]


def test_a_run_that_its_event_cancels(shop: Shop, stage: Stage) -> None:
    shop.cancellable()
    run = placed(stage, shop)
    told = Told(stage)
    told.run_until_idle()
    stage.pass_time(SECOND)
    stage.send(shop.Cancelled(order_id="o-1"))
    assert told.run_until_idle() == [RunEnded("order", run, RunStatus.CANCELLED, SECOND)]


def test_a_run_that_diverges_is_paused(stage: Stage, shop: Shop) -> None:
    shop.sleeps()
    run = placed(stage, shop)
    told = Told(stage)
    told.run_until_idle()
    again = Shop()

    @again.app.function(on=again.Placed)
    def order(event: object, step: Step) -> None:
        step.sleep("a", timedelta(hours=1))

    told.worker = replace(stage.new_worker(app=again.app), notice=told.facts.append)
    stage.pass_time(HOUR_MS)
    facts = told.run_until_idle()
    [paused] = [fact for fact in facts if isinstance(fact, RunPaused)]
    assert (paused.function, paused.run) == ("order", run)
    assert "is recorded as" in paused.reason


def test_a_loop_of_events_ends_with_a_fact() -> None:
    app = App("loop")

    @app.event("shop/ping")
    class Ping(Event):
        number: int

    @app.function(on=Ping)
    def pong(event: Ping, step: Step) -> None:
        step.send_event("again", Ping(number=event.number + 1))

    with Stage(app) as stage:
        stage.send(Ping(number=0))
        facts = Told(stage).run_until_idle()
        assert sum(isinstance(fact, RunStarted) for fact in facts) == 33
        [hops] = [fact for fact in facts if isinstance(fact, TooManyHops)]
        assert (hops.function, hops.hops) == ("pong", 33)
        assert isinstance(facts[-1], RunEnded)
        assert facts[-1].status is RunStatus.FAILED


def test_a_timer_that_comes_late_is_the_latency_of_the_run(shop: Shop, stage: Stage) -> None:
    shop.waits()
    run = placed(stage, shop)
    told = Told(stage)
    told.run_until_idle()
    stage.pass_time(24 * HOUR_MS + 7 * SECOND)
    assert stage.kinds() == [TimerDue.__name__]
    assert Resumed("order", run, 7 * SECOND) in told.run_until_idle()


def test_an_event_that_comes_with_too_many_hops_starts_nothing(shop: Shop, stage: Stage) -> None:
    shop.two_steps()
    detail = Raw(detail_of('{"order_id":"o-1"}', Envelope(id="loop", hops=33)).encode())
    event = BusEvent(id="bus", detail_type="shop/order.placed", detail=detail, source="milepost.other")
    told = Told(stage)
    stage.deliver(stage.message(EventMessage(target="order", at=stage.clock.at_ms, event=event)), told.worker)
    assert told.facts == [TooManyHops("order", "loop", 33)]
    assert shop.did == []
