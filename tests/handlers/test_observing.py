"""What an invocation writes: lines that say which run and step they are of, and metrics, once."""

import asyncio
import sys
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from milepost import App, AsyncStep, Backoff, Event, Retry, Step
from milepost.aws.metrics import METRICS, Gathered, Metric
from milepost.engine import keys
from milepost.engine.facts import Retried
from milepost_handlers import worker
from tests.engine.stage import HandClock
from tests.handlers.lambda_kit import Context, deployed, logged_in, metrics_in, record_of


class Stdout:
    """Whatever stdout is when a line is written: pytest has another for each test."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        """Nothing is kept."""


def own_logger() -> Any:
    """A user's own, of another service than the app."""
    return Logger(service="users-own", stream=Stdout())  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def values(line: dict[str, Any]) -> dict[str, list[float]]:
    return {name: line[name] for name in METRICS if name in line}


def test_lines_of_eight_messages_at_once_are_never_mixed(capsys: pytest.CaptureFixture[str]) -> None:
    app, logger = App("parallel"), own_logger()
    barrier = Barrier(8, timeout=20)

    @app.event("work/asked", keys=("id",))
    class Asked(Event):
        id: str

    def say(id: str, turn: int) -> None:
        barrier.wait()
        logger.info("in a step", extra={"of": id, "turn": turn})
        barrier.wait()

    @app.function(on=Asked)
    def work(event: Asked, step: Step) -> None:
        for turn in range(3):
            step.run(f"say {turn}", say, event.id, turn)
            logger.info("in the body", extra={"of": event.id})

    with deployed(app, batch=8) as function:
        for n in range(8):
            function.stage.send(Asked(id=f"w-{n}"), id=f"w-{n}")
        assert function.run_until_idle() == 1
    lines = [line for line in logged_in(capsys.readouterr().out) if line["service"] == "users-own"]
    assert len(lines) == 8 * 6
    for line in lines:
        id = line["of"]
        assert line["run_id"] == keys.run_id("work", "work/asked", id)
        assert (line["function"], line["event_id"], line["function_request_id"]) == ("work", id, "request-1")
        assert line.get("step") == (f"say {line['turn']}" if "turn" in line else None)


def test_lines_of_async_steps_at_once_are_never_mixed(capsys: pytest.CaptureFixture[str]) -> None:
    app, logger = App("parallel"), own_logger()

    @app.event("work/asked", keys=("id",))
    class Asked(Event):
        id: str

    async def say(n: int) -> None:
        await asyncio.sleep(0)
        logger.info("in a step", extra={"n": n})
        await asyncio.sleep(0)
        logger.info("in a step", extra={"n": n})

    def say_here(n: int) -> None:
        logger.info("in a step", extra={"n": n})

    @app.function(on=Asked)
    async def work(event: Asked, step: AsyncStep) -> None:
        await step.map("say", say, range(6))
        await step.run("6", say_here, 6)
        logger.info("in the body")

    with deployed(app) as function:
        function.stage.send(Asked(id="w"), id="w")
        function.run_until_idle()
    lines = [line for line in logged_in(capsys.readouterr().out) if line["service"] == "users-own"]
    *in_steps, in_body = lines
    assert len(in_steps) == 13
    assert all(line["step"] == ("6" if line["n"] == 6 else f"say/{line['n']}") for line in in_steps)
    assert "step" not in in_body
    assert {line["run_id"] for line in lines} == {keys.run_id("work", "work/asked", "w")}


def test_nothing_of_a_message_is_left_for_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    app, logger = App("next"), own_logger()

    @app.event("work/asked", keys=("id",))
    class Asked(Event):
        id: str

    @app.function(on=Asked)
    def work(event: Asked, step: Step) -> None:
        step.run("a", lambda: None)

    with deployed(app) as function:
        function.stage.send(Asked(id="w"), id="w")
        function.run_until_idle()
        logger.info("after it")
    [line] = [line for line in logged_in(capsys.readouterr().out) if line["message"] == "after it"]
    assert not {"run_id", "function", "event_id", "step", "message_id", "function_request_id"} & set(line)


def test_the_log_of_the_body_names_the_app(capsys: pytest.CaptureFixture[str]) -> None:
    app = App("named")

    @app.event("work/asked", keys=("id",))
    class Asked(Event):
        id: str

    @app.function(on=Asked)
    def work(event: Asked, step: Step) -> None:
        step.log.info("hello", colour="red")

    with deployed(app) as function:
        function.stage.send(Asked(id="w"), id="w")
        function.run_until_idle()
    [line] = [line for line in logged_in(capsys.readouterr().out) if line["message"] == "hello"]
    assert (line["service"], line["colour"], line["function"], line["event_id"]) == ("named", "red", "work", "w")


def test_a_message_that_nobody_can_read_is_logged_with_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    app = App("named")
    with deployed(app) as function:
        function.send("nothing")
        [id] = function.poll()
    [line] = logged_in(capsys.readouterr().out)
    assert (line["level"], line["message_id"], line["function_request_id"]) == ("ERROR", id, "request-1")


def test_metrics_are_written_once_for_each_function(capsys: pytest.CaptureFixture[str]) -> None:
    app = App("metered")
    clocks: list[HandClock] = []

    @app.event("work/asked", keys=("id",))
    class Asked(Event):
        id: str

    def take_2_s() -> None:
        clocks[0].at_ms += 2_000

    @app.function(on=Asked)
    def work(event: Asked, step: Step) -> None:
        step.run("a", take_2_s)
        step.sleep("nap", timedelta(hours=1))
        step.run("b", take_2_s)

    @app.function(on=Asked, retry=Retry(retries=1, delays=[timedelta(minutes=1)], jitter=0))
    def fail(event: Asked, step: Step) -> None:
        raise ValueError("no")

    with deployed(app, batch=2) as function:
        clock = function.stage.clock
        clocks.append(clock)
        function.stage.send(Asked(id="w"), id="w")
        function.stage.pass_time(500)
        function.poll()
        failing, working = metrics_in(capsys.readouterr().out)
        assert {line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0][1] for line in (failing, working)} == {"function"}
        assert (working["app"], working["function"]) == ("metered", "work")
        assert values(working) == {"RunsStarted": [1], "QueueDelay": [500], "StepDuration": [2_000], "StepAttempts": [1]}
        assert failing["function"] == "fail"
        assert values(failing)["Retries"] == [1]
        function.stage.pass_time(60_000)
        function.poll()
        [failing] = metrics_in(capsys.readouterr().out)
        assert values(failing)["RunsFailed"] == [1]
        function.stage.clock.at_ms = clock.at_ms - clock.at_ms % 1_000 + 3_600_000 + 3_000
        function.poll()
        [slept] = metrics_in(capsys.readouterr().out)
        assert {"RunsCompleted", "Replays", "ReplayedSteps", "SleepLateness", "ResumeLatency", "StepDuration"} <= set(values(slept))
        assert values(slept)["SleepLateness"] == values(slept)["ResumeLatency"]
        units = {each["Name"]: each["Unit"] for each in slept["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
        assert units == {name: METRICS[Metric(name)].unit for name in values(slept)}


def test_an_invocation_with_nothing_to_tell_writes_no_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    with deployed(App("idle")) as function:
        function.send("nothing")
        function.poll()
    assert metrics_in(capsys.readouterr().out) == []


def test_more_than_a_hundred_values_are_all_written(capsys: pytest.CaptureFixture[str]) -> None:
    metrics = Gathered("many")
    for n in range(250):
        metrics.notice(Retried("work", "run", str(n)))
    metrics.flush()
    metrics.flush()
    lines = metrics_in(capsys.readouterr().out)
    assert sum(len(line["Retries"]) for line in lines) == 250
    assert all((line["app"], line["function"]) == ("many", "work") for line in lines)


def test_the_service_of_powertools_is_no_dimension(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "theirs")
    metrics = Gathered("mine")
    metrics.notice(Retried("work", "run", ""))
    metrics.flush()
    [line] = metrics_in(capsys.readouterr().out)
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["app", "function"]]


def test_metrics_are_written_also_when_the_invocation_fails(capsys: pytest.CaptureFixture[str]) -> None:
    app = App("broken")

    @app.event("work/asked", keys=("id",))
    class Asked(Event):
        id: str

    @app.function(on=Asked)
    def work(event: Asked, step: Step) -> None:
        step.run("a", lambda: None)

    with deployed(app) as function:
        function.stage.send(Asked(id="w"), id="w")
        [received] = function.mailbox.receive(function.stage.clock.now_ms(), 1)
        record = record_of(received)
        broken = {"messageId": "m", "body": "{}"}
        with pytest.raises(Exception, match="a worker serves"):
            worker.handler({"Records": [record, broken]}, Context())
    assert [line["function"] for line in metrics_in(capsys.readouterr().out)] == ["work"]


def test_a_poll_is_named_like_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    app, logger = App("polls"), own_logger()

    @app.event("work/asked", keys=("id",))
    class Asked(Event):
        id: str

    def check() -> bool:
        logger.info("checked")
        return True

    @app.function(on=Asked)
    def work(event: Asked, step: Step) -> None:
        step.wait_until("ready", check, every=Backoff(timedelta(minutes=1)), timeout=timedelta(hours=1))

    with deployed(app) as function:
        function.stage.send(Asked(id="w"), id="w")
        function.run_until_idle()
    [line] = [line for line in logged_in(capsys.readouterr().out) if line["message"] == "checked"]
    assert line["step"] == "ready"


def test_a_trace_is_made_only_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with deployed(App("traced")) as function:
        function.send("nothing")
        function.poll()
        monkeypatch.setenv("MILEPOST_TRACING", "1")
        function.stage.pass_time(120_000)
        with pytest.raises(Exception, match="MILEPOST_TRACING is 1, and there is no aws-xray-sdk"):
            function.poll()


def test_a_loop_of_events_ends_after_33_invocations_with_a_metric(capsys: pytest.CaptureFixture[str]) -> None:
    app = App("loop")

    @app.event("shop/ping")
    class Ping(Event):
        number: int

    @app.function(on=Ping)
    def pong(event: Ping, step: Step) -> None:
        step.send_event("again", Ping(number=event.number + 1))

    with deployed(app) as function:
        function.stage.send(Ping(number=0))
        assert function.run_until_idle() == 33
        runs = function.stage.client.runs(function.stage.newest)
        assert sorted(run.status.value for run in runs) == ["completed"] * 32 + ["failed"]
    lines = metrics_in(capsys.readouterr().out)
    assert [line["HopsExceeded"] for line in lines if "HopsExceeded" in line] == [[1]]
    assert [line["RunsFailed"] for line in lines if "RunsFailed" in line] == [[1]]


def test_every_metric_is_described_in_a_unit_of_cloudwatch() -> None:
    assert set(METRICS) == set(Metric)
    assert {about.unit for about in METRICS.values()} == {"Count", "Milliseconds"}
