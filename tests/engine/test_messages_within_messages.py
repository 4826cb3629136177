"""A message that comes before its time is sent on; one that is too large for a queue or a timer travels as a reference."""

from datetime import timedelta
from typing import Any

import pytest

from milepost import App, Event, Failure, Step
from milepost.engine import keys
from milepost.engine.deliver import ACK
from milepost.engine.messages import Delayed, Message, MessageError, Parcel, Publish, Start, decode, encode
from milepost.engine.parcels import PARCEL_BYTES, fitting, opened
from milepost.local.assembly import ports_on
from milepost.timestamps import instant
from tests.engine.shop import Shop
from tests.engine.stage import SECOND, Stage, arms

DETAIL = '{"order_id":"o-1","_milepost":{"id":"later"}}'
PUBLISH = Publish(name="shop/order.placed", source="x", detail=DETAIL, id="later")


def early(stage: Stage, message: Message, by_ms: int) -> tuple[Delayed, str]:
    delayed = Delayed(due_at=stage.clock.now_ms() + by_ms, body=encode(message))
    return delayed, encode(message)


@pytest.mark.parametrize("by_ms", [1, 59_999, 120_000])
def test_what_comes_early_is_sent_on_with_the_rest_of_its_delay(shop: Shop, stage: Stage, by_ms: int) -> None:
    shop.two_steps()
    delayed, body = early(stage, PUBLISH, by_ms)
    assert stage.deliver(stage.message(delayed)) == ACK
    assert stage.take() == []
    assert shop.did == []
    stage.pass_time(by_ms - 1)
    assert stage.take() == []
    stage.pass_time(1)
    [rest] = stage.take()
    assert rest.body == body
    stage.run_until_idle()
    assert shop.did == ["a", "b"]


@pytest.mark.parametrize("by_ms", [0, -60_000])
def test_what_comes_in_time_is_what_was_within(shop: Shop, stage: Stage, by_ms: int) -> None:
    shop.two_steps()
    delayed, _ = early(stage, PUBLISH, by_ms)
    assert stage.deliver(stage.message(delayed)) == ACK
    stage.run_until_idle()
    assert stage.only_run("order").result == "ab"


def test_a_worker_that_dies_while_it_sends_on_loses_nothing(shop: Shop, stage: Stage) -> None:
    shop.two_steps()
    delayed, _ = early(stage, PUBLISH, 5 * SECOND)
    dying = stage.watching(lambda call: (_ for _ in ()).throw(RuntimeError("dies")) if arms(call) else None)
    with pytest.raises(RuntimeError, match="dies"):
        stage.deliver(stage.message(delayed), dying)
    assert [each.deliveries for each in stage.hand] == [2]
    stage.pass_time(5 * SECOND)
    stage.run_until_idle()
    assert stage.only_run("order").result == "ab"


def test_poison_within_is_poison(stage: Stage) -> None:
    with pytest.raises(MessageError):
        stage.deliver(stage.message(Delayed(due_at=0, body="poison")))
    with pytest.raises(MessageError, match=f"lay in a blob that is gone or damaged: sha256:{'0' * 64}"):
        stage.deliver(stage.message(Parcel(ref="sha256:" + "0" * 64)))


# ---- large ones ------------------------------------------------------------------------------------------------------


def quotes(size: int) -> str:
    """Text that takes twice its size in a message, and as much again in a message within one."""
    return '"' * size


@pytest.mark.parametrize("data", [quotes(70_000), quotes(2_000_000), "é" * 62_000], ids=["quotes", "many quotes", "letters"])
def test_a_large_message_is_a_parcel_that_every_timer_takes(stage: Stage, data: str) -> None:
    start = Start(run="r", function="f", data=data)
    body = fitting(encode(start), stage.ports.blobs)
    parcel = decode(body)
    assert isinstance(parcel, Parcel)
    assert (parcel.run, parcel.function) == ("r", "f")
    assert decode(opened(parcel, stage.ports.blobs)) == start
    assert len(body) < 200


@pytest.mark.parametrize("data", ["", quotes(61_000), "é" * 60_000], ids=["empty", "quotes", "letters"])
def test_what_a_schedule_has_room_for_is_none(stage: Stage, data: str) -> None:
    start = Start(run="r", function="f", data=data)
    body = fitting(encode(start), stage.ports.blobs)
    assert decode(body) == start
    assert len(body.encode()) <= PARCEL_BYTES
    assert len(encode(Delayed(due_at=1_800_000_000_000, body=body)).encode()) <= 256 * 1024


class Report(Event):
    text: str


def large_app() -> tuple[App, list[Any]]:
    """A child with much to do, a failure with much to tell."""
    app, seen = App("large"), list[Any]()
    app.event("large/report")(Report)

    @app.function()
    def child(text: str, step: Step) -> int:
        return len(text)

    def tell(event: Report, step: Step, failure: Failure) -> None:
        seen.append((len(event.text), len(failure.event["text"])))

    @app.function(on=Report, on_failure=tell, retries=0)
    def parent(event: Report, step: Step) -> None:
        seen.append(step.invoke("count", child, event.text))
        raise RuntimeError("told enough")

    return app, seen


def test_starts_carry_what_no_queue_takes() -> None:
    """Twice the event's data: for a child, and for the failure's handler."""
    app, seen = large_app()
    sizes: list[int] = []
    with Stage(app) as stage:
        worker = stage.watching(lambda call: sizes.extend(len(one.body) for one in call.args[0]) if call.port == "queue" else None)
        stage.send(Report(text=quotes(450_000)))
        stage.run_until_idle(worker)
    assert seen == [450_000, (450_000, 450_000)]
    assert sizes
    assert max(sizes) <= PARCEL_BYTES


def test_a_large_event_for_later_is_published_then(shop: Shop, stage: Stage) -> None:
    app, seen = large_app()
    with Stage(app) as large:
        large.client.send([Report(text=quotes(450_000))], at=instant(large.clock.now_ms()) + timedelta(days=1))
        large.pass_time(24 * 3600 * SECOND - 1)
        assert large.take() == []
        large.pass_time(1)
        assert large.kinds() == ["Parcel"]
        large.run_until_idle()
    assert seen[0] == 450_000


def test_a_parcel_comes_again_until_it_is_done() -> None:
    app, _ = large_app()
    for after in range(1, 12):
        with Stage(app) as stage:
            start = Start(run=keys.run_id("child", "~invoke", str(after)), function="child", data=f'"{"x" * 200_000}"')
            received = stage.message(Parcel(ref=body_ref(stage, start)))
            died = stage.crash(received, after)
            stage.pass_time(200 * SECOND)
            stage.run_until_idle()
            assert stage.run(start.run).result == 200_000
        if not died:
            return
    pytest.fail("the worker died at every call")


def body_ref(stage: Stage, message: Message) -> str:
    parcel = decode(fitting(encode(message), ports_on(stage.store, stage.clock, None).blobs))
    assert isinstance(parcel, Parcel)
    return parcel.ref
