"""Puts the ports on one store together, and a worker on them. What differs between clouds on a store is the clock."""

from collections.abc import Callable
from concurrent.futures import Executor

from milepost.engine.ports import Clock, Ports
from milepost.engine.worker import Moved, Settings, Worker, at_pace, ignore
from milepost.functions import Definitions
from milepost.local.blobs import LocalBlobs
from milepost.local.bus import LocalBus
from milepost.local.queue import LocalQueue, LocalTimers
from milepost.local.routing import routes_of
from milepost.local.store import Store
from milepost.local.table import LocalTable
from milepost.log import Logger
from milepost.step import Log

LOCAL = Settings(skew_ms=0)
"""One machine has one clock."""


def ports_on(store: Store, clock: Clock, definitions: Definitions | None) -> Ports:
    """The ports on a store. Without definitions the bus knows no routes: a client's, which leaves its events to the worker."""
    routes = None if definitions is None else routes_of(definitions)
    return Ports(
        table=LocalTable(store),
        queue=LocalQueue(store, clock),
        timers=LocalTimers(store, clock),
        bus=LocalBus(store, None if routes is None else lambda: routes, clock),
        blobs=LocalBlobs(store),
        clock=clock,
    )


def worker_on(
    ports: Ports,
    definitions: Definitions,
    *,
    settings: Settings = LOCAL,
    threads: Executor | None = None,
    observe: Callable[[Moved], None] = ignore,
    log: Log | None = None,
) -> Worker:
    """A worker on these ports."""
    return Worker(
        definitions=definitions,
        ports=ports,
        log=Logger(definitions.app) if log is None else log,
        settings=at_pace(settings),
        threads=threads,
        observe=observe,
    )
