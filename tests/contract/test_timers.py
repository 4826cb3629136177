"""The timers port: messages that come at a time."""

import pytest

from milepost.engine.ports import Outgoing
from tests.contract.beds import START_MS, Bed

HOUR_MS = 3_600_000
YEAR_MS = 365 * 24 * HOUR_MS


def arm(bed: Bed, name: str, due_at_ms: int, body: str = "due", *, delay_ms: int = 0) -> None:
    bed.ports.timers.arm(name, due_at_ms, Outgoing("g", body, delay_ms=delay_ms))


@pytest.mark.parametrize("after_ms", [1, 1_000, 900_001, YEAR_MS])
def test_a_timer_is_never_early(bed: Bed, after_ms: int) -> None:
    arm(bed, "t", START_MS + after_ms)
    bed.clock.now += after_ms - 1
    assert bed.take() == []
    bed.clock.now += bed.grain_ms
    assert bed.bodies() == ["due"]


@pytest.mark.parametrize("due_at_ms", [0, START_MS - 1, START_MS])
def test_a_past_time_means_at_once(bed: Bed, due_at_ms: int) -> None:
    arm(bed, "t", due_at_ms)
    assert bed.bodies() == ["due"]


def test_the_messages_own_delay_is_ignored(bed: Bed) -> None:
    arm(bed, "t", START_MS + 10_000, delay_ms=500_000)
    bed.clock.now += 10_000
    assert bed.bodies() == ["due"]


def test_a_timers_message_goes_to_its_group(bed: Bed) -> None:
    bed.ports.timers.arm("t", 0, Outgoing("heavy", "due"))
    assert [message.group for message in bed.take()] == ["heavy"]


def test_a_name_armed_again_fires_once_or_twice_and_no_more(bed: Bed) -> None:
    for _ in range(3):
        arm(bed, "t", START_MS + 10_000)
    bed.clock.now += 10_000
    assert 1 <= len(bed.bodies()) <= 3
    bed.clock.now += YEAR_MS
    assert bed.bodies() == []


def test_timers_of_other_names_fire_each(bed: Bed) -> None:
    arm(bed, "one", START_MS + 20_000, "one")
    arm(bed, "two", START_MS + 10_000, "two")
    bed.clock.now += 30_000
    assert bed.bodies() == ["two", "one"]


def test_a_disarmed_timer_is_forgotten(bed: Bed) -> None:
    arm(bed, "kept", START_MS + HOUR_MS, "kept")
    arm(bed, "gone", START_MS + HOUR_MS, "gone")
    bed.ports.timers.disarm("gone")
    bed.clock.now += HOUR_MS
    assert bed.bodies() == ["kept"]


def test_disarming_what_is_not_armed_does_nothing(bed: Bed) -> None:
    arm(bed, "t", START_MS)
    bed.ports.timers.disarm("other")
    assert bed.bodies() == ["due"]
    bed.ports.timers.disarm("t")


def test_a_name_may_be_armed_again_after_it_was_disarmed_or_fired(bed: Bed) -> None:
    arm(bed, "t", START_MS + HOUR_MS, "first")
    bed.ports.timers.disarm("t")
    arm(bed, "t", START_MS + 2 * HOUR_MS, "second")
    bed.clock.now += 2 * HOUR_MS
    assert bed.bodies() == ["second"]
    arm(bed, "t", START_MS + 3 * HOUR_MS, "third")
    bed.clock.now += HOUR_MS
    assert bed.bodies() == ["third"]


def test_a_name_may_be_armed_again_while_its_message_is_in_flight(bed: Bed) -> None:
    arm(bed, "t", START_MS, "first")
    [first] = bed.take()
    arm(bed, "t", START_MS + 10_000, "second")
    bed.clock.now += 10_000
    assert bed.bodies() == ["second"]
    bed.receiver.ack(first.id)
    assert bed.bodies() == []


def test_disarming_does_not_take_a_message_from_a_worker_that_then_dies(bed: Bed) -> None:
    arm(bed, "t", START_MS)
    assert len(bed.take()) == 1
    bed.ports.timers.disarm("t")
    bed.receiver = bed.worker_dies()
    assert [(message.body, message.deliveries) for message in bed.take()] == [("due", 2)]


def test_disarming_does_not_take_a_message_that_is_to_be_retried(bed: Bed) -> None:
    arm(bed, "t", START_MS)
    [message] = bed.take()
    bed.receiver.retry(message.id, START_MS + 5_000)
    bed.ports.timers.disarm("t")
    bed.clock.now += 5_000
    assert bed.bodies() == ["due"]


def test_a_timer_outlives_its_worker(bed: Bed) -> None:
    arm(bed, "t", START_MS + YEAR_MS)
    bed.receiver = bed.worker_dies()
    bed.clock.now += YEAR_MS
    assert bed.bodies() == ["due"]
