"""The AWS durable execution SDK on the local runner of its testing kit: in memory, nothing is forced to a disk."""

# The peers are installed in an environment of their own.
# mypy: disable-error-code="import-not-found,untyped-decorator,no-any-unimported"
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUntypedFunctionDecorator=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownParameterType=false

import json
import logging
from importlib.metadata import version
from typing import Any

from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.execution import InvocationStatus
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner

from benchmarks.sides.protocol import serve, timed_ms

PATIENCE_S = 300


def one(context: DurableContext, number: int, _index: int, _items: Any) -> int:
    result: int = context.step(lambda _: number, name="step")
    return result


@durable_execution
def work(event: dict[str, Any], context: DurableContext) -> int:
    if event["do"] == "fan out":
        return len(context.map(list(range(event["steps"])), one, name="map").get_results())
    for number in range(event["steps"]):
        context.step(lambda _, number=number: number, name=f"step {number}")
    return int(event["steps"])


class Aws:
    """`Side` of protocol.py."""

    def __init__(self, runner: DurableFunctionTestRunner) -> None:
        self._runner = runner

    def about(self) -> dict[str, str]:
        return {
            "name": "AWS durable runner",
            "version": f"{version('aws-durable-execution-sdk-python')}, testing {version('aws-durable-execution-sdk-python-testing')}",
            "settings": "in memory: not durable",
        }

    def sequence(self, how: str, steps: int, times: int) -> list[float]:  # noqa: ARG002 - there is one way
        return [timed_ms(lambda: self._wait([self._start("sequence", steps)])) for _ in range(times)]

    def fan_out(self, how: str, branches: int, times: int) -> list[float]:  # noqa: ARG002 - there is one way
        return [timed_ms(lambda: self._wait([self._start("fan out", branches)])) for _ in range(times)]

    def crowd(self, how: str, runs: int, steps: int) -> float:  # noqa: ARG002 - there is one way
        return timed_ms(lambda: self._wait([self._start("sequence", steps) for _ in range(runs)]))

    def begin(self, ledger: str) -> None:
        raise NotImplementedError(f"in memory: nothing outlives the process ({ledger})")

    def finish(self) -> None:
        raise NotImplementedError

    def _start(self, do: str, steps: int) -> str:
        name: str = self._runner.run_async(input=json.dumps({"do": do, "steps": steps}), execution_timeout=PATIENCE_S)
        return name

    def _wait(self, names: list[str]) -> None:
        for name in names:
            result = self._runner.wait_for_result(name, timeout=PATIENCE_S)
            if result.status is not InvocationStatus.SUCCEEDED:
                raise AssertionError(result)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    with DurableFunctionTestRunner(handler=work) as opened:
        serve(Aws(opened))
