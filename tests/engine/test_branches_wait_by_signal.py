"""Branches wait by the worker's signal, and by nothing else: whoever plays threads one at a time can play branches, too."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import Any

from milepost import Step
from milepost.engine.worker import Worker
from tests.engine.shop import Shop, placed
from tests.engine.stage import Stage


class Played(Executor):
    """Threads that one thread plays: each has begun, and goes on when somebody waits for it, or says `play_one`."""

    def __init__(self) -> None:
        self.calls: deque[Callable[[], object]] = deque()
        self.waited = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        self.calls.append(lambda: future.set_result(fn(*args, **kwargs)))
        return future

    def play_one(self) -> None:
        self.calls.popleft()()

    def on(self, worker: Worker) -> Worker:
        return replace(worker, threads=self, spawn=self.calls.append, signal=lambda: PlayedSignal(self))


class PlayedSignal:
    """Whoever waits lets the next of them run."""

    def __init__(self, threads: Played) -> None:
        self._threads = threads
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    def clear(self) -> None:
        self._is_set = False

    def wait(self, timeout: float | None = None, /) -> bool:
        self._threads.waited += 1
        while not self._is_set:
            self._threads.play_one()
        return True


def test_lent_branches_are_waited_for_by_signal(shop: Shop, stage: Stage) -> None:
    threads = Played()

    @shop.app.function(on=shop.Placed)
    def order(event: object, step: Step) -> list[str]:
        def first() -> str:
            threads.play_one()  # a lent thread does the second branch meanwhile, and then the third
            return shop.do("first")

        return list(step.parallel("all", lambda s: s.run("a", first), *(_does(shop, what) for what in ("second", "third"))))

    run = placed(stage, shop)
    stage.run_until_idle(threads.on(stage.worker))
    assert stage.run(run).result == ["first", "second", "third"]
    assert shop.did == ["second", "third", "first"]
    assert threads.waited == 1
    assert not threads.calls


def test_the_branches_of_a_race_are_waited_for_by_signal(shop: Shop, stage: Stage) -> None:
    threads = Played()

    @shop.app.function(on=shop.Placed)
    def order(event: object, step: Step) -> str:
        return step.race("any", *(_does(shop, what) for what in ("first", "second"))).value

    run = placed(stage, shop)
    stage.run_until_idle(threads.on(stage.worker))
    assert stage.run(run).result == "first"
    assert shop.did == ["first"]
    assert len(threads.calls) == 1
    threads.play_one()  # the thread that was slower finds it decided
    assert shop.did == ["first"]


def test_the_items_of_a_map_are_waited_for_by_signal(shop: Shop, stage: Stage) -> None:
    threads = Played()

    @shop.app.function(on=shop.Placed)
    def order(event: object, step: Step) -> list[str]:
        return step.map("each", shop.do, ["first", "second", "third"], concurrency=2)

    run = placed(stage, shop)
    stage.run_until_idle(threads.on(stage.worker))
    assert stage.run(run).result == ["first", "second", "third"]
    assert threads.waited >= 1


def _does(shop: Shop, what: str) -> Callable[[Step], str]:
    return lambda step: step.run("do", shop.do, what)
