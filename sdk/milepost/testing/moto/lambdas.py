"""Lambda's part: hands the handlers what Lambda would, and no more.

The only module of the SDK that imports the handlers: it stands in for the service that calls them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from milepost.aws.clients import Clients
from milepost.aws.serving import Server, postponing
from milepost.contract import Names
from milepost.engine.messages import MessageError, Received
from milepost.engine.ports import Clock
from milepost.engine.worker import Worker
from milepost.testing.moto.queues import Record
from milepost_handlers import sweeper
from milepost_handlers import worker as worker_handler
from milepost_handlers.runtime import Runtime, install


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaContext:
    """What Lambda hands over beside the event, on a clock of ours."""

    clock: Clock
    deadline_ms: int
    function_name: str
    aws_request_id: str
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 1024

    @property
    def invoked_function_arn(self) -> str:
        """Of the function that runs."""
        return f"arn:aws:lambda:us-east-1:123456789012:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        """Where its lines would go."""
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        """As Lambda names them."""
        return "2026/01/01/[$LATEST]0"

    def get_remaining_time_in_millis(self) -> int:
        """What is left until the invocation ends."""
        return max(0, self.deadline_ms - self.clock.now_ms())


class Lambdas:
    """The Lambda functions of a stage: one per worker group, and the sweeper. For one thread."""

    def __init__(self, clients: Clients, names: Names, clock: Clock) -> None:
        self._clients: Final = clients
        self._names: Final = names
        self._clock: Final = clock
        self._invocations = 0
        self._errors: list[Exception] = []
        self._postponed = 0

    def work(self, worker: Worker, group: str, records: list[Record], deadline_ms: int) -> tuple[set[str], bool]:
        """Give a group's function a batch; returns the ids of the messages that stay, and whether one was put off. Raises what a port
        or a bug of ours raised, which the function has logged.
        """
        self._errors.clear()
        postponed = self._postponed
        install(Runtime(worker=worker, server=Server(worker, group, self._postpone_of(group), failed=self._failed)))
        answer = worker_handler.handler({"Records": records}, self._context(f"{group}-worker", deadline_ms))
        if self._errors:
            raise self._errors[0]
        return _staying(answer), self._postponed > postponed

    def sweep(self, worker: Worker, deadline_ms: int) -> None:
        """Call the sweeper."""
        install(Runtime(worker=worker, server=Server(worker, "default", self._postpone_of("default"))))
        sweeper.handler({}, self._context("sweeper", deadline_ms))

    def close(self) -> None:
        """Let the handlers be as they were."""
        install(None)

    def _context(self, function: str, deadline_ms: int) -> LambdaContext:
        self._invocations += 1
        return LambdaContext(
            clock=self._clock, deadline_ms=deadline_ms, function_name=function, aws_request_id=f"invocation-{self._invocations}"
        )

    def _postpone_of(self, group: str) -> Any:
        postpone = postponing(self._clients, self._names, group)

        def counted(handle: str, seconds: int) -> None:
            self._postponed += 1
            postpone(handle, seconds)

        return counted

    def _failed(self, _received: Received, error: Exception) -> None:
        if not isinstance(error, MessageError):  # it comes again until it is a dead letter, and disturbs nobody
            self._errors.append(error)


def _staying(answer: Mapping[str, Any]) -> set[str]:
    return {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
