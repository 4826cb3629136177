"""The function that runs every minute: what it finds, and the ticks that it sends ahead."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from milepost import App, Cron, CronTick, Event, Step
from milepost.engine.messages import Start, decode
from milepost.engine.ports import Outgoing
from milepost.engine.schedules import Schedules
from milepost_handlers.runtime import install
from tests.engine.stage import HandClock, watched
from tests.handlers.lambda_kit import Lambda, deployed, metrics_in

MINUTE_MS = 60_000
CRON = "*/5 * * * *"


def ticking(*, jitter: timedelta = timedelta(0)) -> App:
    app = App("ticking")

    @app.function(on=Cron(CRON, jitter=jitter))
    def tick(event: CronTick, step: Step) -> tuple[datetime, datetime | None]:
        return event.scheduled_at, event.previous_at

    return app


def at(function: Lambda, text: str) -> None:
    """Set the clock, to a moment of 15 January 2027."""
    moment = datetime.fromisoformat(f"2027-01-15T{text}+00:00")
    function.stage.clock.at_ms = round(moment.timestamp() * 1000)


def armed(function: Lambda) -> list[tuple[int, str]]:
    """Of each tick that was sent: when its message is visible, and its run."""
    found: list[tuple[int, str]] = []
    while (due := function.mailbox.next_visible_at()) is not None:
        for received in function.mailbox.receive(due, 10):
            message = decode(received.body)
            assert isinstance(message, Start)
            found.append((due, message.run))
            function.mailbox.ack(received.id)
    return found


def test_a_tick_comes_on_its_second_although_the_sweeper_comes_between() -> None:
    with deployed(ticking()) as function:
        for minute in range(60):
            at(function, f"10:{minute:02}:37.250")
            function.sweep()
            function.run_until_idle()
            while (due := function.mailbox.next_visible_at()) is not None and due < function.stage.clock.at_ms + MINUTE_MS:
                function.stage.clock.at_ms = due
                function.run_until_idle()
        runs = function.stage.client.runs(function.stage.newest)
        wanted = [datetime(2027, 1, 15, 10, minute, tzinfo=UTC) for minute in range(5, 60, 5)] + [datetime(2027, 1, 15, 11, 0, tzinfo=UTC)]
        assert sorted(run.created_at for run in runs) == wanted
        ticks = sorted(run.result for run in runs)
        assert [tick[0] for tick in ticks] == wanted
        assert [tick[1] for tick in ticks] == [None, *wanted[:-1]]


def test_two_sweepers_at_once_make_one_run() -> None:
    with deployed(ticking()) as function:
        at(function, "09:58:30")
        function.sweep()  # now the cron is known
        at(function, "09:59:30")
        one, two = Schedules(function.made().worker), Schedules(function.made().worker)
        assert one.fire_until(function.stage.clock.at_ms + MINUTE_MS) == 1
        assert two.fire_until(function.stage.clock.at_ms + MINUTE_MS) == 1
        at(function, "10:00:00")
        [start] = function.mailbox.receive(function.stage.clock.at_ms, 10)  # timers of one name are one here; on SQS they may be two
        function.send(start.body)
        function.send(start.body)
        assert function.run_until_idle() == 2
        assert len(function.stage.client.runs(function.stage.newest)) == 1


def test_a_sweeper_that_slept_over_a_tick_does_not_set_the_last_one_back() -> None:
    with deployed(ticking()) as function:
        at(function, "09:58:30")
        function.sweep()
        at(function, "09:59:30")
        slow = Schedules(function.made().worker)
        function.sweep()
        at(function, "10:04:30")
        function.sweep()
        assert slow.fire() == 1  # the tick of 10:00, late and once more
        at(function, "10:05:01")
        function.run_until_idle()
        assert function.sweep()["ticks"] == 0
        assert len(function.stage.client.runs(function.stage.newest)) == 2


def test_two_sweepers_that_both_meet_a_new_cron() -> None:
    with deployed(ticking()) as function:
        at(function, "09:58:30")
        first: list[Any] = []

        def meet(_call: Any) -> None:
            if not first:
                first.append(None)
                function.stage.clock.at_ms -= 1
                first.append(Schedules(function.made().worker))
                function.stage.clock.at_ms += 1

        late = Schedules(function.made(ports=watched_puts(function, meet)).worker)
        assert late.next_at() == first[1].next_at()


def watched_puts(function: Lambda, before: Any) -> Any:
    return watched(function.stage.ports, lambda call: before(call) if call.method == "put" else None)


def test_after_downtime_the_last_missed_tick_is_sent_and_those_of_the_next_minute() -> None:
    with deployed(ticking()) as function:
        at(function, "06:00:30")
        function.sweep()
        at(function, "09:59:30")
        assert function.sweep()["ticks"] == 2
        function.run_until_idle()
        at(function, "10:00:00")
        function.run_until_idle()
        ticks = sorted(run.result[0] for run in function.stage.client.runs(function.stage.newest))
        assert ticks == [datetime(2027, 1, 15, 9, 55, tzinfo=UTC), datetime(2027, 1, 15, 10, 0, tzinfo=UTC)]


def test_jitter_is_added_to_a_tick_that_is_sent_ahead() -> None:
    with deployed(ticking(jitter=timedelta(minutes=10))) as function:
        at(function, "09:58:30")
        function.sweep()
        at(function, "09:59:30")
        function.sweep()
        [(due, _)] = armed(function)
        tick = round(datetime(2027, 1, 15, 10, 0, tzinfo=UTC).timestamp() * 1000)
        assert tick < due < tick + 10 * MINUTE_MS


def test_a_lost_timer_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    app = App("naps")

    @app.event("work/asked")
    class Asked(Event):
        pass

    @app.function(on=Asked)
    def work(event: Asked, step: Step) -> str:
        step.sleep("nap", timedelta(minutes=5))
        return "rested"

    with deployed(app) as function:
        function.stage.send(Asked())
        function.run_until_idle()
        function.stage.pass_time(5 * MINUTE_MS)
        [timer] = function.mailbox.receive(function.stage.clock.now_ms(), 1)
        function.mailbox.ack(timer.id)  # and nobody has handled it
        function.stage.pass_time(2 * MINUTE_MS)
        assert function.sweep() == {"overdue": 1, "resumed": 0, "extended": 0, "ticks": 0}
        function.run_until_idle()
        assert function.stage.only_run("work").result == "rested"
    [swept] = [line for line in metrics_in(capsys.readouterr().out) if "SweptOverdue" in line]
    assert (swept["app"], swept["SweptOverdue"]) == ("naps", [1])
    assert "function" not in swept


def test_a_sweep_that_fails_is_an_invocation_that_fails() -> None:
    def refuse(_call: Any) -> None:
        raise ConnectionError("no table")

    with deployed(ticking()) as function:
        install(function.made(ports=watched(function.stage.ports, refuse)))
        with pytest.raises(ConnectionError):
            function.sweep()


def test_the_kit_has_a_clock_of_its_own() -> None:
    with deployed(ticking()) as function:
        assert isinstance(function.stage.clock, HandClock)
        function.stage.ports.queue.send([Outgoing(group="default", body="x", delay_ms=1_000)])
        assert function.mailbox.next_visible_at() == function.stage.clock.at_ms + 1_000
