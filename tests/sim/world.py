"""One seed's world: a system of programs on a cloud in memory, what the outside does to it, and what befalls it.

    plan_of(seed) ──▶ Plan: programs, rates of faults, actions of the outside       data: can be made smaller
    World(plan).play() ──▶ Played, or what went wrong is raised

A play has two parts: in the first the faults are on; then they are off, what an operator would repair is repaired, and
everything has to come to rest: whoever makes no progress then is found.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import Random
from zlib import crc32

import msgspec

from milepost.engine import callbacks, keys
from milepost.engine.callbacks import Token
from milepost.engine.client import Client
from milepost.engine.facts import Fact
from milepost.engine.ports import DUE, Item, Key, Outgoing, PortError
from milepost.engine.records import Failing
from milepost.engine.worker import Moved, Settings, Worker
from milepost.errors import RunNotFound, UsageError
from tests.sim.bodies import Built, build
from tests.sim.faults import HOUR, MINUTE, SECOND, Fault, Faults
from tests.sim.fleet import Fleet, UnreliableMail, UnreliableTimers
from tests.sim.lambdas import Environment
from tests.sim.laws import Broken, Laws
from tests.sim.ledger import Ledger
from tests.sim.memory import MemoryCloud
from tests.sim.names import Call
from tests.sim.outside import Outside
from tests.sim.plan import TROUBLE_MS, Action, Plan, plan_of
from tests.sim.scheduler import START_MS, Scheduler, Task
from tests.sim.timeline import Timeline

SWEEP_MS = MINUTE
NEVER_MS = 10**15
REST_MS = 1_000 * 24 * HOUR
"""Virtual time in which everything has to come to rest."""
MOST_DELIVERIES = 20_000
MOST_CALLS = 20_000
"""Far more than the busiest play makes: there are loops that take no time."""


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """How a play went that broke no law."""

    seed: int
    runs: int
    deliveries: int
    faults: int
    calls: int
    virtual_ms: int
    swept: int
    """Runs that the sweeper found."""
    digest: int
    """Of everything that happened, in order."""


class _Now:
    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def now_ms(self) -> int:
        return self._scheduler.now_ms

    def wait(self, ms: int) -> bool:
        raise AssertionError("nobody waits by true time")


class Silent:
    """A log that nobody reads; what is an error goes into the timeline."""

    def __init__(self, world: World) -> None:
        self._world = world

    def debug(self, message: str, /, *args: object, **fields: object) -> None:
        """Nothing."""

    info = warning = debug

    def error(self, message: str, /, *args: object, **fields: object) -> None:
        self._world.tell("log", "{}: {}", message, fields)

    exception = error


class World:
    """Everything of one play."""

    def __init__(self, plan: Plan, *, dropped: frozenset[str] = frozenset(), timeline: Timeline | None = None) -> None:
        self.plan = plan
        self.seed = plan.seed
        self.rates = plan.rates
        self.random = Random(plan.seed)
        self.scheduler = Scheduler(self.random)
        self.service = Task("services", lambda: None, Random(plan.seed + 1), None)
        """Whose draws count for what the services do by themselves."""
        self.timeline = timeline
        self.faults = Faults(plan.rates, dropped=dropped, tell=None if timeline is None else self._told)
        self.settings = Settings()
        self.log = Silent(self)
        self.laws = Laws(lambda: self.scheduler.now_ms, self._writer, skew_ms=2 * plan.rates.skew_ms)
        self.ledger = Ledger(self)
        self.outside = Outside(self)
        first = build(plan.system, self.ledger)
        is_renewed = any(action.kind == "deploy" for action in plan.actions)
        self.built: tuple[Built, Built] = (first, build(plan.system, self.ledger, version=2) if is_renewed else first)
        self.cloud = self._make_cloud()
        self.fleet = Fleet(self)
        self.deliveries = self.calls = self.swept = 0
        self.digest = 0
        self.is_deployed = False
        self._latencies = self.random.choice(((0,), (0, 1), (1, 3, 8, 20), (0, 5, 5, 5, 200)))
        self.moment_ms = 5 * max(self._latencies) + (2 * plan.rates.slow_ms if plan.rates.slow else 0)
        """Between a step's guard and its beginning there are two calls at most."""
        self._bursts = [self.random.randrange(TROUBLE_MS // 10) for _ in range(plan.rates.bursts)]
        self._sweeps_at: int | None = None
        self._swept_at = START_MS
        self._clients = 0
        self.facts: dict[str, int] = {}
        """How often the engine told which."""
        self.done: dict[str, int] = {}
        """How often the outside did what."""

    def _make_cloud(self) -> MemoryCloud:
        now = _Now(self.scheduler)
        self.mail = UnreliableMail(self)
        timers = UnreliableTimers(self, self.mail, now)
        cloud = MemoryCloud(now, self.built[0].app.definitions, mail=self.mail, timers=timers)
        cloud.table.on_write = self._wrote
        if self.rates.index_lag_ms:
            cloud.table.index_view = lambda: self.random.randrange(self.rates.index_lag_ms) if self.faults.is_on else 0
        return cloud

    # ---- what environments ask ---------------------------------------------------------------------------------------

    def spawn(self, name: str, function: Callable[[], None], *, home: Environment | None = None) -> Task:
        """Begin a task, with draws of its own."""
        return self.scheduler.spawn(name, function, random=Random(crc32(f"{self.seed} {name}".encode())), home=home)

    def latency(self, task: Task) -> int:
        """Milliseconds that half a call takes."""
        latencies = self._latencies
        ms = latencies[int(task.random.random() * len(latencies))] if len(latencies) > 1 else 0
        if self.rates.slow and self.faults.strikes(task, "slow", self.rates.slow, self.scheduler.now_ms):
            ms += task.random.randrange(self.rates.slow_ms)
        return ms

    def is_throttled(self) -> bool:
        """It is one of the bad minutes."""
        if not self._bursts:
            return False
        now = self.scheduler.now_ms - START_MS
        return any(begin <= now < begin + MINUTE for begin in self._bursts)

    def equipped(self, worker: Worker, environment: Environment) -> Worker:
        """The worker of a new environment."""
        return worker

    def deployed(self) -> Built:
        """The code that a new environment starts with."""
        return self.built[1 if self.is_deployed else 0]

    def called(self, environment: Environment, task: Task, call: Call) -> None:
        """A port call has had its effect."""
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise self.broken("it comes to rest", f"after {self.calls} calls of ports there are still more")
        if call.method == "query_as":
            self.laws.progress.read(call.args[1])
        is_done = not isinstance(call.outcome, BaseException)
        self.digest = crc32(f"{self.scheduler.now_ms} {task.name} {call.method} {is_done}".encode(), self.digest)
        if self.timeline is not None:
            self.timeline.called(self.scheduler.now_ms, environment.name, call)

    def tell(self, who: str, what: str, *args: object, run: str | None = None) -> None:
        """A line of the timeline: a template and what goes into it; ``run`` is an id or a key."""
        if self.timeline is not None:
            self.timeline.tell(self.scheduler.now_ms, who, run or "", what, args)

    def _told(self, task: Task, fault: Fault) -> None:
        """A fault has struck."""
        self.tell("" if task.home is None else task.home.name, "✗ {}", fault.kind)

    def observe(self, moved: Moved) -> None:
        """A run has moved."""
        self.tell("", "→ {}{}", moved.status.value, f": {moved.note}" if moved.note else "", run=moved.run)

    def notice(self, fact: Fact) -> None:
        """The engine tells a fact, for metrics."""
        self.facts[type(fact).__name__] = self.facts.get(type(fact).__name__, 0) + 1

    def broken(self, law: str, what: str) -> Broken:
        """A law does not hold: to be raised by whoever finds it. The play is over even if that is caught on its way, as what a
        body raises is.
        """
        broken = Broken(law, what)
        self.scheduler.fail(broken)
        return broken

    def _writer(self) -> Environment | None:
        """The environment that works now."""
        task = self.scheduler.current
        return None if task is None else task.home

    def _wrote(self, key: Key, before: Item | None, after: Item | None) -> None:
        try:
            self.laws.wrote(key, before, after)
        except Broken as broken:
            self.scheduler.fail(broken)
            raise
        if key.sk == "run" and after is not None and self.rates.sweeper and "due_shard" in after:
            self._sweep_by(after["next_due"] + self.settings.overdue_ms + 1)
        if key.pk.startswith("wait#") and after is not None and not self.faults.is_on:
            for action in self.outside.late_words(after["keys"], self.scheduler.now_ms - START_MS):
                self.scheduler.call_at(START_MS + action.at_ms, partial(self.act, action))

    # ---- the sweeper -------------------------------------------------------------------------------------------------

    def _sweep_by(self, at_ms: int) -> None:
        """The sweeper comes every minute; here, when it may find something."""
        if at_ms >= NEVER_MS:
            return
        at = max(at_ms, self._swept_at + SWEEP_MS, self.scheduler.now_ms)
        if self._sweeps_at is None or at < self._sweeps_at:
            self._sweeps_at = at
            self.scheduler.call_at(at, self._sweep)

    def _sweep(self) -> None:
        now = self.scheduler.now_ms
        if self._sweeps_at is None or self._sweeps_at > now:
            return
        self._sweeps_at = None
        self._swept_at = now
        for _ in range(2 if self.rates.sweeper_overlaps and self.faults.is_on else 1):
            environment = Environment(self, f"sweeper@{now - START_MS}", skew_ms=self._skew(), built=self.deployed())
            environment.tasks.append(self.spawn(environment.name, partial(self._swept, environment), home=environment))

    def _swept(self, environment: Environment) -> None:
        is_done = False
        try:
            with suppress(PortError):
                self.swept += environment.sweep()
                is_done = True
        finally:  # a sweeper that died comes again, as one does every minute
            self._sweep_by(self.scheduler.now_ms if not is_done else self._first_due())

    def _first_due(self) -> int:
        """When the next run will be overdue, as things are."""
        table = self.cloud.table
        table.index_view, view = None, table.index_view
        shards = [shard(number) for number in range(keys.SHARDS) for shard in (keys.due_shard, keys.paused_shard)]
        dues = [items[0]["next_due"] for shard in shards if (items := table.query_index(DUE, shard, limit=1).items)]
        table.index_view = view
        return min(dues) + self.settings.overdue_ms + 1 if dues else NEVER_MS

    def _skew(self) -> int:
        return self.random.randint(-self.rates.skew_ms, self.rates.skew_ms) if self.faults.is_on else 0

    # ---- the outside -------------------------------------------------------------------------------------------------

    def act(self, action: Action) -> None:
        """Somebody outside does something, again until it is accepted."""
        self._clients += 1
        self.done[action.kind] = self.done.get(action.kind, 0) + 1
        environment = Environment(self, f"client{self._clients}", skew_ms=0, built=self.built[0])

        def go() -> None:
            if action.kind not in ("ask", "tell", "stop"):  # of those the publishing tells
                self.tell(environment.name, "begins: {}", action.key if action.path else action.name, run="" if action.path else action.key)
            for _ in range(30):
                try:
                    self._do(action, environment)
                except PortError:
                    environment.elapse(1_000)
                else:
                    return

        environment.tasks.append(self.spawn(f"{action.name} #{self._clients}", go, home=environment))

    def _do(self, action: Action, environment: Environment) -> None:
        client = Client(environment.worker, new_id=lambda: "never asked for")
        built, outside = self.built[0], self.outside
        match action.kind:
            case "ask":
                client.send([built.asked(action.index, action.key)], id=action.id)
                outside.accepted[outside.run_of(action.index, action.id)] = action
            case "tell":
                assert action.awaited is not None
                outside.told(action)
                client.send([built.told(action.awaited, action.id, good=action.good)], id=action.id)
            case "stop":
                outside.cancelled(action.key)
                client.send([built.stop(action.key)], id=action.id)
            case "cancel" | "pause" | "resume" | "rerun":
                self._manage(client, action)
            case "deploy":
                self.is_deployed = True
                self._sweep_by(0)
            case "redrive":
                self.redrive()
            case "poison":
                self.mail.add(Outgoing(group="default", body=action.id), self.scheduler.now_ms)
            case "answer" | "refuse" | "heartbeat":
                self._answer(environment.worker, action)
            case unknown:
                raise AssertionError(unknown)

    def _manage(self, client: Client, action: Action) -> None:
        run = self.outside.run_of(action.index, f"ask {action.key}")
        try:
            match action.kind:
                case "cancel":
                    self.outside.cancelled(action.key)
                    client.cancel(run)
                case "pause":
                    client.pause(run)
                case "resume":
                    client.resume(run)
                case _:
                    client.rerun(run)
        except (RunNotFound, UsageError) as refused:
            self.tell("client", "{} is refused: {}", action.name, refused, run=action.key)

    def _answer(self, worker: Worker, action: Action) -> None:
        token = Token.of(action.id)
        try:
            match action.kind:
                case "answer":
                    self.outside.answered(token.run, action.path, action.key, is_failure=False)
                    callbacks.succeed(worker, token, action.key)
                case "refuse":
                    self.outside.answered(token.run, action.path, action.key, is_failure=True)
                    callbacks.fail(worker, token, Failing(type="milepost.errors.StepError", message=action.key))
                case _:
                    callbacks.heartbeat(worker, token)
        except (RunNotFound, UsageError) as refused:
            self.tell("client", "{} is refused: {}", action.name, refused, run=action.key)

    def called_back(self, run: str, path: str, token: str) -> None:
        """Somebody has a token, and may use it."""
        draw = self.random.random()
        now = self.scheduler.now_ms
        delay = self.random.choice((0, 0, 50, SECOND, MINUTE, HOUR)) + self.random.randrange(100)
        kind = "answer" if not self.faults.is_on or draw < 0.7 else "refuse" if draw < 0.85 else "heartbeat"
        if self.faults.is_on and draw > 0.95:
            return
        action = Action(kind=kind, at_ms=now - START_MS, id=token, key=f"{kind} {path}", path=path)
        self.scheduler.call_at(now + delay, lambda: self.act(action))

    def _plain_worker(self) -> Worker:
        return Worker(definitions=self.built[0].app.definitions, ports=self.cloud.ports, log=self.log)

    def redrive(self) -> None:
        """An operator sends the dead letters again."""
        for dead in list(self.mail.dead):
            self.mail.redrive(dead.id, self.scheduler.now_ms)

    # ---- the play ----------------------------------------------------------------------------------------------------

    def play(self) -> Played:
        """Let it all happen. Raises Broken, or what should not have been raised."""
        try:
            for action in self.plan.actions:
                self.scheduler.call_at(START_MS + action.at_ms, partial(self.act, action))
            self.scheduler.run(until_ms=START_MS + TROUBLE_MS)
            self._heal()
            self._come_to_rest()
            self._check()
        finally:
            self.scheduler.close()
        return Played(
            seed=self.seed,
            runs=self.runs,
            deliveries=self.deliveries,
            faults=len(self.faults.struck),
            calls=self.calls,
            virtual_ms=self.virtual_ms,
            swept=self.swept,
            digest=self.digest,
        )

    @property
    def runs(self) -> int:
        """So many there are."""
        return sum(1 for item in self.cloud.table.all_items() if item["sk"] == "run")

    @property
    def virtual_ms(self) -> int:
        """Since the beginning."""
        return self.scheduler.now_ms - START_MS

    def _heal(self) -> None:
        """The faults are over. What waits for somebody outside gets it: everything told again, everything answered."""
        self._look_for_sleepers()
        self.tell("", "──── the faults are over ────")
        self.faults.is_on = False
        self.redrive()
        for action in self.outside.last_words(self.plan, self.scheduler.now_ms - START_MS):
            self.act(action)
        for _run, path, token in list(self.ledger.tokens):  # the first answer counts
            self.act(Action(kind="answer", at_ms=TROUBLE_MS, id=token, key=f"answer {path}", path=path))

    def _look_for_sleepers(self) -> None:
        """When nothing is under way but timers, and nothing was lost that only the sweeper makes good."""
        if self.rates.needs_sweeper or self.mail.in_flight or any(not text.startswith('{"kind":"timer"') for text in self.mail.waiting):
            return
        for asleep in self.laws.progress.asleep(self.cloud.table.all_items(), self.laws.logged, self.laws.families.told):
            raise Broken("who waits is woken", asleep)

    def _come_to_rest(self) -> None:
        """Until nothing is left to happen."""
        end = self.scheduler.now_ms + REST_MS
        while (at := self.scheduler.next_at) is not None:
            if at > end or self.deliveries > MOST_DELIVERIES:
                raise Broken("it comes to rest", f"after {self.deliveries} deliveries there is still more")
            self.scheduler.run(until_ms=at + HOUR)

    def _check(self) -> None:
        mail = self.mail
        messages = [*mail.in_flight, *(dead.body for dead in mail.dead if dead.body not in self.outside.poison)]
        self.laws.at_rest(self.cloud.table.all_items(), messages=messages, timers=list(self.cloud.timers.armed))
        self.outside.check(self._plain_worker())


def play(seed: int, *, timeline: Timeline | None = None) -> Played:
    """Play a seed."""
    return World(plan_of(seed), timeline=timeline).play()
