"""What a Lambda function's process keeps from one invocation to the next: made at its first, from its environment."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, Self

from milepost.aws.assembly import ports_on, worker_on
from milepost.aws.clients import Clients
from milepost.aws.log_keys import log_keys
from milepost.aws.metrics import Gathered
from milepost.aws.serving import Server, postponing
from milepost.contract import deployment_from_environment
from milepost.engine.worker import Worker
from milepost.loading import configured_app
from milepost.wall_clock import SystemClock

BRANCH_THREADS: Final = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Runtime:
    """The worker of the deployed app, and what it is served and observed by."""

    worker: Worker
    server: Server
    metrics: Gathered | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """As the environment says. Raises one ConfigurationError, which says all that is missing or wrong."""
        deployment = deployment_from_environment(os.environ)
        definitions = configured_app(deployment.target).definitions
        clients = Clients.from_environment(os.environ)
        ports = ports_on(deployment.names, clients, SystemClock())
        metrics = Gathered(definitions.app)
        plain = worker_on(ports, definitions, threads=ThreadPoolExecutor(BRANCH_THREADS, thread_name_prefix="milepost branch"))
        worker = replace(plain, notice=metrics.notice, naming=log_keys)
        server = Server(worker, deployment.group, postponing(clients, deployment.names, deployment.group))
        return cls(worker=worker, server=server, metrics=metrics)


_installed: list[Runtime] = []


def current() -> Runtime:
    """The runtime of this process. Raises ConfigurationError at the first call, and at each one until it can be made."""
    if not _installed:
        _installed.append(Runtime.from_environment())
    return _installed[0]


def install(runtime: Runtime | None) -> None:
    """Let the handlers work on this one; None: on one that is made from the environment when next needed."""
    _installed[:] = [] if runtime is None else [runtime]
