"""The queue of a box and its workers: in which order, and when again, a message comes.

Owns what is late, and since when it has been.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any, Final

from milepost.engine.deliver import Ack, Later, Verdict
from milepost.engine.messages import Received
from tests.sim.faults import MINUTE
from tests.sim.fleet import Fleet, UnreliableMail
from tests.sim.lambdas import Environment

if TYPE_CHECKING:
    from tests.sim.boxed import BoxedWorld

_ABSENT: Final = object()
_AWAITED_MS: Final = 10 * MINUTE
"""What comes later than this is not waited for: a duplicate on which nothing depends."""


class BoxedMail(UnreliableMail):
    """Messages that come in any order, of which is known when they were meant to."""

    def __init__(self, world: BoxedWorld) -> None:
        super().__init__(world)
        self._random = Random(world.seed + 2)
        self._is_shuffled = self._random.random() < 0.7
        self._meant: dict[str, int] = {}
        self._hopeless: dict[str, None] = {}
        self._done: dict[str, None] = {}
        self._last = 0
        """The number of the letter that was written last."""
        self._spare: dict[int, None] = {}
        """The numbers of copies that come so late that nobody waits for them."""
        self.late: list[tuple[int, int]] = []
        """When a message was meant to come that came late, and when it was done."""

    def next_late(self, now_ms: int) -> int | None:
        """When the next message comes that was meant to be here by now, if that is soon."""
        late = [
            at
            for at, number, letter in self._waiting
            if self._meant[letter.id] <= now_ms < at and letter.id not in self._hopeless and number not in self._spare
        ]
        at = min(late, default=None)
        return None if at is None or at > now_ms + _AWAITED_MS else at

    def give_up(self, id: str) -> None:
        """Nobody waits for this one."""
        self._hopeless[id] = None

    def done(self, id: str, now_ms: int) -> None:
        """It is done, now."""
        if self._meant[id] < now_ms and id not in self._done:
            self.late.append((self._meant[id], now_ms))
        self._done[id] = None

    def copy(self, id: str, at_ms: int) -> str | None:
        number = self._last
        copied = super().copy(id, at_ms)
        if copied is not None and self._last != number and at_ms > self._world.scheduler.now_ms + _AWAITED_MS:
            self._spare[self._last] = None
        return copied

    def _wait(self, letter: Any, visible_at: int) -> None:
        self._meant.setdefault(letter.id, visible_at)
        super()._wait(letter, visible_at)

    def postpone(self, id: str, by_ms: int) -> None:
        meant = self._meant[id]
        super().postpone(id, by_ms)
        self._meant[id] = meant

    def _number(self) -> int:
        order = self._random.getrandbits(16) if self._is_shuffled else 0
        self._last = (order << 40) + super()._number()
        return self._last


class BoxedFleet(Fleet):
    """Gentle, it hands a message that has to wait for another invocation out again when that is over: no time passes."""

    def __init__(self, world: BoxedWorld) -> None:
        super().__init__(world)
        self._boxed = world
        self._held: list[str] = []
        self._tried_at: dict[str, int] = {}
        """When a message was last tried again with nobody at work: if it has to wait then, it is for time to pass."""
        self._at_the_door: dict[str, None] = {}
        """Environments that have called no port yet since they were handed a message."""

    def knocks(self, environment: Environment) -> bool:
        """It calls a port; whether for the first time: when that is refused for good, nothing has been done."""
        return self._at_the_door.pop(environment.name, _ABSENT) is None

    def _handle(self, environment: Environment, received: Received) -> None:
        self._at_the_door[environment.name] = None
        super()._handle(environment, received)

    def _conclude(self, environment: Environment, received: Received, at: int, verdict: Verdict | None) -> None:
        mail, now = self._boxed.mail, self._boxed.scheduler.now_ms
        match verdict:
            case None if environment.is_alive and not self._boxed.is_rough and environment.name in self._at_the_door:
                mail.give_up(received.id)  # nobody can read it
                super()._conclude(environment, received, at, verdict)
            case None if environment.is_alive and not self._boxed.is_rough:
                mail.retry(received.id, now)
            case Later() if not self._boxed.is_rough and (self.is_busy or self._tried_at.get(received.id) != now):
                self._held.append(received.id)
            case _:
                if isinstance(verdict, Ack):
                    mail.done(received.id, now)
                super()._conclude(environment, received, at, verdict)
        if not self.is_busy:
            held, self._held = self._held, []
            for id in held:
                self._tried_at[id] = now
                mail.retry(id, now)
        self.look()
