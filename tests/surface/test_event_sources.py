"""`@app.event(source=)`: events that are taken from one source alone; those of AWS services, which nobody else can send."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from milepost import App, DefinitionError, Event, EventError, Step, Trigger, UsageError
from milepost.engine import keys
from milepost.local import LocalCloud
from milepost.local.cloud import FileClient
from milepost.testing import Sandbox
from milepost.testing.choosing import BackendName

app = App("sources")


class Bucket(msgspec.Struct, frozen=True):
    name: str


class Stored(msgspec.Struct, frozen=True):
    key: str
    size: int


@app.event("Object Created", source="aws.s3")
class ObjectCreated(msgspec.Struct, frozen=True):
    bucket: Bucket
    object: Stored


@app.event("invoice.paid", keys=("invoice",), source="acme.billing")
class Paid(Event):
    invoice: str


@app.function(on=Trigger(ObjectCreated, where={"bucket": {"name": ["in"]}}))
def take_in(event: ObjectCreated, step: Step) -> str:
    return f"{event.object.key} {event.object.size} {step.event.source} {step.event.id}"


@app.function(waits_for=[Paid])
def bill(invoice: str, step: Step) -> str:
    paid = step.wait_for_event("paid", Paid, invoice=invoice, timeout=timedelta(days=30))
    return "paid" if paid is not None else "not paid"


@app.function()
def forge(event: None, step: Step) -> None:
    step.send_event("forged", ObjectCreated(bucket=Bucket("in"), object=Stored("a", 1)))


@app.function(on=Paid)
def book(event: Paid, step: Step) -> str:
    return step.event.source


NOTICE = {  # what S3 says, shortened
    "version": "0",
    "bucket": {"name": "in"},
    "object": {"key": "reports/a b.pdf", "size": 5, "etag": "b1946ac92492d2347c6235b4d2611184", "sequencer": "00617F08299329D189"},
    "request-id": "N4N7GDK58NMKJ12R",
    "reason": "PutObject",
}


BACKENDS: tuple[BackendName, ...] = ("memory", "moto")


@pytest.fixture(params=BACKENDS)
def box(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(app, backend=request.param) as opened:
        yield opened


def test_an_event_of_an_aws_service_starts_a_run_under_the_id_of_the_bus(box: Sandbox) -> None:
    [run] = box.put_event("Object Created", NOTICE, source="aws.s3")
    key, _, source, id = run.result.rsplit(" ", 3)
    assert (key, source) == ("reports/a b.pdf", "aws.s3")
    assert id


def test_its_filter_is_kept(box: Sandbox) -> None:
    assert box.put_event("Object Created", {**NOTICE, "bucket": {"name": "out"}}, source="aws.s3") == []
    assert box.runs() == []


def test_the_same_name_from_another_source_is_another_event(box: Sandbox) -> None:
    assert box.put_event("Object Created", NOTICE, source="acme.store") == []
    assert box.put_event("invoice.paid", {"invoice": "i-1"}, source="acme.shop") == []
    assert box.runs() == []


def test_a_box_sends_what_aws_would_send(box: Sandbox) -> None:
    event = ObjectCreated(bucket=Bucket("in"), object=Stored("a.txt", 7))
    [run] = box.send(event, id="mine")
    assert run.result == "a.txt 7 aws.s3 mine"
    with pytest.raises(UsageError, match="nobody sends 'Object Created' events for later"):
        box.send(event, at=box.now + timedelta(days=1))


def test_nobody_else_sends_it(box: Sandbox) -> None:
    with pytest.raises(EventError, match=r"events come from AWS: nobody else can send one with source 'aws\.s3'"):
        app.send(ObjectCreated(bucket=Bucket("in"), object=Stored("a", 1)))
    run = box.invoke(forge, None)
    assert run.status == "failed"
    assert run.error is not None
    assert "step 'forged': 'Object Created' events come from AWS" in run.error.message
    assert box.runs("take_in") == []


def test_an_event_with_a_source_is_awaited_from_it(box: Sandbox) -> None:
    run = box.invoke(bill, "i-1")
    box.put_event("invoice.paid", {"invoice": "i-1"}, source="somebody.else")
    assert run.status == "waiting"
    box.put_event("invoice.paid", {"invoice": "i-1"}, source="acme.billing")
    assert run.result == "paid"


def test_an_app_sends_it_under_that_source(box: Sandbox) -> None:
    [run] = box.send(Paid(invoice="i-1"))
    assert run.result == "acme.billing"


def test_a_client_without_the_code_sends_it_under_its_source(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with LocalCloud(app, path):
        pass
    with FileClient(None, path) as client:
        event = client.worker.definitions.event_named("Object Created")
        client.client.publish(client.client.entries([(event, msgspec.json.encode(NOTICE).decode())], "e-1"))
    with LocalCloud(app, path) as cloud:
        run = app.run(keys.run_id("take_in", "Object Created", "e-1"))
        cloud.wait(run, timeout=timedelta(seconds=20))
        assert run.result == "reports/a b.pdf 5 aws.s3 e-1"


@pytest.mark.parametrize("source", ["", " aws.s3", "x" * 257, 7, "a\nb"])
def test_what_cannot_be_a_source_is_an_import_error(source: Any) -> None:
    with pytest.raises(DefinitionError, match=r"@app\.event\('e', source=.*a source has 1 to 256 printable characters"):
        App("odd").event("e", source=source)
