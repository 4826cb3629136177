"""The clock port, kept by the real clock and by the one that tests set."""

import time
from collections.abc import Callable

import pytest

from milepost.engine.ports import Clock
from milepost.wall_clock import SystemClock
from tests.contract.beds import SetClock

CLOCKS: dict[str, Callable[[], Clock]] = {"system": SystemClock, "set": SetClock}


@pytest.fixture(params=sorted(CLOCKS))
def clock(request: pytest.FixtureRequest) -> Clock:
    return CLOCKS[request.param]()


def test_time_is_in_milliseconds_and_never_runs_backwards(clock: Clock) -> None:
    seen = [clock.now_ms() for _ in range(1_000)]
    assert seen == sorted(seen)
    assert 1_700_000_000_000 < seen[0] < 4_000_000_000_000


def test_a_wait_that_returns_true_has_let_the_time_pass(clock: Clock) -> None:
    before = clock.now_ms()
    if clock.wait(5):
        assert clock.now_ms() >= before + 4  # the two reads round to whole milliseconds
    assert clock.wait(0) in (True, False)


def test_the_system_clock_is_the_wall_clock() -> None:
    before = time.time_ns() // 1_000_000
    now = SystemClock().now_ms()
    assert before <= now <= time.time_ns() // 1_000_000


def test_after_a_step_back_the_system_clock_runs_at_half_speed_until_the_wall_has_caught_up() -> None:
    wall, monotonic = [1_000_000_000_000], [0]
    clock = SystemClock(wall_ns=lambda: wall[0], monotonic_ns=lambda: monotonic[0])

    def pass_ms(ms: int) -> int:
        wall[0] += ms * 1_000_000
        monotonic[0] += ms * 1_000_000
        return clock.now_ms()

    assert clock.now_ms() == 1_000_000
    assert pass_ms(100) == 1_000_100
    wall[0] -= 1_000 * 1_000_000
    assert pass_ms(0) == 1_000_100
    assert pass_ms(100) == 1_000_150
    assert pass_ms(1_900) == 1_001_100
    assert pass_ms(100) == 1_001_200


def test_a_step_forward_is_followed_at_once() -> None:
    wall = [1_000_000_000_000]
    clock = SystemClock(wall_ns=lambda: wall[0], monotonic_ns=lambda: 0)
    wall[0] += 3_600_000 * 1_000_000
    assert clock.now_ms() == 1_000_000 + 3_600_000
