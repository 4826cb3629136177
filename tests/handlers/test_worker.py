"""The worker's Lambda function: what it reports of a batch, and what it does with the time it has."""

from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from milepost import App, Event, Step
from milepost.aws.serving import Server
from milepost.engine.messages import Poke, Received, encode
from milepost.engine.ports import PortError
from milepost.errors import ConfigurationError
from milepost.testing.crashes import Fuse, WorkerKilled, mortal
from milepost_handlers import worker
from milepost_handlers.runtime import Runtime, current, install
from tests.engine.stage import HandClock, watched
from tests.handlers.lambda_kit import Context, Lambda, deployed, record_of


class Parcels:
    """An app that does one thing for each event."""

    def __init__(self) -> None:
        self.app = App("parcels")
        self.did: list[str] = []

        @self.app.event("parcel/sent", keys=("id",))
        class Sent(Event):
            id: str

        @self.app.function(on=Sent)
        def deliver(event: Sent, step: Step) -> str:
            return step.run("carry", self.carry, event.id)

        self.Sent, self.deliver = Sent, deliver

    def carry(self, id: str) -> str:
        self.did.append(id)
        return id


def sent(function: Lambda, parcels: Parcels, *ids: str) -> None:
    for id in ids:
        function.stage.send(parcels.Sent(id=id), id=id)


def test_a_message_that_is_done_is_not_reported() -> None:
    parcels = Parcels()
    with deployed(parcels.app) as function:
        sent(function, parcels, "p-1")
        assert function.run_until_idle() == 1
        assert function.answers == [{"batchItemFailures": []}]
        assert function.stage.only_run("deliver").status == "completed"


def test_a_poison_message_becomes_a_dead_letter_alone() -> None:
    parcels = Parcels()
    with deployed(parcels.app, batch=3) as function:
        sent(function, parcels, "p-1")
        function.send("no message at all")
        sent(function, parcels, "p-2")
        first = function.poll()
        assert len(first) == 3
        [failure] = function.answers[0]["batchItemFailures"]
        poison = failure["itemIdentifier"]
        assert poison == first[1]
        deliveries = 1
        while True:
            function.stage.pass_time(120_000)
            polled = function.poll()
            if not polled:
                break
            assert polled == [poison]
            deliveries += 1
        assert deliveries == 8
        assert sorted(parcels.did) == ["p-1", "p-2"]


@pytest.mark.parametrize("body", ["[]", "{}", '{"kind":"unknown"}', '{"v":99,"kind":"poke","run":"x"}', "\x00", '"text"', "null"])
def test_a_message_of_no_known_kind_stays(body: str, capsys: pytest.CaptureFixture[str]) -> None:
    parcels = Parcels()
    with deployed(parcels.app) as function:
        function.send(body)
        [id] = function.poll()
        assert function.answers == [{"batchItemFailures": [{"itemIdentifier": id}]}]
        assert "a message that nobody can read" in capsys.readouterr().out


def test_messages_of_a_batch_are_handled_at_once() -> None:
    barrier = Barrier(10, timeout=20)
    parcels = Parcels()

    def carry(id: str) -> str:
        barrier.wait()
        return id

    parcels.carry = carry  # type: ignore[method-assign]
    with deployed(parcels.app, batch=10) as function:
        sent(function, parcels, *(f"p-{n}" for n in range(10)))
        assert function.run_until_idle() == 1
        assert {run.status for run in function.stage.client.runs(function.stage.newest)} == {"completed"}


def test_a_message_that_meets_its_own_lease_is_visible_again_when_that_has_ended() -> None:
    parcels = Parcels()
    with deployed(parcels.app) as function:
        fuse = Fuse()
        runtime = current()
        mortals = replace(runtime.worker, ports=mortal(runtime.worker.ports, fuse))
        install(replace(runtime, worker=mortals, server=function.made(ports=mortals.ports).server))
        sent(function, parcels, "p-1")
        fuse.light(2)
        [received] = function.mailbox.receive(function.stage.clock.now_ms(), 1)
        with pytest.raises(WorkerKilled):
            worker.handler({"Records": [record_of(received)]}, Context())
        install(function.made())
        function.stage.pass_time(10_000)
        again = replace_deliveries(received, 2)
        answer = worker.handler({"Records": [record_of(again)]}, Context())
        assert answer == {"batchItemFailures": [{"itemIdentifier": received.id}]}
        assert function.postponed == [(f"handle of {received.id}", 66)]  # of 75 s of lease 10 are over; it is rounded up
        function.stage.pass_time(66_000)
        assert worker.handler({"Records": [record_of(replace_deliveries(received, 3))]}, Context()) == {"batchItemFailures": []}
        assert function.stage.only_run("deliver").status == "completed"


def replace_deliveries(received: Received, deliveries: int) -> Received:
    return Received(received.id, received.group, received.body, deliveries, received.sent_at_ms)


def test_a_message_whose_service_fails_stays_and_keeps_its_visibility(capsys: pytest.CaptureFixture[str]) -> None:
    parcels = Parcels()

    def refuse(_call: Any) -> None:
        raise PortError("dynamodb:PutItem on table 'x' is throttled")

    with deployed(parcels.app) as function:
        sent(function, parcels, "p-1")
        whole = current()
        install(function.made(ports=watched(whole.worker.ports, refuse)))
        [id] = function.poll()
        assert function.answers == [{"batchItemFailures": [{"itemIdentifier": id}]}]
        assert function.postponed == []
        out = capsys.readouterr().out
        assert "dynamodb:PutItem on table 'x' is throttled" in out
        assert id in out
        install(whole)
        assert function.poll() == []
        function.stage.pass_time(120_000)
        function.run_until_idle()
        assert function.stage.only_run("deliver").status == "completed"


def test_who_serves_is_told_of_what_failed() -> None:
    parcels = Parcels()
    told: list[tuple[str, str]] = []
    with deployed(parcels.app) as function:
        runtime = current()
        server = Server(
            runtime.worker, "default", lambda _handle, _seconds: None, failed=lambda one, error: told.append((one.body, str(error)))
        )
        install(Runtime(worker=runtime.worker, server=server))
        function.send("{}")
        function.poll()
        [(body, error)] = told
        assert body == "{}"
        assert error.startswith("not a message of milepost")


def test_a_visibility_that_cannot_be_changed_harms_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(_handle: str, _seconds: int) -> None:
        raise PortError("sqs:ChangeMessageVisibility is not allowed")

    parcels = Parcels()
    with deployed(parcels.app) as function:
        sent(function, parcels, "p-1")
        [received] = function.mailbox.receive(function.stage.clock.now_ms(), 1)
        assert function.stage.crash(received, 2)
        runtime = current()
        install(Runtime(worker=runtime.worker, server=Server(runtime.worker, "default", refuse)))
        answer = worker.handler({"Records": [record_of(replace_deliveries(received, 2))]}, Context())
        assert answer == {"batchItemFailures": [{"itemIdentifier": received.id}]}
        assert "sqs:ChangeMessageVisibility is not allowed" in capsys.readouterr().out


def test_a_slice_ends_before_its_invocation_does() -> None:
    app = App("slow")

    @app.event("work/asked")
    class Asked(Event):
        pass

    clocks: list[HandClock] = []

    def spend() -> None:
        clocks[0].at_ms += 20_000

    @app.function(on=Asked)
    def work(event: Asked, step: Step) -> int:
        for n in range(5):
            step.run(f"s{n}", spend)
        return 5

    with deployed(app) as function:
        clocks.append(function.stage.clock)
        function.stage.send(Asked())
        assert function.run_until_idle() == 2  # three steps of 20 s fit into 60 s, the rest is for a continuation
        assert function.stage.only_run("work").result == 5


def test_a_function_that_is_no_longer_deployed_keeps_its_run() -> None:
    parcels = Parcels()

    @parcels.app.function(on=parcels.Sent)
    def gone(event: Any, step: Step) -> None:
        step.sleep("nap", timedelta(hours=1))

    with deployed(parcels.app) as function:
        sent(function, parcels, "p-1")
        function.run_until_idle()
        before = current()
        without = Parcels().app.definitions
        without._version = "without it"  # pyright: ignore[reportPrivateUsage]
        install(function.made(definitions=without))
        function.stage.pass_time(3_600_000)
        function.run_until_idle()
        run = function.stage.only_run("gone")
        assert run.status == "paused"
        assert "is not deployed" in (function.stage.header(run.id).reason or "")
        install(before)  # it is deployed again
        assert function.sweep()["resumed"] == 1
        function.run_until_idle()
        assert function.stage.only_run("gone").status == "completed"


def test_what_is_no_batch_of_sqs_is_refused() -> None:
    parcels = Parcels()
    with deployed(parcels.app):
        events: list[dict[str, Any]] = [{}, {"Records": []}, {"Records": [{"Sns": {"Message": encode(Poke(run="x"))}}]}]
        for event in events:
            with pytest.raises(ConfigurationError, match="a worker serves its group's SQS queue"):
                worker.handler(event, Context())


def test_a_message_is_never_put_off_longer_than_sqs_allows() -> None:
    parcels = Parcels()
    with deployed(parcels.app) as function:
        sent(function, parcels, "p-1")
        [received] = function.mailbox.receive(function.stage.clock.now_ms(), 1)
        assert function.stage.crash(received, 2)
        function.stage.clock.at_ms -= 100 * 3_600_000  # by a clock so far behind that the lease ends in days
        worker.handler({"Records": [record_of(replace_deliveries(received, 2))]}, Context())
        assert function.postponed == [(f"handle of {received.id}", 42_300)]
