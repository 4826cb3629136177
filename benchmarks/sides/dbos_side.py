"""DBOS on SQLite, its default database, with its defaults: rollback journal, synchronous=FULL (SQLite's own defaults)."""

# The peers are installed in an environment of their own.
# mypy: disable-error-code="import-not-found,untyped-decorator,no-any-unimported"
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUntypedFunctionDecorator=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

import asyncio
import sys
from importlib.metadata import version
from pathlib import Path

from dbos import DBOS, SetWorkflowID

from benchmarks.sides.protocol import note, serve, timed_ms


@DBOS.step()
def noop(number: int) -> int:
    return number


@DBOS.step()
async def noop_async(number: int) -> int:
    return number


@DBOS.workflow()
def sequence(steps: int) -> int:
    for number in range(steps):
        noop(number)
    return steps


@DBOS.workflow()
async def sequence_async(steps: int) -> int:
    for number in range(steps):
        await noop_async(number)
    return steps


@DBOS.workflow()
async def gathered(branches: int) -> int:
    return sum(await asyncio.gather(*(noop_async(number) for number in range(branches))))


@DBOS.step()
def noting(ledger: str, number: int) -> int:
    return note(ledger, number)


@DBOS.workflow()
def interrupted(ledger: str) -> int:
    for number in range(10):
        noting(ledger, number)
    return 10


class Dbos:
    """`Side` of protocol.py."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def about(self) -> dict[str, str]:
        return {
            "name": "DBOS on SQLite",
            "version": version("dbos"),
            "settings": "SQLite, its defaults: rollback journal, synchronous=FULL",
        }

    def sequence(self, how: str, steps: int, times: int) -> list[float]:
        if how == "async":
            return [timed_ms(lambda: self._loop.run_until_complete(sequence_async(steps))) for _ in range(times)]
        return [timed_ms(lambda: sequence(steps)) for _ in range(times)]

    def fan_out(self, how: str, branches: int, times: int) -> list[float]:  # noqa: ARG002 - there is one way
        return [timed_ms(lambda: self._loop.run_until_complete(gathered(branches))) for _ in range(times)]

    def crowd(self, how: str, runs: int, steps: int) -> float:
        if how == "async":
            return timed_ms(lambda: self._loop.run_until_complete(_gather(runs, steps)))
        return timed_ms(lambda: [handle.get_result() for handle in [DBOS.start_workflow(sequence, steps) for _ in range(runs)]])

    def begin(self, ledger: str) -> None:
        with SetWorkflowID("crash"):
            DBOS.start_workflow(interrupted, ledger)

    def finish(self) -> None:
        result = DBOS.retrieve_workflow("crash").get_result()
        if result != 10:
            raise AssertionError(result)


async def _gather(runs: int, steps: int) -> None:
    await asyncio.gather(*(sequence_async(steps) for _ in range(runs)))


if __name__ == "__main__":
    path = Path(sys.argv[1]).resolve() / "dbos.sqlite"
    DBOS(
        config={
            "name": "bench",
            "system_database_url": f"sqlite:///{path}",
            "run_admin_server": False,
            "log_level": "ERROR",
            "application_version": "1",
        }
    )
    DBOS.launch()
    serve(Dbos())
    DBOS.destroy()
