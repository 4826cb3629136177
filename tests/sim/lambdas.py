"""Lambda as it is: environments that start cold, are used again, freeze and thaw, run out of time, and die.

What is invoked is the handler of a deployed app, with a record of SQS: a batch of one, for only one task of an environment at a
time has the baton.

Every port call of an environment gives the baton back before and after its effect; at each of those places other tasks may
work, time passes, and what the seed has in store strikes. An environment's clock is its own.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from milepost.aws.log_keys import log_keys
from milepost.aws.serving import Server
from milepost.engine.deliver import ACK, Later, Verdict
from milepost.engine.messages import MessageError, Received
from milepost.engine.ports import ConditionFailed, PortError, TransactionFailed
from milepost.engine.pump import Job
from milepost.engine.worker import Worker
from milepost.testing.crashes import WorkerKilled
from milepost_handlers import sweeper as sweeper_handler
from milepost_handlers import worker as worker_handler
from milepost_handlers.runtime import Runtime, install
from tests.sim.laws import Broken
from tests.sim.names import Call
from tests.sim.scheduler import Task

if TYPE_CHECKING:
    from tests.sim.world import World

INVOCATION_MS = 60_000
VISIBILITY_MS = 120_000
PORTS = ("table", "queue", "timers", "bus", "blobs")
_OUTCOMES = (ConditionFailed, TransactionFailed, KeyError)
"""What a port may say; the call has then had all the effect it has."""
_REPEATABLE = frozenset({"put", "update", "delete", "write_many", "send", "publish", "arm"})
_SEVERAL = frozenset({"write_many", "send", "publish"})


class Environment:
    """One sandbox of the worker's Lambda: a process, with the code and the clock that it has."""

    def __init__(self, world: World, name: str, *, skew_ms: int, built: Any) -> None:
        self.world = world
        self.name = name
        self.skew_ms = skew_ms
        self.built = built
        self.is_alive = True
        self.tasks: list[Task] = []
        self.frozen_until = 0
        self.was_frozen = False
        self.drives: str | None = None
        """The key of the run whose body it runs, or ran last."""
        self.calls_left: int | None = None
        """After a thaw past its deadline: so many port calls, then its time-out takes it."""
        self.worker = world.equipped(self._worker(built), self)
        self._postponed_s: list[int] = []
        """After how many seconds the message in hand is to come again, if the handler has said so."""
        self._runtime = Runtime(worker=self.worker, server=Server(self.worker, "default", self._postpone, failed=self._failed))

    def _worker(self, built: Any) -> Worker:
        cloud = self.world.cloud
        ports = msgspec.structs.replace(
            cloud.ports, clock=_Clock(self), **{name: _Port(self, name, getattr(cloud.ports, name)) for name in PORTS}
        )
        return Worker(
            definitions=built.app.definitions,
            ports=ports,
            log=self.world.log,
            settings=self.world.settings,
            threads=_Threads(self),
            signal=partial(_Signal, self),
            runner=lambda _threads: _Runner(self),
            spawn=self._spawn_thread,
            observe=self.world.observe,
            notice=self.world.notice,
            naming=log_keys,
        )

    def spawn(self, name: str, function: Callable[[], None]) -> Task:
        """Begin a task in this environment."""
        task = self.world.spawn(f"{self._current_name()}/{name}", function, home=self)
        self.tasks.append(task)
        return task

    def _spawn_thread(self, function: Callable[[], None]) -> None:
        self.spawn("thread", function)

    def _current_name(self) -> str:
        current = self.world.scheduler.current
        return self.name if current is None else current.name

    # ---- life and death ----------------------------------------------------------------------------------------------

    def die(self, why: str) -> None:
        """Everything it held in memory is gone."""
        if self.is_alive:
            self.is_alive = False
            self.world.tell(self.name, "✗ dies: {}", why, run=self.drives)
            self.world.outside.died(self.drives)
            for task in self.tasks:
                self.world.scheduler.kill(task)

    def freeze(self, ms: int) -> None:
        """Nothing of it goes on for so long; then all of it does, as if no time had passed."""
        self.frozen_until = self.world.scheduler.now_ms + ms
        self.was_frozen = True
        self.world.outside.died(self.drives)
        self.world.tell(self.name, "✗ freezes for {:g} s", ms / 1000, run=self.drives)

    def time_out(self) -> None:
        """The invocation's time is up. A frozen one goes on a little when it thaws."""
        if self.is_alive and self.frozen_until > self.world.scheduler.now_ms:
            self.calls_left = self.world.random.randrange(40)
        else:
            self.die("its time is up")

    # ---- time and calls ----------------------------------------------------------------------------------------------

    def elapse(self, ms: int) -> None:
        """Let time pass, or more of it than that."""
        scheduler = self.world.scheduler
        scheduler.elapse(ms)
        while self.frozen_until > scheduler.now_ms:
            scheduler.elapse(self.frozen_until - scheduler.now_ms)

    def work(self, ms: int) -> None:
        """A step's function works for so long; things befall it as they do at a port call."""
        world = self.world
        scheduler, faults, rates = world.scheduler, world.faults, world.rates
        task = scheduler.current
        assert task is not None
        self.elapse(ms)
        if faults.strikes(task, "crash in a step", rates.crash_before + rates.crash_after, scheduler.now_ms):
            self._crash("in a step")
        if faults.strikes(task, "freeze in a step", rates.freeze, scheduler.now_ms):
            self.freeze(task.random.randrange(1, rates.freeze_ms))
            self.elapse(0)

    def call(self, name: str, bound: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One call of a port."""
        world = self.world
        scheduler, faults = world.scheduler, world.faults
        task = scheduler.current
        assert task is not None
        self.elapse(world.latency(task))
        method = bound.__name__
        if faults.is_on:
            bound = self._before(task, name, method, bound, args)
        outcome = self._effect(task, name, bound, args, kwargs)
        if faults.is_on:
            rates, now = faults.rates, scheduler.now_ms
            if rates.repeated and method in _REPEATABLE and faults.strikes(task, "repeated", rates.repeated, now):
                outcome = self._effect(task, name, bound, args, kwargs)
            if rates.crash_after and faults.strikes(task, "crash after", rates.crash_after, now):
                self._crash(f"after {name}.{method}")
            if rates.freeze and faults.strikes(task, "freeze", rates.freeze, now):
                self.freeze(task.random.randrange(1, rates.freeze_ms))
        self.elapse(world.latency(task))
        if faults.is_on and faults.rates.ambiguous and faults.strikes(task, "ambiguous", faults.rates.ambiguous, scheduler.now_ms):
            raise PortError(f"{name}.{method} timed out, and nobody knows whether it was done")
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                self._crash("its time was up while it was frozen")
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def _effect(self, task: Task, name: str, bound: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the call returns, or what it says instead."""
        try:
            outcome = bound(*args, **kwargs)
        except _OUTCOMES as said:
            outcome = said
        except Broken as broken:
            self.world.called(self, task, Call(name, bound.__name__, args, broken))
            raise
        self.world.called(self, task, Call(name, bound.__name__, args, outcome))
        return outcome

    def _before(self, task: Task, name: str, method: str, bound: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any]:
        faults, now = self.world.faults, self.world.scheduler.now_ms
        rates = faults.rates
        if rates.crash_before and faults.strikes(task, "crash before", rates.crash_before, now):
            self._crash(f"before {name}.{method}")
        refused = 0.7 if self.world.is_throttled() else rates.refused
        if faults.strikes(task, "refused", refused, now):
            raise PortError(f"{name}.{method} was throttled")
        if rates.partial and method in _SEVERAL and len(args[0]) > 1 and faults.strikes(task, "partial", rates.partial, now):
            some = [one for one in args[0] if task.random.random() < 0.5]
            if some:
                self._effect(task, name, bound, (some,), {})
            if task.random.random() < 0.5:
                self._crash(f"in the middle of {name}.{method}")
            raise PortError(f"{name}.{method}: {len(some)} of {len(args[0])} were accepted")
        return bound

    def _crash(self, why: str) -> None:
        self.die(why)
        raise WorkerKilled

    # ---- invocations -------------------------------------------------------------------------------------------------

    def invoke(self, received: Received) -> Verdict | None:
        """Hand it one message; None: it was not done."""
        self.calls_left = None
        self.drives = None
        self._postponed_s.clear()
        install(self._runtime)  # the handler takes it before it calls a port: nobody else has worked in between
        answer = worker_handler.handler({"Records": [_record_of(received)]}, _Context())
        if not answer["batchItemFailures"]:
            return ACK
        return Later(self.worker.now() + 1_000 * self._postponed_s[0]) if self._postponed_s else None

    def sweep(self) -> int:
        """Let it be one of the sweeper's; returns how many runs it found."""
        install(self._runtime)
        found: int = sweeper_handler.handler({}, _Context())["overdue"]
        return found

    def _postpone(self, _handle: str, seconds: int) -> None:
        self._postponed_s.append(seconds)

    def _failed(self, received: Received, error: Exception) -> None:
        if not isinstance(error, PortError | MessageError):
            self.world.scheduler.fail(error)
        self.world.tell(self.name, "gives {} back: {}", received.id, error, run=self.drives)
        self.world.outside.died(self.drives)


class _Context:
    """What Lambda tells of an invocation."""

    aws_request_id = "simulated"

    def get_remaining_time_in_millis(self) -> int:
        return INVOCATION_MS


def _record_of(received: Received) -> dict[str, Any]:
    """A message in the form in which Lambda hands it over, as far as it is read."""
    attributes = {"ApproximateReceiveCount": str(received.deliveries), "SentTimestamp": str(received.sent_at_ms)}
    return {"messageId": received.id, "receiptHandle": received.id, "body": received.body, "attributes": attributes}


class _Port:
    """A port as an environment has it."""

    def __init__(self, environment: Environment, name: str, port: Any) -> None:
        self._environment = environment
        self._name = name
        self._port = port

    def __getattr__(self, method: str) -> Any:
        environment, name = self._environment, self._name
        bound = getattr(self._port, method)

        def call(*args: Any, **kwargs: Any) -> Any:
            return environment.call(name, bound, args, kwargs)

        setattr(self, method, call)
        return call


class _Clock:
    """An environment's own."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def now_ms(self) -> int:
        environment = self._environment
        return environment.world.scheduler.now_ms + environment.skew_ms

    def wait(self, ms: int) -> bool:
        if ms > 0:
            self._environment.elapse(ms)
        return True


class _Signal:
    """What a slice waits with."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._is_set = False
        self._waiter: Task | None = None

    def set(self) -> None:
        self._is_set = True
        if self._waiter is not None:
            waiter, self._waiter = self._waiter, None
            self._environment.world.scheduler.wake(waiter)

    def clear(self) -> None:
        self._is_set = False

    def wait(self, timeout: float | None = None, /) -> bool:
        if not self._is_set:
            scheduler = self._environment.world.scheduler
            self._waiter = scheduler.current
            try:
                scheduler.block(None if timeout is None else max(1, round(timeout * 1000)))
            finally:
                self._waiter = None
            self._environment.elapse(0)
        return self._is_set


class _Threads(Executor):
    """Lent threads: a task each."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        context = copy_context()

        def work() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    result = context.run(fn, *args, **kwargs)
                except BaseException as error:  # noqa: BLE001 - told by the future
                    future.set_exception(error)
                else:
                    future.set_result(result)

        self._environment.spawn("lent", work)
        return future


class _Runner:
    """Runs the work of an async body's steps, each in a task of its own."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def start(self, job: Job, ended: Callable[[Job, Any, BaseException | None], None], /) -> None:
        context = copy_context() if job.context is None else job.context.copy()

        def work() -> None:
            call = job.call
            if call is None:
                return
            try:
                value = context.run(_finished, call)
            except WorkerKilled:
                raise
            except BaseException as error:  # noqa: BLE001 - told to the slice, which judges it
                ended(job, None, error)
            else:
                ended(job, value, None)

        self._environment.spawn(job.operation.path, work)

    def flush(self) -> None:
        """What was started is on its way."""

    def retract(self) -> list[Job]:
        return []


def _finished(call: Callable[[], Any]) -> Any:
    """The result of a function, or of a coroutine that never waits."""
    value = call()
    if not hasattr(value, "send"):
        return value
    try:
        value.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the functions of the simulator's steps do not wait")
