"""Requests to one table: tried again as attempts.py says, finished where an answer leaves a rest, and several at the same time."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from milepost.aws.clients import Clients
from milepost.aws.failures import Asked
from milepost.aws.items import Attributes
from milepost.aws.ways import OPERATIONS, Way

S = TypeVar("S")
A = TypeVar("A")
B = TypeVar("B")


class Requests:
    """Asks on behalf of one table."""

    def __init__(self, clients: Clients, table: str, way: Way) -> None:
        self._attempts = clients.attempts
        self._at_once = clients.at_once
        self._way = way
        self._asked = {name: Asked(action=f"dynamodb:{name}", resource=f"table {table!r}", region=clients.region) for name in OPERATIONS}
        self._mutex = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def ask(self, operation: str, request: dict[str, Any], *, is_repeatable: bool = True) -> dict[str, Any]:
        """The answer. Raises AwsError."""
        return self._attempts.call(self._asked[operation], lambda: self._way.ask(operation, request), is_repeatable=is_repeatable)

    def ask_otherwise(self, operation: str, ask: Callable[[Way], B]) -> B:
        """What ``ask`` makes of the way; for an answer that has to be looked at before it is known to be one."""
        return self._attempts.call(self._asked[operation], lambda: ask(self._way))

    def query(self, shape: type[S], request: dict[str, Any]) -> tuple[list[S], Attributes | None]:
        """The items of a Query as Structs, and its LastEvaluatedKey. Raises AwsError."""
        return self._attempts.call(self._asked["Query"], lambda: self._way.query(shape, request))

    def ask_for_the_rest(self, operation: str, wanted: dict[str, Any], *, rest: str) -> list[dict[str, Any]]:
        """The answers to a batch, until nothing is left: ``rest`` names what an answer left undone. Raises AwsError, throttled."""
        left: dict[str, Any] = wanted
        answers: list[dict[str, Any]] = []

        def ask(way: Way) -> None:
            nonlocal left
            answer = way.ask(operation, {"RequestItems": left})
            answers.append(answer)
            unfinished: dict[str, Any] | None = answer.get(rest)
            if unfinished:
                left = unfinished
                raise _unfinished(operation, rest)

        self.ask_otherwise(operation, ask)
        return answers

    def side_by_side(self, work: Callable[[A], B], parts: Sequence[A]) -> list[B]:
        """The work on every part, in their order, at the same time. When some fail all are waited for, and the first is raised."""
        if len(parts) < 2 or self._at_once < 2:
            return [work(part) for part in parts]
        futures = [self._threads().submit(work, part) for part in parts]
        failures = [failure for future in futures if (failure := future.exception()) is not None]
        if failures:
            raise failures[0]
        return [future.result() for future in futures]

    def _threads(self) -> ThreadPoolExecutor:
        with self._mutex:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._at_once, thread_name_prefix="milepost-table")
            return self._pool


def _unfinished(operation: str, rest: str) -> ClientError:
    """A batch that was served in part is one that was throttled."""
    return ClientError({"Error": {"Code": "ProvisionedThroughputExceededException", "Message": f"it left {rest}"}}, operation)
