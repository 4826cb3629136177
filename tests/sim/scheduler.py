"""Virtual time, and one task at a time.

Every task has a thread of its own and runs only while it holds the baton. It gives the baton back in `elapse` and `block`, and
nowhere else: so the order in which things happen is the scheduler's alone, made of virtual times and of draws from one seed.
Who gives the baton back picks the next task himself; when that is he, no thread is switched.

Owns time and the tasks. Knows nothing of what they do. Never reads a real clock, and never waits by one.
"""

from __future__ import annotations

import heapq
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from itertools import count
from random import Random
from typing import Any

from milepost.testing.crashes import WorkerKilled

START_MS = 1_800_000_000_000


class Task:
    """Something that goes on by itself, from time to time."""

    __slots__ = ("draws", "function", "home", "is_over", "killed", "name", "random", "thread", "ticket")

    def __init__(self, name: str, function: Callable[[], None], random: Random, home: Any) -> None:
        self.name = name
        self.function = function
        self.random = random
        """Its own draws: what others draw does not change them."""
        self.home = home
        """What it dies with: the environment that it runs in."""
        self.killed = False
        self.is_over = False
        self.draws = 0
        """Chances of a fault that it has had."""
        self.ticket = 0
        """The one entry of the agenda that may wake it; earlier ones are stale."""
        self.thread: Thread | None = None


class Thread:
    """A real thread. It waits for a task, runs it, and is used again: by worlds to come, too."""

    __slots__ = ("lock", "scheduler", "task")

    idle: list[Thread] = []

    def __init__(self) -> None:
        self.lock = allocate_lock()
        self.lock.acquire()
        self.task: Task | None = None
        self.scheduler: Scheduler | None = None
        start_new_thread(self._serve, ())

    def _serve(self) -> None:
        while True:
            self.lock.acquire()
            task, scheduler = self.task, self.scheduler
            assert task is not None
            assert scheduler is not None
            Context().run(scheduler.perform, task)
            self.task = self.scheduler = None
            Thread.idle.append(self)
            scheduler.pass_on()


class Scheduler:
    """What is to happen, in the order of virtual time; at one instant in an order that is drawn."""

    def __init__(self, random: Random) -> None:
        self.now_ms = START_MS
        self.current: Task | None = None
        self.failure: BaseException | None = None
        """What ended it before its time."""
        self.switches = 0
        self._random = random.random
        self._agenda: list[tuple[int, float, int, Task | None, int, Callable[[], None] | None]] = []
        self._numbers = count()
        self._until: int | None = None
        self._main = allocate_lock()
        self._main.acquire()
        self._alive: dict[Task, None] = {}

    # ---- from anywhere -----------------------------------------------------------------------------------------------

    def spawn(self, name: str, function: Callable[[], None], *, random: Random, home: Any = None, after_ms: int = 0) -> Task:
        """Begin a task, after so much time."""
        task = Task(name, function, random, home)
        self._alive[task] = None
        self._schedule(self.now_ms + after_ms, task)
        return task

    def call_at(self, at_ms: int, action: Callable[[], None]) -> None:
        """Do something at that time, at one stroke: it may not give the baton back."""
        heapq.heappush(self._agenda, (max(at_ms, self.now_ms), self._random(), next(self._numbers), None, 0, action))

    def wake(self, task: Task) -> None:
        """Let a task that blocks go on now."""
        if not task.is_over:
            self._schedule(self.now_ms, task)

    def kill(self, task: Task) -> None:
        """Let a task die where it stands: it gets WorkerKilled when it next has the baton, which is now."""
        if not task.is_over and not task.killed:
            task.killed = True
            if task is not self.current:
                self._schedule(self.now_ms, task)

    def fail(self, error: BaseException) -> None:
        """End it before its time: whatever becomes of the error on its way, nothing goes on once the baton is given back."""
        self.failure = self.failure or error

    def _schedule(self, at_ms: int, task: Task) -> None:
        task.ticket += 1
        heapq.heappush(self._agenda, (at_ms, self._random(), next(self._numbers), task, task.ticket, None))

    # ---- from a task -------------------------------------------------------------------------------------------------

    def elapse(self, ms: int) -> None:
        """Let so much time pass, and others work. Raises WorkerKilled."""
        task = self.current
        assert task is not None
        if task.killed:
            raise WorkerKilled
        at_ms = self.now_ms + ms
        if self._is_next(at_ms):
            task.ticket += 1
            self.now_ms = at_ms
        else:
            self._schedule(at_ms, task)
            self._give_back(task)

    def _is_next(self, at_ms: int) -> bool:
        """Nobody else is there to be chosen, before that time or at it: so who asks is chosen, and needs no place in the agenda."""
        agenda = self._agenda
        return (not agenda or agenda[0][0] > at_ms) and (self._until is None or at_ms <= self._until) and self.failure is None

    def block(self, timeout_ms: int | None = None) -> None:
        """Wait to be woken, for at most so long. Raises WorkerKilled."""
        task = self.current
        assert task is not None
        if task.killed:
            raise WorkerKilled
        if timeout_ms is None:
            task.ticket += 1
        else:
            self._schedule(self.now_ms + timeout_ms, task)
        self._give_back(task)

    def _give_back(self, task: Task) -> None:
        following = self._pick()
        if following is not task:
            thread = task.thread
            assert thread is not None
            self._hand(following)
            thread.lock.acquire()
            self.current = task
        if task.killed:
            raise WorkerKilled

    # ---- the baton ---------------------------------------------------------------------------------------------------

    def _pick(self) -> Task | None:
        """What comes next; what is to be done at one stroke is done. None: nothing, or the time is over, or it failed."""
        agenda = self._agenda
        while agenda and self.failure is None:
            if self._until is not None and agenda[0][0] > self._until:
                break
            at_ms, _, _, task, ticket, action = heapq.heappop(agenda)
            if task is not None:
                if task.is_over or task.ticket != ticket:
                    continue
                self.now_ms = at_ms
                self.current = task
                return task
            self.now_ms = at_ms
            self.current = None
            assert action is not None
            try:
                action()
            except BaseException as error:  # noqa: BLE001 - raised again by `run`
                self.failure = error
        return None

    def _hand(self, task: Task | None) -> None:
        self.switches += 1
        if task is None:
            self._main.release()
            return
        thread = task.thread
        if thread is None:
            thread = task.thread = Thread.idle.pop() if Thread.idle else Thread()
            thread.task = task
            thread.scheduler = self
        thread.lock.release()

    def perform(self, task: Task) -> None:
        """On a task's thread: all of it."""
        self.current = task
        try:
            if not task.killed:
                task.function()
        except WorkerKilled:
            pass  # as it was meant to
        except BaseException as error:  # noqa: BLE001 - raised again by `run`
            self.failure = self.failure or error
        task.is_over = True
        task.thread = None
        self._alive.pop(task, None)

    def pass_on(self) -> None:
        """On the thread of a task that is over."""
        self._hand(self._pick())

    # ---- from outside ------------------------------------------------------------------------------------------------

    def run(self, until_ms: int | None = None) -> None:
        """Let everything happen: until then, or until nothing is left to do. Raises what went wrong in it."""
        self._until = until_ms
        following = self._pick()
        if following is not None:
            self._hand(following)
            self._main.acquire()
        self.current = None
        if until_ms is not None and self.failure is None:
            self.now_ms = max(self.now_ms, until_ms)
        if self.failure is not None:
            raise self.failure

    @property
    def next_at(self) -> int | None:
        """When something happens next."""
        return self._agenda[0][0] if self._agenda else None

    def close(self) -> None:
        """End every task that is left, so that its thread can be used again."""
        self._agenda.clear()
        for _ in range(1_000):
            if not self._alive:
                break
            self.failure = None
            for task in list(self._alive):
                task.killed = True
                self._schedule(self.now_ms, task)
            with suppress(BaseException):  # it is dead, and what ended the world was told before
                self.run()
        self._agenda.clear()
