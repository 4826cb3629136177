"""Which faults a seed has, how often, and which of them have struck.

Each seed has a mixture of its own: most kinds are off in it, so that what one kind leads to is not always healed by another.
Whether a fault strikes is drawn from the task's own draws, and each has a name made of the task and the number of the draw:
one of them can be left out, or all of a kind, and what
others draw stays the same. So a failing seed can be shrunk.
"""

from collections.abc import Callable
from random import Random

import msgspec

from tests.sim.scheduler import Task

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """How often each kind strikes, of so many chances; and how bad it is then."""

    # a worker, at each of its port calls
    crash_before: float = 0
    crash_after: float = 0
    freeze: float = 0
    freeze_ms: int = 3 * MINUTE
    """At most."""
    # a port, at each call
    refused: float = 0
    """Throttled, in conflict, or not to be reached: it has no effect."""
    ambiguous: float = 0
    """It has its effect, and the caller is told that it timed out."""
    repeated: float = 0
    """It has its effect, its answer is lost, and the adapter does it again."""
    partial: float = 0
    """Of several writes, messages or events only some are accepted."""
    bursts: int = 0
    """Times of a minute in which most calls are refused."""
    slow: float = 0
    slow_ms: int = 10 * SECOND
    index_lag_ms: int = 0
    # messages
    duplicated: float = 0
    duplicate_ms: int = 3 * HOUR
    """A duplicate may come so much later."""
    delayed: float = 0
    delay_ms: int = 2 * MINUTE
    ack_lost: float = 0
    timer_late: float = 0
    timer_late_ms: int = MINUTE
    timer_lost: float = 0
    poison: int = 0
    most_receives: int = 1_000_000
    """Then a message is put aside as dead; it is sent again when the faults are over, or by an operator before that."""
    # the fleet
    skew_ms: int = 0
    """Each environment's clock is off by so much at most."""
    cold: float = 0.1
    concurrency: int = 4
    sweeper: bool = True
    sweeper_overlaps: bool = False
    deploys: bool = False

    @property
    def needs_sweeper(self) -> bool:
        """Only the sweeper makes good what this loses."""
        return self.timer_lost > 0 or self.most_receives < 1_000 or self.duplicated > 0 or self.freeze > 0


_OFTEN = (0.002, 0.01, 0.03)


def rates_of(random: Random) -> Rates:
    """A seed's own mixture."""

    def sometimes(*rates: float, share: float = 0.3) -> float:
        return random.choice(rates) if random.random() < share else 0

    wild = random.random() < 0.15
    share = 0.6 if wild else 0.3
    rates = Rates(
        crash_before=sometimes(*_OFTEN, share=share),
        crash_after=sometimes(*_OFTEN, share=share + 0.1),
        freeze=sometimes(*_OFTEN, share=share),
        freeze_ms=random.choice((20 * SECOND, 3 * MINUTE, 8 * MINUTE)),
        refused=sometimes(*_OFTEN, share=share),
        ambiguous=sometimes(*_OFTEN, share=share),
        repeated=sometimes(*_OFTEN, share=share),
        partial=sometimes(0.05, 0.3, share=share),
        bursts=int(sometimes(1, 3, share=0.15)),
        slow=sometimes(*_OFTEN, share=share),
        slow_ms=random.choice((500, 10 * SECOND, 40 * SECOND)),
        index_lag_ms=int(sometimes(500, 5 * SECOND, 30 * SECOND)),
        duplicated=sometimes(0.02, 0.1, 0.4, share=share + 0.1),
        duplicate_ms=random.choice((0, 100, MINUTE, 3 * HOUR)),
        delayed=sometimes(0.05, 0.3, share=share + 0.1),
        delay_ms=random.choice((200, 10 * SECOND, 2 * MINUTE)),
        ack_lost=sometimes(0.01, 0.1, share=share),
        timer_late=sometimes(0.1, 0.5, share=share),
        timer_lost=sometimes(0.05, 0.3, share=share / 2),
        poison=int(sometimes(1, 3, share=0.1)),
        most_receives=int(sometimes(8, share=0.2)) or 1_000_000,
        skew_ms=int(sometimes(100, 5 * SECOND, share=0.5)),
        cold=random.choice((0.05, 0.3, 1.0)),
        concurrency=random.choice((1, 2, 4, 8)),
        sweeper_overlaps=random.random() < 0.2,
        deploys=random.random() < 0.25,
    )
    if rates.poison:  # nothing else ends it
        rates = msgspec.structs.replace(rates, most_receives=8)
    return msgspec.structs.replace(rates, sweeper=rates.needs_sweeper or random.random() < 0.3)


KINDS = frozenset(
    (
        *("crash before", "crash after", "crash in a step", "freeze", "freeze in a step"),
        *("refused", "ambiguous", "repeated", "partial", "slow"),
        *("duplicated", "delayed", "ack lost", "timer late", "timer lost"),
    )
)
"""What strikes at a draw; the other rates are about what is always so in a seed."""


class Fault(msgspec.Struct, frozen=True):
    """One that has struck."""

    name: str
    kind: str
    at_ms: int


class Faults:
    """The faults of one play."""

    def __init__(self, rates: Rates, *, dropped: frozenset[str] = frozenset(), tell: Callable[[Task, Fault], None] | None = None) -> None:
        self.rates = rates
        self.is_on = True
        self.struck: list[Fault] = []
        self._dropped = dropped
        self._tell = tell

    def strikes(self, task: Task, kind: str, rate: float, at_ms: int) -> bool:
        """Whether it strikes now."""
        if not rate or not self.is_on:
            return False
        task.draws += 1
        if task.random.random() >= rate:
            return False
        name = f"{kind} @ {task.name} {task.draws}"
        if name in self._dropped or kind in self._dropped:
            return False
        self.struck.append(Fault(name, kind, at_ms))
        if self._tell is not None:
            self._tell(task, self.struck[-1])
        return True
