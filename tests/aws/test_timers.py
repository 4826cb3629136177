"""SchedulerTimers: delays when near, schedules beyond; what a schedule is made of, and that it is never early in the end."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from milepost.aws.failures import AwsError
from milepost.aws.queue import SqsQueue
from milepost.aws.timers import SchedulerTimers
from milepost.engine.messages import Delayed, decode
from milepost.engine.ports import Outgoing
from milepost.errors import ConfigurationError
from tests.aws.deployed import NOW, Deployed, deployed, refused

MINUTE = 60_000
DAY = 24 * 60 * MINUTE


@pytest.fixture
def stage() -> Iterator[Deployed]:
    with deployed("heavy") as opened:
        yield opened


@pytest.fixture
def timers(stage: Deployed) -> SchedulerTimers:
    return SchedulerTimers(stage.clients, stage.names, SqsQueue(stage.clients, stage.names), stage.clock)


def arm(timers: SchedulerTimers, due_at_ms: int, body: str = "due", *, name: str = "t", group: str = "default") -> None:
    timers.arm(name, due_at_ms, Outgoing(group, body, delay_ms=77_000))


def schedules(stage: Deployed) -> list[dict[str, Any]]:
    listed = stage.clients.scheduler.list_schedules(GroupName=stage.names.schedule_group)["Schedules"]
    return [stage.clients.scheduler.get_schedule(GroupName=stage.names.schedule_group, Name=one["Name"]) for one in listed]


@pytest.mark.parametrize(("after_ms", "seconds"), [(-DAY, None), (0, None), (1, 1), (1_500, 2), (15 * MINUTE, 900)])
def test_what_is_due_within_a_quarter_of_an_hour_is_a_delay(
    stage: Deployed, timers: SchedulerTimers, after_ms: int, seconds: int | None
) -> None:
    arm(timers, NOW + after_ms)
    [request] = stage.requests("SendMessageBatch")
    [entry] = request["Entries"]
    assert (entry["MessageBody"], entry.get("DelaySeconds")) == ("due", seconds)
    assert schedules(stage) == []


def test_beyond_it_is_a_schedule(stage: Deployed, timers: SchedulerTimers) -> None:
    due_at = NOW + 15 * MINUTE + 1
    arm(timers, due_at, '{"a": "b"}', group="heavy")
    [schedule] = schedules(stage)
    assert stage.requests("SendMessageBatch") == []
    assert {field: schedule[field] for field in ("ScheduleExpressionTimezone", "FlexibleTimeWindow", "ActionAfterCompletion")} == {
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
    }
    assert schedule["Target"] == {
        "Arn": stage.names.queues["heavy"],
        "RoleArn": stage.names.schedule_role,
        "Input": schedule["Target"]["Input"],
        "DeadLetterConfig": {"Arn": stage.names.dead_letters["heavy"]},
        "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
    }
    assert decode(schedule["Target"]["Input"]) == Delayed(due_at=due_at, body='{"a": "b"}')


@pytest.mark.parametrize("after_ms", [15 * MINUTE + 1, 16 * MINUTE + 999, DAY, 365 * DAY])
def test_a_schedule_fires_before_its_time_by_a_minute_and_never_by_two_seconds_more(
    stage: Deployed, timers: SchedulerTimers, after_ms: int
) -> None:
    """It may be 59 s late, and even then what it sends is not late."""
    arm(timers, NOW + after_ms)
    [schedule] = schedules(stage)
    fires = datetime.strptime(schedule["ScheduleExpression"], "at(%Y-%m-%dT%H:%M:%S)").replace(tzinfo=UTC)
    early_ms = NOW + after_ms - fires.timestamp() * 1_000
    assert MINUTE <= early_ms < MINUTE + 1_000
    assert fires.timestamp() * 1_000 > NOW + 13 * MINUTE


@pytest.mark.parametrize("name", ["t", "", "a/b c#" * 40, "ä"])
def test_any_name_makes_a_schedules_name(stage: Deployed, timers: SchedulerTimers, name: str) -> None:
    arm(timers, NOW + DAY, name=name)
    [schedule] = schedules(stage)
    assert schedule["Name"].isascii()
    assert schedule["Name"].isalnum()
    assert len(schedule["Name"]) <= 64


def test_a_name_that_is_armed_already_is_kept(stage: Deployed, timers: SchedulerTimers) -> None:
    arm(timers, NOW + DAY, "first")
    arm(timers, NOW + DAY, "second")
    arm(timers, NOW + DAY, "other", name="other")
    assert sorted(str(decode(schedule["Target"]["Input"])).rpartition("body=")[2][:7] for schedule in schedules(stage)) == [
        "'first'",
        "'other'",
    ]


def test_each_arming_has_a_token_of_its_own(stage: Deployed, timers: SchedulerTimers) -> None:
    """Else a name that was disarmed would not be armed again, for the hours that Scheduler remembers a token."""
    arm(timers, NOW + DAY)
    timers.disarm("t")
    stage.clock.now += 1
    arm(timers, NOW + DAY)
    assert len(schedules(stage)) == 1
    tokens = [request["ClientToken"] for request in stage.requests("CreateSchedule")]
    assert len(set(tokens)) == 2
    assert all(1 <= len(token) <= 64 for token in tokens)


def test_a_disarmed_schedule_is_gone(stage: Deployed, timers: SchedulerTimers) -> None:
    arm(timers, NOW + DAY)
    timers.disarm("t")
    assert schedules(stage) == []


def test_disarming_what_is_not_there_is_nothing(stage: Deployed, timers: SchedulerTimers) -> None:
    arm(timers, NOW + DAY)
    timers.disarm("other")
    assert len(schedules(stage)) == 1


def test_what_no_schedule_takes_is_refused_before_it_is_asked(stage: Deployed, timers: SchedulerTimers) -> None:
    with pytest.raises(ValueError, match="a timer 401 days ahead: a year is the furthest"):
        arm(timers, NOW + 401 * DAY)
    with pytest.raises(ValueError, match=r"a timer's message of 262,\d+ bytes: 262,144 are the most"):
        arm(timers, NOW + DAY, "x" * 262_144)
    with pytest.raises(ConfigurationError, match="worker group 'huge' has no queue"):
        arm(timers, NOW + DAY, group="huge")
    assert stage.asked == []


def test_a_permission_that_is_missing_is_named(stage: Deployed, timers: SchedulerTimers) -> None:
    said = "User: arn:aws:sts::1:assumed-role/worker/f is not authorized to perform: iam:PassRole on resource: arn:aws:iam::1:role/r"
    stage.answers(stage.clients.scheduler, "CreateSchedule", refused("AccessDeniedException", said, 403))
    with pytest.raises(AwsError, match=r"iam:PassRole on schedule group '.*' \(arn:aws:iam::1:role/r\) is not allowed for"):
        arm(timers, NOW + DAY)


def test_a_schedule_group_that_is_not_there_is_named(stage: Deployed, timers: SchedulerTimers) -> None:
    stage.answers(stage.clients.scheduler, "CreateSchedule", refused("ResourceNotFoundException", "Schedule group g does not exist.", 404))
    with pytest.raises(AwsError, match="there is no schedule group 'shop-sandbox-schedules'"):
        arm(timers, NOW + DAY)


def test_throttles_are_waited_for(stage: Deployed, timers: SchedulerTimers) -> None:
    stage.answers(stage.clients.scheduler, "CreateSchedule", refused("ThrottlingException", "Rate exceeded", 429))
    arm(timers, NOW + DAY)
    assert len(stage.pauses) == 1
    assert len(schedules(stage)) == 1
