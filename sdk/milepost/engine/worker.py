"""What a worker brings to every message: the app's definitions, the ports, the settings, and who watches."""

from collections.abc import Callable
from concurrent.futures import Executor
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from threading import Event, Thread
from typing import Any, Final, Protocol

import msgspec

from milepost.engine import keys
from milepost.engine.facts import Fact
from milepost.engine.messages import Message, Poke, encode
from milepost.engine.naming import Naming
from milepost.engine.parcels import fitting
from milepost.engine.ports import Outgoing, Ports
from milepost.functions import Definitions
from milepost.runs import RunStatus
from milepost.step import Log

DAY_MS = 86_400_000


class Pace(Enum):
    """How far a slice goes. All that a run comes to is the same at each pace; tests hold the engine to that."""

    FULL = "full"
    """As far as it can."""
    ALWAYS_SUSPEND = "always suspend"
    """Once it has recorded something, whatever comes next in its body or branch waits for another slice: the run suspends, its
    timer due at once, and each step sees the others' results as they were recorded, never as they were in memory."""
    ONE_STEP = "one step"
    """After one step of its own it hands over, as it does when its time is up."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Times in milliseconds. The defaults are those of a deployed app (design.md §4 to §6)."""

    margin_ms: int = 5_000
    """A step begins only when at least this much of the invocation is left."""
    lease_grace_ms: int = 15_000
    """The lease outlives the invocation's deadline by this much."""
    header_check_ms: int = 2_000
    """A slice reads its header at least this often, before a step: is it cancelled, paused, overtaken?"""
    wait_in_slice_ms: int = 2_000
    """A retry that is due within this time is waited for; a later one suspends."""
    skew_ms: int = 10_000
    """How far the clocks of two workers may differ: each is off by 5 s at most."""
    lookback_slack_ms: int = 10_000
    """SINCE_TRIGGER begins this much before the trigger was accepted."""
    checkup_ms: int = 7 * DAY_MS
    """A run with nothing due is looked at this often all the same."""
    overdue_ms: int = 30_000
    """The sweeper pokes a run that is this late."""
    row_ttl_ms: int = 60 * DAY_MS
    """What a run writes expires this long after, unless extended."""
    extend_below_ms: int = 40 * DAY_MS
    """A slice that finds a row this close to its expiry extends all rows of the run: more than the time between two
    check-ups and the retention together, so that what a run has recorded outlives its end by the retention."""
    retention_ms: int = 30 * DAY_MS
    """A run is kept this long after its end."""
    event_retention_ms: int = 60 * DAY_MS
    max_hops: int = 32
    """Events that led to events: a longer chain is taken for a loop."""
    watchdog_ms: int = 5_000
    """The body of an async function that keeps its thread for this long is told of in the log."""
    max_idle_slices: int = 10_000
    """Slices without progress before the run is paused."""
    max_deaths: int = 4
    """Deaths noted in one step before it fails with WorkerCrashed."""
    crowd: int = 100
    """Pending children or branches above which answers are poked for with a delay."""
    page: int = 100
    """Waits served by one message."""
    pace: Pace = Pace.FULL


PACE: Final[ContextVar[Pace]] = ContextVar("pace")
"""Of all workers that are put together in this context, whatever their settings say: our own tests run the same cases at
each pace, on each cloud.
"""


def at_pace(settings: Settings) -> Settings:
    """The settings with the pace of this context, if it has one."""
    return msgspec.structs.replace(settings, pace=PACE.get(settings.pace))


class Moved(msgspec.Struct, frozen=True):
    """A run has moved; for whoever watches."""

    run: str
    function: str
    status: RunStatus
    at_ms: int
    note: str = ""


class Signal(Protocol):
    """How other threads tell a slice that waits: something is there. For one slice, which alone waits for it."""

    def set(self) -> None:
        """Wake the slice, now or when it next waits. From any thread."""
        ...

    def clear(self) -> None:
        """Forget what was told: the slice does this before it looks at what is there."""
        ...

    def wait(self, timeout: float | None = None, /) -> bool:
        """Wait until it is set, for at most so many seconds; whether it is set."""
        ...


def on_a_thread(work: Callable[[], None]) -> None:
    """Run it on a thread of its own, which does not keep the process alive."""
    Thread(target=work, daemon=True).start()


def unstubbed(_function: str, _path: str, fn: Callable[..., Any]) -> Callable[..., Any]:
    """Every step calls its own function."""
    return fn


def ignore(_moved: Moved) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One deployed app on one set of ports. Shared by all slices that run in the process; never changed."""

    definitions: Definitions
    ports: Ports
    log: Log
    settings: Settings = field(default_factory=Settings)
    threads: Executor | None = None
    """Where branches run at once; None: one after the other, on the slice's own thread."""
    spawn: Callable[[Callable[[], None]], None] = on_a_thread
    """Runs the branches of a race: those that have lost may go on for long, and would keep lent threads busy."""
    observe: Callable[[Moved], None] = ignore
    notice: Callable[[Fact], None] | None = None
    """Is told facts for metrics; None: nobody counts, and no fact is made."""
    naming: Naming | None = None
    """Is entered around what the user's code does, with the ids of the run, then also with the step's path: for his own logger."""
    signal: Callable[[], Signal] = Event
    """Makes what a slice waits with for step bodies, or branches, that run elsewhere."""
    runner: Callable[[Executor | None], Any] | None = None
    """Makes what runs the work of an async body's steps (a `Runner` of pump.py): by default the I/O loop, and `threads`."""
    stub: Callable[[str, str, Callable[..., Any]], Callable[..., Any]] = unstubbed
    """What to call in the place of a step's function: tests only."""

    def now(self) -> int:
        """The time by this worker's clock, in epoch milliseconds."""
        return self.ports.clock.now_ms()

    def ttl(self, now_ms: int) -> int:
        """The expiry, in epoch seconds, of a row written now."""
        return (now_ms + self.settings.row_ttl_ms) // 1000

    def send(self, group: str, *messages: Message, delay_ms: int = 0) -> None:
        """Send messages to a worker group."""
        self.ports.queue.send([self.outgoing(group, message, delay_ms=delay_ms) for message in messages])

    def outgoing(self, group: str, message: Message, *, delay_ms: int = 0) -> Outgoing:
        """The message on its way to a queue or a timer; a large one goes by way of the blobs."""
        return Outgoing(group=group, body=fitting(encode(message), self.ports.blobs), delay_ms=delay_ms)

    def poke(self, run: str, group: str, *, completed_at: int | None = None, crowd: bool = False, salt: str = "") -> None:
        """Ask for a look at the run; one of a crowd a little later, together with others."""
        delay_ms = 1_000 + int(4_000 * keys.fraction(run, salt)) if crowd else 0
        self.send(group, Poke(run=run, completed_at=completed_at), delay_ms=delay_ms)
