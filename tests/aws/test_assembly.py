"""The ports put together: an app's doors act on a deployed stage, and a worker runs what they start."""

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from milepost import App, CloudError, ConfigurationError, Event, EventError, Run, RunNotFound, Step
from milepost.aws.assembly import client_on, ports_on, worker_on
from milepost.aws.clients import Clients
from milepost.contract import DIRECT
from milepost.engine.deliver import ACK, deliver
from milepost.engine.messages import Delayed, Parcel, Publish, Received, decode
from milepost.engine.parcels import opened
from milepost.testing import Sandbox
from tests.aws.deployed import NOW, Deployed, deployed, refused

app = App("shop")


@app.event("shop/order.placed", keys=("order_id",))
class Placed(Event):
    order_id: str
    note: str = ""


@app.event("Object Created", source="aws.s3")
class ObjectCreated(Event):
    reason: str


def shout(text: str) -> str:
    return text.upper()


@app.function(on=Placed)
def fulfil(event: Placed, step: Step) -> str:
    loud = step.run("shout", shout, event.note)
    step.sleep("rest", timedelta(days=1))
    return f"{event.order_id} {len(loud)}"


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    with deployed() as opened:
        for name, value in {**opened.names.to_environment(), DIRECT: "0"}.items():  # moto sees what boto3 sends
            monkeypatch.setenv(name, value)
        yield opened


def fresh() -> App:
    """An app that no cloud knows yet."""
    made = App("shop")
    made.event("shop/order.placed", keys=("order_id",))(Placed)
    made.event("Object Created", source="aws.s3")(ObjectCreated)
    made.function(on=Placed, name="fulfil")(fulfil.definition.body)
    return made


def test_doors_act_on_the_app_that_the_environment_names(stage: Deployed) -> None:
    shop = fresh()
    ids = shop.send(Placed(order_id="o-1"), Placed(order_id="o-2"), id="mine")
    assert ids == ["mine:0", "mine:1"]
    assert shop.runs() == []
    with pytest.raises(RunNotFound):
        shop.cancel("run-that-is-not")


def clients_alive() -> list[Clients]:
    return [each for each in gc.get_objects() if isinstance(each, Clients)]


def list_runs(shop: App) -> list[Run[Any]]:
    return shop.runs()


def test_the_client_is_made_once_whatever_threads_ask_for_it(stage: Deployed) -> None:
    shop = fresh()
    before = clients_alive()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(list_runs, [shop] * 16)) == [[]] * 16
    assert len([each for each in clients_alive() if not any(each is other for other in before)]) == 1


def test_all_that_is_missing_in_the_environment_is_said_at_once(stage: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MILEPOST_BUS")
    monkeypatch.setenv("MILEPOST_SCHEDULE_ROLE", "no-arn")
    with pytest.raises(ConfigurationError) as caught:
        fresh().runs()
    assert all(name in str(caught.value) for name in ("MILEPOST_BUS: is missing", "MILEPOST_SCHEDULE_ROLE: 'no-arn' is no ARN"))


def test_a_running_cloud_comes_before_the_environment(stage: Deployed) -> None:
    shop = fresh()
    with Sandbox(shop) as box:
        shop.send(Placed(order_id="o-1"), id="e-1")
        box.run_until_idle()
        assert [run.status for run in box.runs()] == ["waiting"]
    assert shop.runs() == []


def test_what_aws_refuses_a_door_is_a_cloud_error(stage: Deployed) -> None:
    stage.clients.dynamodb.delete_table(TableName=stage.names.table)
    with pytest.raises(CloudError, match="there is no table 'shop-sandbox-state' in eu-west-1"):
        fresh().runs()


def test_nobody_but_aws_sends_its_events(stage: Deployed) -> None:
    with pytest.raises(EventError, match=r"'Object Created' events come from AWS: nobody else can send one with source 'aws\.s3'"):
        fresh().send(Placed(order_id="o-1"), ObjectCreated(reason="PutObject"))
    client = client_on(stage.names, app.definitions, stage.clients)
    with pytest.raises(EventError, match="only AWS can send events"):
        client.send_json("Object Created", '{"reason": "PutObject"}')
    assert stage.requests("PutEvents") == []


def received(stage: Deployed, now: int) -> list[Received]:
    return [
        Received(message["MessageId"], "default", message["Body"], int(message["Attributes"]["ApproximateReceiveCount"]), now)
        for message in stage.received()
    ]


def test_a_worker_runs_a_run_whose_data_no_queue_takes(stage: Deployed) -> None:
    """The start travels as a parcel, its step's value lies in S3, and the sleep is a schedule."""
    ports = ports_on(stage.names, stage.clients, stage.clock)
    worker = worker_on(ports, app.definitions)
    client = client_on(stage.names, app.definitions, stage.clients)
    note = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(300_000))
    run = client.invoke(fulfil, Placed(order_id="o-1", note=note))
    [start] = received(stage, NOW)
    parcel = decode(start.body)
    assert isinstance(parcel, Parcel)
    assert (parcel.run, parcel.function) == (run.id, "fulfil")
    assert deliver(start, worker, NOW + 60_000) == ACK
    assert run.status == "waiting"
    [schedule] = stage.clients.scheduler.list_schedules(GroupName=stage.names.schedule_group)["Schedules"]
    stage.clock.now += 86_400_000
    fired = stage.clients.scheduler.get_schedule(GroupName=stage.names.schedule_group, Name=schedule["Name"])["Target"]["Input"]
    assert deliver(Received("m-2", "default", fired, 1, stage.clock.now), worker, stage.clock.now + 60_000) == ACK
    assert run.result == "o-1 300000"


def test_an_event_for_later_of_any_size_waits_in_a_schedule(stage: Deployed) -> None:
    client = client_on(stage.names, app.definitions, stage.clients)
    note = '"' * 400_000
    [id] = client.send([Placed(order_id="o-1", note=note)], at=datetime.now().astimezone() + timedelta(days=30))
    [request] = stage.requests("CreateSchedule")
    delayed = decode(request["Target"]["Input"])
    assert isinstance(delayed, Delayed)
    parcel = decode(delayed.body)
    assert isinstance(parcel, Parcel)
    publish = decode(opened(parcel, ports_on(stage.names, stage.clients, stage.clock).blobs))
    assert isinstance(publish, Publish)
    assert publish.id == id
    assert msgspec.json.decode(publish.detail)["note"] == note


def test_a_door_says_which_permission_is_missing(stage: Deployed) -> None:
    client = client_on(stage.names, app.definitions, stage.clients)
    said = "User: arn:aws:iam::1:user/ada is not authorized to perform: events:PutEvents on resource: arn:aws:events:e:1:b"
    stage.answers(stage.clients.events, "PutEvents", refused("AccessDeniedException", said))
    with pytest.raises(CloudError, match=r"events:PutEvents on bus 'shop-sandbox-bus' .*is not allowed for arn:aws:iam::1:user/ada"):
        client.send([Placed(order_id="o-1")])
