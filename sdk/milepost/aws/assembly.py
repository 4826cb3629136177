"""Puts the ports on AWS together, a worker on them, and a client for the doors of an app. Makes no request."""

from collections.abc import Callable
from concurrent.futures import Executor
from uuid import uuid4

from milepost.aws.blobs import S3Blobs
from milepost.aws.bus import EventBridgeBus
from milepost.aws.clients import Clients
from milepost.aws.queue import SqsQueue
from milepost.aws.table import DynamoTable
from milepost.aws.timers import SchedulerTimers
from milepost.contract import Names
from milepost.engine.client import Client
from milepost.engine.ports import Clock, Ports
from milepost.engine.worker import Moved, Settings, Worker, at_pace, ignore
from milepost.functions import Definitions
from milepost.log import Logger
from milepost.step import Log
from milepost.wall_clock import SystemClock


def ports_on(names: Names, clients: Clients, clock: Clock) -> Ports:
    """The ports on the resources of a deployed app."""
    queue = SqsQueue(clients, names)
    return Ports(
        table=DynamoTable(clients, names.table),
        queue=queue,
        timers=SchedulerTimers(clients, names, queue, clock),
        bus=EventBridgeBus(clients, names),
        blobs=S3Blobs(clients, names),
        clock=clock,
    )


def worker_on(
    ports: Ports,
    definitions: Definitions,
    *,
    settings: Settings | None = None,
    threads: Executor | None = None,
    observe: Callable[[Moved], None] = ignore,
    log: Log | None = None,
) -> Worker:
    """A worker on these ports, with the settings of a deployed app."""
    return Worker(
        definitions=definitions,
        ports=ports,
        log=Logger(definitions.app) if log is None else log,
        settings=at_pace(Settings() if settings is None else settings),
        threads=threads,
        observe=observe,
    )


def client_on(names: Names, definitions: Definitions, clients: Clients) -> Client:
    """What the doors of an app do outside of its runs, in a process that is no worker."""
    ports = ports_on(names, clients, SystemClock())
    return Client(worker_on(ports, definitions), new_id=lambda: str(uuid4()))
