"""MotoCloud: an app deployed on in-process moto, with a clock of ours.

Owns the life of moto: within it every boto3 client of the process, ours and the user's, is answered by moto; it starts empty and
leaves nothing behind. One at a time, for moto is one per process. What it corrects of moto stands in the modules beside this one.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from functools import cache
from itertools import count
from threading import Lock
from types import TracebackType
from typing import Final, Self

import boto3
from moto import mock_aws
from moto.core.models import MockAWS
from moto.moto_api._internal import mock_random

from milepost.aws.assembly import ports_on
from milepost.aws.clients import Clients
from milepost.aws.rules import Rule, rules_of
from milepost.engine.ports import Clock, Ports
from milepost.errors import UsageError
from milepost.functions import Definitions
from milepost.testing.moto import stage
from milepost.testing.moto.answers import quick_answers
from milepost.testing.moto.delivery import rules_delivered
from milepost.testing.moto.environment import CREDENTIALS, dummy_environment, region_of_environment
from milepost.testing.moto.locks import one_at_a_time
from milepost.testing.moto.queues import Queues
from milepost.testing.moto.schedules import OneTime, schedules_checked
from milepost.testing.moto.sqs_time import under
from milepost.testing.moto.transactions import quick_tables

_OPEN: Final = Lock()
_NUMBERS: Final = count(1)


class MotoCloud:
    """The app's resources on moto. Enter it; `ports`, `clients`, `names` are then there.

    ``groups``: worker groups besides those of the definitions. ``late_ms``: how long after its time a schedule fires, 0 to 59,999.
    Raises UsageError when another one is open.
    """

    def __init__(self, definitions: Definitions, clock: Clock, *, groups: Iterable[str] = (), late_ms: int = 0) -> None:
        self._definitions = definitions
        self._clock = clock
        self._groups = [*definitions.groups(), *groups]
        self._region = region_of_environment()
        self.schedules: Final = OneTime(stage.ACCOUNT, self._region, late_ms=late_ms)

    def __enter__(self) -> Self:
        if not _OPEN.acquire(blocking=False):
            raise UsageError('moto is one per process, and a Sandbox(backend="moto") is open: leave that one first')
        with ExitStack() as stack:
            stack.callback(_OPEN.release)
            self._start(stack)
            self._deploy()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /) -> None:
        self._stack.close()

    def _start(self, stack: ExitStack) -> None:
        self._is_within_mock = MockAWS._nested_count > 0  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - moto has no other door
        stack.enter_context(dummy_environment(self._region))
        stack.enter_context(mock_aws(config={"core": {"mock_credentials": False, "reset_boto3_session": True}}))
        stack.enter_context(one_at_a_time())
        stack.enter_context(quick_tables())
        stack.enter_context(quick_answers())
        stack.enter_context(under(self._clock))
        stack.enter_context(rules_delivered(self._clock))
        stack.enter_context(schedules_checked(self._clock))
        mock_random.seed(0)  # the same test sees the same ids every time

    def _deploy(self) -> None:
        app = self._definitions.app
        suffix = f"-{next(_NUMBERS)}" if self._is_within_mock else ""  # the user's own mock_aws keeps what earlier boxes made
        self.clients: Clients = _clients(self._region)
        self.names = stage.names_of(app, self._groups, self._region, suffix)
        stage.deploy(self.clients, self.names)
        for rule in rules_of(self._definitions):
            self.put_rule(rule)
        self.queues = Queues(self.clients, self.names, self._clock)
        self.ports: Ports = ports_on(self.names, self.clients, self._clock)

    def put_rule(self, rule: Rule) -> None:
        """Add a rule to the stage."""
        stage.put_rule(self.clients, self.names, rule)

    def next_at(self) -> int | None:
        """When moto has something to do next: a message becomes visible, a schedule fires. In epoch milliseconds."""
        times = [at for at in (self.queues.next_at(), self.schedules.next_at()) if at is not None]
        return min(times, default=None)


@cache
def _clients(region: str) -> Clients:
    """Those of the whole process: to make one takes longer than a small test."""
    session = boto3.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=CREDENTIALS["AWS_SESSION_TOKEN"],
        region_name=region,
    )
    return Clients(session, is_direct=False, at_once=1)
