"""The race: workers in processes of their own on one queue, killed at random and started again."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import boto3

from milepost.aws.assembly import client_on
from milepost.aws.clients import Clients
from milepost.aws.rules import rules_of
from milepost.aws.table import DynamoTable
from milepost.contract import APP, Names
from milepost.engine import keys
from milepost.engine.client import Client
from milepost.engine.records import Header
from milepost.runs import Run
from milepost.testing.moto import stage
from tests.ministack.orders import SEEN, Approved, Placed, app
from tests.ministack.server import CREDENTIALS, REGION
from tests.ministack.worker import VISIBILITY_S

ROOT: Final = Path(__file__).parents[2]
ROLES: Final = ("poll", "poll", "poll", "poll", "sweep")
PUT: Final = 10
"""Events in one request."""


class Race:
    """The app deployed at an endpoint, and the processes that serve it."""

    def __init__(self, endpoint: str, directory: Path, seed: int) -> None:
        self._rng = random.Random(seed)
        self._directory = directory
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
        self._clients = Clients(session, endpoint=endpoint)
        self.names: Names = stage.names_of("race", (), REGION)
        self.client: Client = client_on(self.names, app.definitions, self._clients)
        self._table = DynamoTable(self._clients, self.names.table)
        self._seen = directory / "seen.tsv"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            **CREDENTIALS,
            **self.names.to_environment(),
            "AWS_ENDPOINT_URL": endpoint,
            "PYTHONPATH": os.pathsep.join(str(ROOT / root) for root in (".", "sdk", "handlers")),
            APP: "tests.ministack.orders:app",
            SEEN: str(self._seen),
        }
        self._processes: list[int] = []
        self.kills = 0

    def deploy(self) -> None:
        """Table, queues, bus and rules; the queue gives back what a dead worker held as soon as a test can wait for."""
        stage.deploy(self._clients, self.names)
        for rule in rules_of(app.definitions):
            stage.put_rule(self._clients, self.names, rule)
        for arn in self.names.queues.values():
            self._clients.sqs.set_queue_attributes(
                QueueUrl=self._clients.queue_url(arn), Attributes={"VisibilityTimeout": str(VISIBILITY_S)}
            )

    # ---- processes ---------------------------------------------------------------------------------------------------

    @contextmanager
    def running(self) -> Generator[None]:
        """Four workers and a sweeper, until they are not needed any more."""
        command = [sys.executable, "-m", "tests.ministack.worker"]
        with subprocess.Popen(
            command, cwd=ROOT, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        ) as nursery:
            self._nursery = nursery
            try:
                self._processes = [self._start(role) for role in ROLES]
                yield
            finally:
                for process in self._processes:
                    _kill(process)
                nursery.kill()

    def _start(self, role: str) -> int:
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(f"{role} {self._directory / role}.log\n")
        return int(self._nursery.stdout.readline())

    def kill_for(self, seconds: float) -> None:
        """Now and then kill -9 for any of them, and another in its place."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(self._rng.uniform(0.5, 2))
            number = self._rng.randrange(len(ROLES))
            assert _kill(self._processes[number]), f"a process had died by itself: {self.log()}"
            self._processes[number] = self._start(ROLES[number])
            self.kills += 1

    def log(self) -> str:
        """The ends of what they wrote."""
        return "\n".join(f"{path.name}: {path.read_text()[-5_000:]}" for path in sorted(self._directory.glob("*.log")))

    # ---- the race ----------------------------------------------------------------------------------------------------

    def place(self, orders: Sequence[int]) -> None:
        """Orders, all twice; every other one's approval comes first, those of the rest later, some twice."""
        for begin in range(0, len(orders), PUT):
            numbers = orders[begin : begin + PUT]
            self._approve([number for number in numbers if number % 2], f"first-{begin}")
            for _ in range(2):
                self.client.send([Placed(order=number) for number in numbers], id=f"orders-{begin}")
        later = [number for number in orders if number % 2 == 0]
        for begin in [*range(0, len(later), PUT), *range(0, len(later), 3 * PUT)]:
            self._approve(later[begin : begin + PUT], f"later-{begin}")

    def _approve(self, orders: Sequence[int], id: str) -> None:
        self.client.send([Approved(order=number, by=f"ada {number}") for number in orders], id=id)

    def headers(self, orders: Iterable[int]) -> dict[int, Header | None]:
        """What has become of each order."""
        found = [Header.from_item(item) for item in self._table.get_many([keys.header(run_of(number)) for number in orders])]
        by_run = {header.run: header for header in found}
        return {number: by_run.get(run_of(number)) for number in orders}

    def come_to_rest(self, orders: Iterable[int], within_s: float) -> dict[int, Header | None]:
        """The headers when all have ended and are settled, or when the time is over."""
        left = set(orders)
        ended: dict[int, Header | None] = {}
        until = time.monotonic() + within_s
        while left and time.monotonic() < until:
            time.sleep(0.5)
            found = self.headers(left)
            ended |= {number: header for number, header in found.items() if header is not None and header.settled_at is not None}
            left -= ended.keys()
        return ended | self.headers(left)

    def results(self) -> dict[tuple[str, str], set[str]]:
        """What any slice of a run has seen as a step's result."""
        seen: dict[tuple[str, str], set[str]] = defaultdict(set)
        for line in self._seen.read_text().splitlines():
            run, place, value = line.split("\t")
            seen[run, place].add(value)
        return seen

    def result_of(self, header: Header) -> list[str]:
        """The result of a run that is completed."""
        return Run[list[str]](header.run, self.client.reader).result


def run_of(order: int) -> str:
    """The id of an order's run."""
    return keys.run_id("order", "race/order.placed", f"orders-{order - order % PUT}:{order % PUT}")


def _kill(process: int) -> bool:
    """Whether there was one to kill."""
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
