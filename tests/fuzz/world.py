"""One seed's world: a program, a cloud in memory, and a chain of misfortunes.

Each slice runs on a thread of its own, one at a time, and gives the word back before every call of a port: so it can be
killed there, with part of a batch written, or frozen, to go on as a zombie while another slice drives the run.

The law: what a slice has seen before a write that landed is seen again, in the same order and at the same times, by every
slice that reads the history after it. Who is superseded may write, but what it saw counts no more as soon as a later slice
has written.
"""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import msgspec

from milepost import App, AsyncStep, Event, NonRetriableError, Retry
from milepost.engine import keys
from milepost.engine.deliver import Ack, Later, deliver
from milepost.engine.messages import Received
from milepost.engine.ports import ConditionFailed, Item, Put
from milepost.engine.pump import Job
from milepost.engine.slice import Slice
from milepost.engine.worker import Worker
from milepost.testing.crashes import WorkerKilled
from tests.engine.stage import INVOCATION, LEASE, Stage, again
from tests.fuzz.programs import Body, Deeds, Node, Teller, program

MOST_DELIVERIES = 400


class Again(Event):
    """Only for its type."""


class Driver:
    """One worker invocation, on a thread of its own. It stops before every port call until it is let go on."""

    def __init__(self, world: "World", received: Received, ahead_ms: int) -> None:
        self.world = world
        self.received = received
        self.ahead_ms = ahead_ms
        self.teller: Teller | None = None
        self.epoch = 0
        self.expected: list[tuple[Any, ...]] | None = None
        self.verdict: Ack | Later | None = None
        self.error: BaseException | None = None
        self.is_killed = False
        self.is_frozen = False
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.is_over = False

    def start(self) -> None:
        self._thread.start()
        self._stopped.acquire()

    def go_on(self) -> None:
        """Until the next port call, or the end."""
        self._go.release()
        self._stopped.acquire()

    def _run(self) -> None:
        try:
            worker = self.world.worker_of(self)
            self.verdict = deliver(self.received, worker, worker.now() + INVOCATION)
        except WorkerKilled:
            self.is_killed = True
        except BaseException as error:  # noqa: BLE001 - raised again where the test can see it
            self.error = error
        self.is_over = True
        self._stopped.release()

    def before_call(self) -> None:
        """On the slice's thread: give the word back."""
        if self.is_killed:
            raise WorkerKilled
        self._stopped.release()
        self._go.acquire()
        if self.is_killed:
            raise WorkerKilled

    def kill(self) -> None:
        self.is_killed = True
        self._go.release()
        self._thread.join()


class _Port:
    """A port as a driver sees it."""

    def __init__(self, name: str, port: Any, driver: Driver) -> None:
        self._name = name
        self._port = port
        self._driver = driver

    def __getattr__(self, method: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._driver.before_call()
            if self._name != "table":
                return getattr(self._port, method)(*args, **kwargs)
            return self._driver.world.table_call(self._driver, method, args, kwargs)

        return call


class _Runner:
    """Runs the work of steps when the world says so, in whatever order."""

    def __init__(self, world: "World", driver: Driver) -> None:
        self._world = world
        self._driver = driver
        self.jobs: list[tuple[Job, Callable[..., None]]] = []

    def start(self, job: Job, ended: Callable[..., None], /) -> None:
        self.jobs.append((job, ended))

    def retract(self) -> list[Job]:
        return []

    def flush(self) -> None:
        if self.jobs and self._world.random.random() < 0.5:
            self.finish_some()

    def finish_some(self) -> bool:
        """Some of what runs ends."""
        jobs = [one for one in self.jobs if one[0].call is not None]
        random = self._world.random
        random.shuffle(jobs)
        ending = jobs[: random.randint(1, max(1, len(jobs)))]
        self.jobs = jobs[len(ending) :]
        for job, ended in ending:
            call = job.call
            assert call is not None
            try:
                coroutine: Any = call()
                if coroutine is None:  # a callback's submit is a def
                    ended(job, None, None)
                    continue
                coroutine.send(None)
            except StopIteration as stop:
                ended(job, stop.value, None)
            except Exception as error:  # noqa: BLE001 - told to the slice
                ended(job, None, error)
            else:
                raise AssertionError("the fuzz's steps do not wait")
        return bool(ending)


class _Signal:
    def __init__(self, world: "World", runner: _Runner) -> None:
        self._world = world
        self._runner = runner

    def set(self) -> None:
        """Whoever waits looks by himself."""

    def clear(self) -> None:
        """Nothing is kept."""

    def wait(self, timeout: float | None = None, /) -> bool:
        if timeout is not None and self._world.random.random() < 0.4:
            self._world.stage.clock.at_ms += max(1, int(timeout * 1000))
            return False
        if not self._runner.finish_some():
            self._world.stage.clock.at_ms += 1
        return True


class _Clock:
    def __init__(self, world: "World", ahead_ms: int) -> None:
        self._world = world
        self._ahead_ms = ahead_ms

    def now_ms(self) -> int:
        return self._world.stage.clock.at_ms + self._ahead_ms

    def wait(self, ms: int) -> bool:
        if self._world.random.random() < 0.3:
            return False
        self._world.stage.clock.at_ms += ms
        return True


class World:
    """Everything of one seed."""

    def __init__(self, seed: int, *, zombies: bool = False) -> None:
        self.seed = seed
        self.zombies = zombies
        self.random = Random(seed)
        self.tree: Node = program(self.random, operations=self.random.choice((6, 12, 24)))
        self.calls = 0
        self.tried: dict[str, int] = {}
        self.landed: tuple[int, list[tuple[Any, ...]]] = (0, [])
        """The highest epoch that has written, and what it had seen by then."""
        self.newest = 1
        """The epoch of the slice that drives the run now, or did last."""
        self.tokens: list[str] = []
        self.drivers: list[Driver] = []
        """Zombies among them."""
        self.current: dict[int, Driver] = {}
        self.crashes = self.slices = 0
        self.app, self.function = self._make_app()
        self.run_id = ""
        self._late: deque[Callable[[], None]] = deque()

    # ---- the app -----------------------------------------------------------------------------------------------------

    def _make_app(self) -> tuple[App, Any]:
        app = App("fuzz")
        world = self

        @app.event("fuzz/asked", keys=("key",))
        class Asked(Event):
            key: str = "asked"

        @app.event("fuzz/told", keys=("key",))
        class Told(Event):
            key: str

        @app.function(retry=Retry(retries=0))
        async def child(event: Asked, step: AsyncStep) -> str:
            if event.key.endswith("3"):
                raise NonRetriableError("a child fails")
            return event.key

        class Own(Deeds):
            async def work(self, name: str) -> str:
                world.calls += 1
                return f"{name}#{world.calls}"

            async def fail(self, name: str) -> str:
                raise NonRetriableError(f"{name} fails")

            async def fail_first(self, name: str) -> str:
                world.tried[name] = world.tried.get(name, 0) + 1
                if world.tried[name] == 1:
                    raise KeyError(name)
                return await self.work(name)

            async def wait(self, step: AsyncStep, node: Node) -> Any:
                found = await step.wait_for_event(node.name, Told, key=node.name, timeout=timedelta(milliseconds=node.amount + 1_000))
                return None if found is None else found.key

            async def invoke(self, step: AsyncStep, node: Node) -> Any:
                return await step.invoke(node.name, child, Asked(key=node.name))

            async def callback(self, step: AsyncStep, node: Node) -> Any:
                return await step.wait_for_callback(
                    node.name, world.tokens.append, returns=str, timeout=timedelta(milliseconds=node.amount + 5_000)
                )

        @app.function(on=Asked, waits_for=[Told], retry=Retry(retries=2, delays=(timedelta(seconds=1), timedelta(seconds=30)), jitter=0))
        async def fuzzed(event: Asked, step: AsyncStep) -> str:
            teller = world.teller_of(threading.get_ident())
            body = Body(step, teller, Own())
            await body.do(world.tree)
            return "done"

        self.asked, self.told, self.child = Asked, Told, child
        return app, fuzzed

    # ---- what slices see ---------------------------------------------------------------------------------------------

    def teller_of(self, thread: int) -> Teller:
        driver = self.current[thread]
        driver.teller = Teller()
        return driver.teller

    def worker_of(self, driver: Driver) -> Worker:
        self.current[threading.get_ident()] = driver
        runner = _Runner(self, driver)

        def given(_threads: object) -> _Runner:
            return runner

        worker = self.stage.worker
        ports = worker.ports
        own = msgspec.structs.replace(
            ports,
            clock=_Clock(self, driver.ahead_ms),
            **{name: _Port(name, getattr(ports, name), driver) for name in ("table", "queue", "timers", "bus", "blobs")},
        )
        return replace(worker, ports=own, signal=lambda: _Signal(self, runner), runner=given)

    def table_call(self, driver: Driver, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call of the table by a slice: may be the last one, may land in part."""
        table = self.stage.ports.table
        if method == "write_many" and self._concerns(args[0][0]) and self.random.random() < self.misfortune:
            some = [write for write in args[0] if self.random.random() < 0.5]
            if some:
                self._landed(driver, table.write_many(some))
            self._die(driver)
        if method == "query_as" and args[1] == keys.run_pk(self.run_id) and kwargs.get("after") is None:
            self._check(driver)
            # Read again, it goes on from what it knew: what a zombie has written since comes too late for it.
            if driver.expected is None or self.landed[0] == driver.epoch:
                driver.expected = list(self.landed[1])
        outcome = getattr(table, method)(*args, **kwargs)
        if method == "write_many" and args[0] and self._concerns(args[0][0]):
            self._landed(driver, outcome)
        elif method == "put" and self._is_step(args[0]):
            self._landed(driver, [None])
        elif method == "put" and args[0]["sk"] == "run" and args[0]["pk"] == keys.run_pk(self.run_id):
            driver.epoch = args[0].get("epoch", 0)
            driver.expected = []
        elif method == "update" and args[0] == keys.header(self.run_id) and "epoch" in args[1].add:
            driver.epoch = self.newest = outcome["epoch"]
            self.slices += 1
        return outcome

    def _concerns(self, write: Any) -> bool:
        return isinstance(write, Put) and self._is_step(write.item)

    def _is_step(self, item: Item) -> bool:
        return bool(item["pk"] == keys.run_pk(self.run_id) and item["sk"].startswith("step#"))

    def _landed(self, driver: Driver, outcomes: list[ConditionFailed | None]) -> None:
        if driver.teller is None or all(outcomes) or driver.epoch < self.landed[0]:
            return
        trace = driver.teller.trace
        is_further = driver.epoch > self.landed[0] or len(trace) > len(self.landed[1])
        if is_further and len(trace) >= len(driver.expected or ()):
            self.landed = (driver.epoch, list(trace))

    def _die(self, driver: Driver) -> None:
        self.crashes += 1
        driver.is_killed = True
        raise WorkerKilled

    def _check(self, driver: Driver) -> None:
        """What it was to see again, it has seen, as far as it came."""
        if driver.teller is None or driver.expected is None or driver.epoch < self.newest:
            return  # superseded: what it sees counts no more
        differs = difference(driver.expected, driver.teller.trace)
        if differs is not None:
            raise Differs(f"seed {self.seed}, epoch {driver.epoch}: {differs}")

    # ---- the play ----------------------------------------------------------------------------------------------------

    def play(self) -> "Played":
        """Let it all happen. Raises Differs, or what a slice should not have raised."""
        self.misfortune = self.random.choice((0.0, 0.01, 0.03, 0.1))
        with ExitStack() as stack:
            self.stage = stack.enter_context(Stage(self.app))
            self.run_id = self.stage.client.invoke(self.function, self.asked()).id
            self._waiting: list[tuple[int, Received]] = []
            for _ in range(MOST_DELIVERIES):
                received = self._next()
                if received is None:
                    break
                self._deliver(received)
            for zombie in self.drivers:
                while not zombie.is_over:
                    zombie.go_on()
                self._close(zombie)
            run = self.stage.run(self.run_id)
            if not run.status.is_terminal:
                raise Differs(f"seed {self.seed}: the run has not ended: {run.status}, {self.stage.header(self.run_id).reason}")
            page = self.stage.ports.table.query(keys.run_pk(self.run_id), limit=1_000)
            return Played(self.seed, self.zombies, page.items, self.landed[1], str(run.error or ""), self.slices, self.crashes)

    def _next(self) -> Received | None:
        stage, random = self.stage, self.random
        for _ in range(200):
            stage.take()
            now = stage.clock.at_ms
            visible = stage.hand + [received for at, received in self._waiting if at <= now]
            self._meddle()
            if visible:
                received = random.choice(visible)
                stage.hand = [one for one in stage.hand if one is not received]
                self._waiting = [one for one in self._waiting if one[1] is not received]
                return received
            times = [at for at, _ in self._waiting]
            if (at := stage._mailbox.next_visible_at()) is not None:  # pyright: ignore[reportPrivateUsage]
                times.append(at)
            if not times:
                return None
            stage.clock.at_ms = max(now, min(times))
        raise AssertionError("nothing becomes visible")

    def _meddle(self) -> None:
        """The world outside: events, answers, time."""
        if self.random.random() < 0.3:
            self.stage.clock.at_ms += self.random.choice((1, 50, 700))
        if self.random.random() < 0.4 and (waits := [one for one in _flat(self.tree) if one.op == "wait"]):
            self.stage.send(self.told(key=self.random.choice(waits).name))
        if self.tokens and self.random.random() < 0.5:
            token = self.tokens.pop(self.random.randrange(len(self.tokens)))
            self.app_answer(token)

    def app_answer(self, token: str) -> None:
        from milepost.engine.callbacks import Token, succeed

        succeed(self.stage.worker, Token.of(token), f"answer {self.calls}")

    def _deliver(self, received: Received) -> None:
        random = self.random
        driver = Driver(self, received, random.choice((0, 0, 0, 1_500, -1_500)))
        driver.start()
        while not driver.is_over:
            chance = random.random()
            if chance < self.misfortune / 4:
                self.crashes += 1
                driver.kill()
            elif self.zombies and chance < self.misfortune / 2 and len(self.drivers) < 3:
                driver.is_frozen = True
                self.drivers.append(driver)
                self._waiting.append((self.stage.clock.at_ms + 2 * INVOCATION, again(received)))
                return
            else:
                self._wake_a_zombie()
                driver.go_on()
        self._close(driver)
        if driver.is_killed:
            self._waiting.append((self.stage.clock.at_ms + LEASE + 10_000, again(received)))
        elif isinstance(driver.verdict, Later):
            self._waiting.append((driver.verdict.at_ms, again(received)))

    def _wake_a_zombie(self) -> None:
        alive = [zombie for zombie in self.drivers if not zombie.is_over]
        if alive and self.random.random() < 0.2:
            self.random.choice(alive).go_on()

    def _close(self, driver: Driver) -> None:
        if driver.error is not None:
            raise driver.error
        self._check(driver)


class Differs(AssertionError):
    """A replay differs from what was seen."""


class Played(msgspec.Struct, frozen=True):
    """How a seed ended, with all that a replay in another process needs."""

    seed: int
    zombies: bool
    items: list[Item]
    seen: list[tuple[Any, ...]]
    error: str
    slices: int
    crashes: int


def difference(expected: list[tuple[Any, ...]], trace: list[tuple[Any, ...]]) -> str | None:
    """Where what was seen again differs from what was seen; None when it does not, as far as it goes."""
    for place, (before, now) in enumerate(zip(expected, trace, strict=False)):
        if before != now:
            return f"at {place} it saw {before}, and now {now}; before that {expected[max(0, place - 3) : place]}"
    return None


def _flat(node: Node) -> list[Node]:
    return [node, *(inner for child in node.children for inner in _flat(child))]


def replay(played: Played) -> str | None:
    """Replay an ended run's history in this process; says how what is seen differs from what was."""
    from milepost.engine.body import run_body
    from milepost.engine.origins import Origins

    world = World(played.seed, zombies=played.zombies)
    with Stage(world.app) as stage:
        world.stage = stage
        for item in played.items:
            stage.ports.table.put(item)
        header = next(stage.header(item["pk"].removeprefix("run#")) for item in played.items if item["sk"] == "run")
        world.run_id = header.run
        driver = Driver(world, Received(id="", group="", body="", deliveries=1, sent_at_ms=0), 0)
        world.current[threading.get_ident()] = driver
        slice_ = Slice(stage.worker, world.function.definition, header, deadline_ms=0, frozen=True)
        slice_.journal.load()
        run_body(slice_, Origins('{"key": "asked"}', None))
        assert driver.teller is not None
        trace = driver.teller.trace
        if len(trace) < len(played.seen):
            return f"seed {played.seed}: it saw {len(played.seen)} things and now {len(trace)}; next was {played.seen[len(trace)]}"
        differs = difference(played.seen, trace)
        return None if differs is None else f"seed {played.seed}: {differs}"
