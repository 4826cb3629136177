"""A Sandbox on moto: the same surface and the same results as in memory, and what only moto has."""

import os
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, Literal

import pytest
from moto import mock_aws

from milepost import App, Cron, CronTick, Event, RetryAfterError, Step, StepError, Trigger, UsageError
from milepost.testing import Sandbox
from tests.testing.moto_bed import BOTO

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BACKENDS: Final[tuple[Literal["memory", "moto"], ...]] = ("memory", "moto")


class Placed(Event):
    order: str
    total: Decimal = Decimal("9.50")


class Paid(Event):
    order: str


def shop() -> App:
    app = App("shop")
    app.event("shop/order.placed", keys=("order",))(Placed)
    app.event("shop/order.paid", keys=("order",))(Paid)
    return app


def test_a_mistyped_backend_is_an_error() -> None:
    app = shop()
    with pytest.raises(UsageError, match="backend='memory' or backend='moto', not 'motto'"):
        Sandbox(app, backend="motto")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_one_box_on_moto_at_a_time() -> None:
    app = shop()
    with Sandbox(app, backend="moto"), pytest.raises(UsageError, match="one per process"), Sandbox(app, backend="moto"):
        pass
    with Sandbox(app, backend="moto"):
        pass


def test_a_box_starts_empty_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    app = shop()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    before = dict(os.environ)

    @app.function(on=Placed)
    def fulfil(event: Placed, step: Step) -> str:
        return "done"

    for _ in range(2):
        with Sandbox(app, backend="moto") as box:
            assert box.runs() == []
            [run] = box.send(Placed(order="o-1"))
            assert run.result == "done"
            assert BOTO.client("s3").list_buckets()["Buckets"]
            os.environ["SET_WITHIN"] = "stays"
        assert os.environ.pop("SET_WITHIN") == "stays"
        assert dict(os.environ) == before


def test_within_the_users_own_mock_each_box_is_empty_and_his_things_stay() -> None:
    app = shop()
    with mock_aws():
        s3 = BOTO.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="mine")
        for _ in range(2):
            with Sandbox(app, backend="moto") as box:
                assert box.runs() == []
        assert "mine" in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


def test_user_codes_own_clients_reach_the_same_moto_even_those_made_before_it() -> None:
    app = shop()
    client = BOTO.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y")

    def upload(order: str) -> str:
        client.put_object(Bucket="reports", Key=order, Body=b"report")
        return order

    @app.function(on=Placed)
    def report(event: Placed, step: Step) -> str:
        return step.run("upload", upload, event.order)

    with Sandbox(app, backend="moto") as box:
        BOTO.client("s3").create_bucket(Bucket="reports")
        [run] = box.send(Placed(order="o-1"))
        assert run.result == "o-1"
        assert client.get_object(Bucket="reports", Key="o-1")["Body"].read() == b"report"


def test_an_event_that_another_producer_puts_starts_a_run() -> None:
    app = shop()

    @app.function(on=Trigger(Placed, where={"total": [{"numeric": [">", 100]}]}))
    def large(event: Placed, step: Step) -> Decimal:
        return event.total

    for backend in BACKENDS:
        with Sandbox(app, backend=backend) as box:
            assert box.put_event("shop/order.placed", {"order": "small", "total": 1.5}, source="till") == []
            [run] = box.put_event("shop/order.placed", {"order": "o-1", "total": Decimal("100.10")}, source="till")
            assert run.result == Decimal("100.10")


def test_an_event_of_an_aws_service_starts_a_run() -> None:
    app = App("shop")

    @app.event("Object Created", source="aws.s3")
    class Uploaded(Event):
        bucket: dict[str, str]
        object: dict[str, Any]

    @app.function(on=Uploaded)
    def read(event: Uploaded, step: Step) -> str:
        return f"{event.bucket['name']}/{event.object['key']}"

    with Sandbox(app, backend="moto") as box:
        s3 = BOTO.client("s3")
        s3.create_bucket(Bucket="uploads")
        s3.put_bucket_notification_configuration(Bucket="uploads", NotificationConfiguration={"EventBridgeConfiguration": {}})
        s3.put_object(Bucket="uploads", Key="a.csv", Body=b"1")
        box.run_until_idle()
        assert [run.result for run in box.runs(read)] == ["uploads/a.csv"]
        [run] = box.put_event("Object Created", {"bucket": {"name": "b"}, "object": {"key": "k"}}, source="aws.s3")
        assert run.result == "b/k"


def test_a_worker_that_dies_gets_its_message_again_when_its_visibility_ends() -> None:
    app = shop()
    done: list[str] = []

    @app.function(on=Placed)
    def fulfil(event: Placed, step: Step) -> str:
        step.run("charge", done.append, "charged")
        step.run("ship", done.append, "shipped")
        return "done"

    with Sandbox(app, backend="moto") as box:
        box.crash_after(2)
        start = box.now
        [run] = box.send(Placed(order="o-1"))
        assert (run.result, done, box.now - start) == ("done", ["charged", "shipped"], timedelta(seconds=120))


def test_a_poison_message_reaches_the_dead_letter_queue_alone() -> None:
    app = shop()

    @app.function(on=Placed)
    def fulfil(event: Placed, step: Step) -> str:
        return "done"

    with Sandbox(app, backend="moto") as box:
        sqs = BOTO.client("sqs")
        url = sqs.get_queue_url(QueueName="shop-sandbox-default")["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="poison")
        [run] = box.send(Placed(order="o-1"))
        assert run.result == "done"
        box.advance(HOUR)
        dead = sqs.get_queue_url(QueueName="shop-sandbox-default-dlq")["QueueUrl"]
        assert [message["Body"] for message in sqs.receive_message(QueueUrl=dead)["Messages"]] == ["poison"]


def test_a_bug_beneath_a_run_is_shown_to_the_test() -> None:
    app = shop()

    @app.function(on=Placed)
    def fulfil(event: Placed, step: Step) -> str:
        return step.run("say", str)

    with Sandbox(app, backend="moto") as box:
        BOTO.client("dynamodb").delete_table(TableName="shop-sandbox-state")
        with pytest.raises(Exception, match="there is no table 'shop-sandbox-state'"):
            box.send(Placed(order="o-1"))


def sleepy(app: App) -> None:
    tries: list[int] = []

    def fail_once() -> str:
        tries.append(1)
        if len(tries) % 2:
            raise RetryAfterError(timedelta(hours=2), "busy")
        return "done"

    def fail() -> None:
        raise ValueError("no")

    @app.function(on=Placed, waits_for=[Paid], retries=1)
    def fulfil(event: Placed, step: Step) -> list[Any]:
        step.sleep("short", timedelta(minutes=5))
        step.sleep("long", timedelta(days=40))
        paid = step.wait_for_event("paid", Paid, order=event.order, timeout=DAY)
        values = step.map("each", abs, [-1, -2, -3])
        try:
            step.run("never", fail)
        except StepError as error:
            return [paid is None, values, step.run("again", fail_once), str(error)]
        return []


def test_histories_and_bill_are_those_of_memory() -> None:
    seen: list[object] = []
    for backend in BACKENDS:
        app = shop()
        sleepy(app)
        with Sandbox(app, backend=backend) as box:
            [run] = box.send(Placed(order="o-1"))
            box.advance(timedelta(days=50))
            assert run.result == [True, [1, 2, 3], "done", "step 'never' failed: ValueError: no"]
            again = box.rerun(run)
            box.pause(again)
            box.resume(again)
            box.cancel(again)
            runs = [(each.id, each.status, [(step.path, step.status, step.result) for step in each.steps]) for each in box.runs()]
            seen.append((runs, box.meter.usage))
    assert seen[0] == seen[1]


def test_crons_tick_by_the_sweeper_on_the_second() -> None:
    app = shop()

    @app.function(on=Cron("*/7 * * * *"))
    def tick(event: CronTick, step: Step) -> str:
        return step.run("say", str, event.scheduled_at)

    seen: list[list[object]] = []
    for backend in BACKENDS:
        with Sandbox(app, backend=backend) as box:
            box.advance(timedelta(minutes=30))
            seen.append([(run.result, run.steps[0].started_at) for run in box.runs(tick)])
    assert seen[0] == seen[1]
    assert len(seen[1]) == 4


@pytest.mark.parametrize("name", BACKENDS)
def test_a_month_passes(name: Literal["memory", "moto"]) -> None:
    app = shop()

    @app.function(on=Placed)
    def fulfil(event: Placed, step: Step) -> str:
        step.sleep("month", timedelta(days=30))
        return step.run("done", say)

    def say() -> str:
        return "done"

    with Sandbox(app, backend=name) as box:
        [run] = box.send(Placed(order="o-1"))
        box.advance(timedelta(days=29))
        assert run.status == "waiting"
        box.advance(DAY)
        assert run.result == "done"
        [last] = [step for step in run.steps if step.name == "done"]
        assert last.started_at is not None
        assert timedelta() <= last.started_at - run.steps[0].started_at - timedelta(days=30) < timedelta(seconds=1)


def test_stubs_stand_in_and_nothing_else_is_changed() -> None:
    app = shop()
    called: list[Callable[..., Any]] = []

    @app.function(on=Placed)
    def fulfil(event: Placed, step: Step) -> str:
        step.run("charge", called.append, print)
        return "done"

    with Sandbox(app, backend="moto") as box:
        box.stub(fulfil, "charge", str)
        assert box.send(Placed(order="o-1"))[0].result == "done"
        assert called == []
