"""Virtual time, and one task at a time."""

from collections.abc import Callable
from random import Random

import pytest

from milepost.testing.crashes import WorkerKilled
from tests.sim.scheduler import START_MS, Scheduler, Task, Thread


class Stage:
    """A scheduler, and what its tasks note."""

    def __init__(self, seed: int = 0) -> None:
        self.scheduler = Scheduler(Random(seed))
        self.noted: list[tuple[str, int]] = []

    def note(self, what: str) -> None:
        self.noted.append((what, self.scheduler.now_ms - START_MS))

    def spawn(self, name: str, function: Callable[[], None], *, after_ms: int = 0) -> Task:
        return self.scheduler.spawn(name, function, random=Random(0), after_ms=after_ms)

    def passing(self, name: str, *times: int) -> Callable[[], None]:
        """Lets these times pass, and notes each."""

        def go() -> None:
            self.note(name)
            for ms in times:
                self.scheduler.elapse(ms)
                self.note(name)

        return go


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_what_happens_is_in_the_order_of_virtual_time(stage: Stage) -> None:
    stage.spawn("a", stage.passing("a", 10, 25))
    stage.spawn("b", stage.passing("b", 20), after_ms=5)
    stage.scheduler.call_at(START_MS + 12, lambda: stage.note("at once"))
    stage.scheduler.run()
    assert stage.noted == [("a", 0), ("b", 5), ("a", 10), ("at once", 12), ("b", 25), ("a", 35)]


def test_at_one_instant_the_seed_decides() -> None:
    def order(seed: int) -> str:
        stage = Stage(seed)
        for name in "abcde":
            stage.spawn(name, stage.passing(name, 0, 0))
        stage.scheduler.run()
        return "".join(name for name, _ in stage.noted)

    assert len({order(seed) for seed in range(20)}) > 15
    assert order(3) == order(3)


def test_time_does_not_pass_while_a_task_holds_the_baton(stage: Stage) -> None:
    def alone() -> None:
        stage.note("begins")
        stage.note("ends")

    stage.spawn("long", stage.passing("long", *[1] * 20))
    stage.spawn("alone", alone, after_ms=7)
    stage.scheduler.run()
    at = stage.noted.index(("begins", 7))
    assert stage.noted[at + 1] == ("ends", 7)


def test_until_a_time_and_then_on(stage: Stage) -> None:
    stage.spawn("a", stage.passing("a", 10, 10))
    stage.scheduler.run(until_ms=START_MS + 15)
    assert stage.noted == [("a", 0), ("a", 10)]
    assert stage.scheduler.now_ms == START_MS + 15
    stage.scheduler.run()
    assert stage.noted[-1] == ("a", 20)


def test_who_is_killed_dies_at_once_where_it_stands(stage: Stage) -> None:
    def dying() -> None:
        try:
            stage.scheduler.elapse(1_000)
        except WorkerKilled:
            stage.note("dies")
            raise

    task = stage.spawn("dying", dying)
    stage.scheduler.call_at(START_MS + 300, lambda: stage.scheduler.kill(task))
    stage.scheduler.run()
    assert stage.noted == [("dies", 300)]
    assert task.is_over


def test_who_is_killed_before_it_began_does_nothing(stage: Stage) -> None:
    task = stage.spawn("never", stage.passing("never"), after_ms=10)
    stage.scheduler.kill(task)
    stage.scheduler.run()
    assert stage.noted == []
    assert task.is_over


def test_who_blocks_goes_on_when_it_is_woken_or_its_time_is_up(stage: Stage) -> None:
    def blocking(name: str, timeout_ms: int | None) -> Callable[[], None]:
        def go() -> None:
            stage.scheduler.block(timeout_ms)
            stage.note(name)

        return go

    woken = stage.spawn("woken", blocking("woken", None))
    stage.spawn("timed out", blocking("timed out", 50))
    early = stage.spawn("early", blocking("early", 1_000))
    stage.scheduler.call_at(START_MS + 20, lambda: stage.scheduler.wake(woken))
    stage.scheduler.call_at(START_MS + 30, lambda: stage.scheduler.wake(early))
    stage.scheduler.run()
    assert stage.noted == [("woken", 20), ("early", 30), ("timed out", 50)]
    assert stage.scheduler.next_at is None or stage.scheduler.next_at >= START_MS + 1_000


def test_what_goes_wrong_in_a_task_is_raised_and_ends_it_all(stage: Stage) -> None:
    def wrong() -> None:
        stage.scheduler.elapse(5)
        raise LookupError("wrong")

    stage.spawn("wrong", wrong)
    stage.spawn("a", stage.passing("a", 10))
    with pytest.raises(LookupError, match="wrong"):
        stage.scheduler.run()
    assert stage.noted == [("a", 0)]


def test_to_close_leaves_no_thread_behind() -> None:
    def blocked() -> int:
        stage = Stage()
        tasks = [stage.spawn(f"blocks {number}", stage.scheduler.block) for number in range(8)]
        stage.scheduler.run(until_ms=START_MS + 10)
        assert not any(task.is_over for task in tasks)
        stage.scheduler.close()
        assert all(task.is_over for task in tasks)
        return len(Thread.idle)

    idle = blocked()
    assert idle >= 8
    assert [blocked() for _ in range(5)] == [idle] * 5  # the same threads, again and again
