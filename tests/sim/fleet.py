"""The queue and what is polled from it: messages late, twice or out of order; workers started for them, warm or cold.

Owns which environment gets which message and what becomes of the message after. What happens in an environment is lambdas.py's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from milepost.engine.deliver import Ack, Later, Verdict
from milepost.engine.messages import Received
from milepost.engine.ports import Clock, Outgoing
from tests.sim.lambdas import INVOCATION_MS, VISIBILITY_MS, Environment
from tests.sim.memory import Mail, MemoryTimers

if TYPE_CHECKING:
    from tests.sim.world import World

AT_ONCE_MS = 900_000
"""A timer no further ahead than this is a delayed message, and arming it twice makes two."""


class UnreliableMail(Mail):
    """Messages that come late, or twice, and whose ids say who sent them."""

    def __init__(self, world: World) -> None:
        super().__init__(most_receives=world.rates.most_receives)
        self._world = world

    def add(self, outgoing: Outgoing, now_ms: int, id: str | None = None) -> str:
        world = self._world
        task = world.scheduler.current or world.service
        task.draws += 1
        name = f"m{crc32(f'{world.seed} {task.name} {task.draws}'.encode()):08x}" if id is None else id
        faults, rates = world.faults, world.rates
        super().add(outgoing, now_ms, name)
        world.laws.families.sent(outgoing.body)
        if faults.strikes(task, "delayed", rates.delayed, now_ms):
            self.postpone(name, task.random.randrange(1, rates.delay_ms))
        if faults.strikes(task, "duplicated", rates.duplicated, now_ms):
            self.copy(name, now_ms + outgoing.delay_ms + task.random.randrange(rates.duplicate_ms + 1))
        world.fleet.look()
        return name


class UnreliableTimers(MemoryTimers):
    """Timers that fire late, or never. Near ones are delayed messages."""

    def __init__(self, world: World, mail: Mail, clock: Clock) -> None:
        super().__init__(mail)
        self._world = world
        self._post = mail
        self._clock = clock

    def arm(self, name: str, due_at_ms: int, message: Outgoing) -> None:
        world = self._world
        now = self._clock.now_ms()
        task = world.scheduler.current or world.service
        late = 0
        if world.faults.strikes(task, "timer late", world.rates.timer_late, now):
            late = task.random.randrange(1, world.rates.timer_late_ms)
        if world.faults.strikes(task, "timer lost", world.rates.timer_lost, now):
            return
        delay = max(0, due_at_ms - now) + late
        if delay <= AT_ONCE_MS:
            self._post.add(Outgoing(message.group, message.body, delay, message.fair_key), now)
            return
        if name not in self.armed:
            super().arm(name, due_at_ms + late, message)
            world.scheduler.call_at(due_at_ms + late, self._fire)

    def _fire(self) -> None:
        self.fire(self._world.scheduler.now_ms)


class Fleet:
    """The worker's Lambda with its queue: so many environments at once, one message each."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._idle: list[Environment] = []
        self._busy: list[Environment] = []
        self._started = 0
        self._looks_at: int | None = None
        self._deliveries: dict[str, int] = {}

    # ---- polling -----------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Something may have become visible, now or later."""
        world = self._world
        at = world.mail.next_visible_at()
        if at is not None and len(self._busy) < world.rates.concurrency:
            at = max(at, world.scheduler.now_ms)
            if self._looks_at is None or at < self._looks_at:
                self._looks_at = at
                world.scheduler.call_at(at, self._poll)

    def _poll(self) -> None:
        world = self._world
        now = world.scheduler.now_ms
        if self._looks_at is not None and self._looks_at <= now:
            self._looks_at = None
        while len(self._busy) < world.rates.concurrency:
            received = world.mail.receive(now, 1)
            if not received:
                break
            self._start(received[0])
        self.look()

    def _start(self, received: Received) -> None:
        world = self._world
        number = self._deliveries[received.id] = self._deliveries.get(received.id, 0) + 1
        environment = self.environment()
        world.deliveries += 1
        world.tell(environment.name, "is handed {}", received)
        task = world.spawn(f"{received.id}/{number}", lambda: self._handle(environment, received), home=environment)
        environment.tasks.append(task)

    def _handle(self, environment: Environment, received: Received) -> None:
        """The invocation. When its time is up the service has done with it, though a frozen environment does not know."""
        world = self._world
        at = world.scheduler.now_ms
        over: list[bool] = []

        def conclude(verdict: Verdict | None) -> None:
            if not over:
                over.append(True)
                self._busy.remove(environment)
                self._conclude(environment, received, at, verdict)

        def time_out() -> None:
            if not over:
                environment.time_out()
                conclude(None)

        world.scheduler.call_at(at + INVOCATION_MS, time_out)
        verdict: Verdict | None = None
        try:
            verdict = environment.invoke(received)
        finally:
            is_zombie = bool(over)
            conclude(verdict)
            if is_zombie:
                environment.die("its time was up long ago")
            elif environment.is_alive:
                self._idle.append(environment)

    def _conclude(self, environment: Environment, received: Received, at: int, verdict: Verdict | None) -> None:
        """The service's side: delete the message, or let it become visible again."""
        world = self._world
        now = world.scheduler.now_ms
        match verdict:
            case Ack():
                task = world.scheduler.current or world.service
                if world.faults.strikes(task, "ack lost", world.rates.ack_lost, now):
                    world.mail.retry(received.id, max(now, at + VISIBILITY_MS))
                else:
                    world.mail.ack(received.id)
            case Later(at_ms):
                world.mail.retry(received.id, max(now, at_ms - environment.skew_ms))
            case None:
                world.mail.retry(received.id, max(now, at + VISIBILITY_MS))
        self.look()

    # ---- environments ------------------------------------------------------------------------------------------------

    def environment(self) -> Environment:
        """A warm one, or a new one. It is busy now."""
        world = self._world
        self._idle = [one for one in self._idle if one.is_alive]
        if self._idle and world.random.random() >= world.rates.cold:
            environment = self._idle.pop(world.random.randrange(len(self._idle)))
            environment.tasks = [task for task in environment.tasks if not task.is_over]
        else:
            self._started += 1
            skew = world.rates.skew_ms
            environment = Environment(
                world,
                f"env{self._started}",
                skew_ms=world.random.randint(-skew, skew) if world.faults.is_on else 0,
                built=world.deployed(),
            )
        self._busy.append(environment)
        return environment

    def release(self, environment: Environment) -> None:
        """It works no more."""
        self._busy.remove(environment)
        if environment.is_alive:
            self._idle.append(environment)
        self.look()

    @property
    def started(self) -> int:
        """So many were started."""
        return self._started

    @property
    def busy(self) -> int:
        """So many environments work."""
        return len(self._busy)

    @property
    def most_deliveries(self) -> int:
        """How often the one message was delivered that was most often."""
        return max(self._deliveries.values(), default=0)

    @property
    def is_busy(self) -> bool:
        """Something works."""
        return bool(self._busy)
