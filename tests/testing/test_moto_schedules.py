"""One-time schedules on moto: created by AWS's rules, fired by our clock."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from milepost.testing.moto.schedules import LATEST_MS, OneTime
from milepost.timestamps import instant
from tests.contract.beds import START_MS
from tests.testing.moto_bed import ACCOUNT, REGION, MotoBed, arn

HOUR_MS = 3_600_000


def at(ms: int) -> str:
    return f"at({instant(ms):%Y-%m-%dT%H:%M:%S})"


def schedule(bed: MotoBed, expression: str, name: str = "s", *, body: str = "due", **more: Any) -> None:
    bed.clients.scheduler.create_schedule(
        Name=name,
        ScheduleExpression=expression,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn("q"), "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "Input": body},
        **{"ActionAfterCompletion": "DELETE", **more},
    )


def names(bed: MotoBed) -> list[str]:
    return [one["Name"] for one in bed.clients.scheduler.list_schedules()["Schedules"]]


def test_a_schedule_fires_at_its_time_and_is_gone(bed: MotoBed) -> None:
    url = bed.make_queue()
    schedule(bed, at(START_MS + HOUR_MS))
    assert bed.schedules.next_at() == START_MS + HOUR_MS
    assert bed.schedules.fire(START_MS + HOUR_MS - 1) == 0
    assert bed.schedules.fire(START_MS + HOUR_MS) == 1
    assert (bed.bodies(url), names(bed), bed.schedules.next_at()) == (["due"], [], None)


def test_a_schedule_that_is_kept_fires_once(bed: MotoBed) -> None:
    url = bed.make_queue()
    schedule(bed, at(START_MS + HOUR_MS), ActionAfterCompletion="NONE")
    assert [bed.schedules.fire(START_MS + 2 * HOUR_MS) for _ in range(2)] == [1, 0]
    assert (bed.bodies(url), names(bed)) == (["due"], ["s"])


def test_schedules_fire_in_the_order_of_their_times(bed: MotoBed) -> None:
    url = bed.make_queue()
    for hours in (3, 1, 2):
        schedule(bed, at(START_MS + hours * HOUR_MS), f"s{hours}", body=str(hours))
    bed.schedules.fire(START_MS + 9 * HOUR_MS)
    assert bed.bodies(url) == ["1", "2", "3"]


def test_a_time_may_stand_in_a_zone(bed: MotoBed) -> None:
    schedule(bed, "at(2027-01-15T10:00:00)", ScheduleExpressionTimezone="Europe/Paris")
    assert bed.schedules.next_at() == START_MS + HOUR_MS


def test_a_schedule_may_fire_late_within_its_minute(bed: MotoBed) -> None:
    schedule(bed, at(START_MS + HOUR_MS))
    assert OneTime(ACCOUNT, REGION, late_ms=LATEST_MS).next_at() == START_MS + HOUR_MS + LATEST_MS
    with pytest.raises(ValueError, match="59999 ms"):
        OneTime(ACCOUNT, REGION, late_ms=60_000)


def test_a_disabled_schedule_does_not_fire(bed: MotoBed) -> None:
    schedule(bed, at(START_MS + HOUR_MS), State="DISABLED")
    assert bed.schedules.next_at() is None


@pytest.mark.parametrize(
    ("expression", "more"),
    [
        ("at(notadate)", {}),
        ("at(2027-02-30T10:00:00)", {}),
        ("tomorrow", {}),
        (at(START_MS - HOUR_MS), {}),
        (at(START_MS + HOUR_MS), {"name": "x" * 65}),
        (at(START_MS + HOUR_MS), {"name": "a#b"}),
        (at(START_MS + HOUR_MS), {"body": "x" * (256 * 1024 + 1)}),
        (at(START_MS + HOUR_MS), {"ScheduleExpressionTimezone": "Mars/Base"}),
    ],
)
def test_what_aws_refuses_is_refused(bed: MotoBed, expression: str, more: dict[str, Any]) -> None:
    with pytest.raises((ClientError, bed.clients.scheduler.exceptions.ValidationException)):
        schedule(bed, expression, **more)
    assert names(bed) == []
