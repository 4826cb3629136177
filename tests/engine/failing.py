"""Services that fail: ports whose calls raise what a test says, before or after their effect."""

import random
import sqlite3
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pytest

from milepost.engine.ports import PortError, Ports
from milepost.engine.worker import Worker
from milepost.runs import RunStatus
from tests.engine.stage import NAMES, Call, Moment, Stage, puts

ERRORS = [PortError("throttled"), TimeoutError("no answer"), sqlite3.OperationalError("database or disk is full")]
DAY_MS = 86_400_000


@dataclass
class Failure:
    """Calls of this kind fail, so many times."""

    when: Moment
    error: Exception = field(default_factory=lambda: PortError("throttled"))
    times: int = 1
    has_effect: bool = False
    """The call was carried out, and raises all the same."""
    calls: list[Call] = field(default_factory=list[Call])
    """Those that failed."""

    def on(self, worker: Worker) -> Worker:
        """The worker, above ports that fail so."""
        return replace(worker, ports=self.of(worker.ports))

    def of(self, ports: Ports) -> Ports:
        """The ports, failing so."""
        return msgspec.structs.replace(ports, **{name: _Failing(name, getattr(ports, name), self) for name in NAMES})

    def fails(self, call: Call) -> bool:
        if len(self.calls) == self.times or not self.when(call):
            return False
        self.calls.append(call)
        return True


class _Failing:
    def __init__(self, name: str, port: Any, failure: Failure) -> None:
        self._name = name
        self._port = port
        self._failure = failure

    def __getattr__(self, method: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if not self._failure.fails(Call(self._name, method, args)):
                return getattr(self._port, method)(*args, **kwargs)
            if self._failure.has_effect:
                getattr(self._port, method)(*args, **kwargs)
            raise self._failure.error

        return call


LARGE = 400_000
"""Characters of a value that becomes a blob, if no two are alike."""


def large(seed: int = 1) -> str:
    return "".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=LARGE))


def writes_step(path: str) -> Moment:
    """The record of a step is put, alone or with others."""
    sk = f"step#{path}"

    def fits(call: Call) -> bool:
        return puts(path)(call) or (call.method == "write_many" and any(write.key.sk == sk for write in call.args[0]))

    return fits


def fail(stage: Stage, failure: Failure, worker: Worker | None = None) -> None:
    """Deliver what there is to a worker whose services fail: what they raise comes out."""
    with pytest.raises(type(failure.error)) as caught:
        stage.run_until_idle(failure.on(worker or stage.worker))
    assert caught.value is failure.error
    assert failure.calls


def finish(stage: Stage, run: str, worker: Worker | None = None) -> Any:
    """The services are well again: the result."""
    stage.run_until_idle(worker)
    assert stage.header(run).attempt == 1
    assert stage.run(run).status is RunStatus.COMPLETED, stage.run(run).error
    return stage.run(run).result


@contextmanager
def lent(worker: Worker, most: int = 4) -> Generator[Worker]:
    with ThreadPoolExecutor(most) as threads:
        yield replace(worker, threads=threads)


def finish_after_a_day(stage: Stage, run: str) -> Any:
    stage.run_until_idle()
    stage.pass_time(DAY_MS)
    return finish(stage, run)
