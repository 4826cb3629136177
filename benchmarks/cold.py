"""The cold start of the worker's Lambda function, on this machine: what importing its handler costs above boto3, and how long it is
from a new process to the user's first line. AWS is a process on this machine that answers at once.
"""

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks.aws import endpoint
from benchmarks.machine import BUILD, environment, python
from benchmarks.sizes import Sizes
from milepost.contract import APP, Names

_BOTO3: Final = "import boto3"
_HANDLER: Final = "import boto3, milepost_handlers.worker"
_TIMED: Final = "import time; begun = time.process_time(); {}; print(1000 * (time.process_time() - begun))"
_SERVE: Final = """
from milepost_handlers.worker import handler

class Context:
    aws_request_id = "first"

    def get_remaining_time_in_millis(self):
        return 60_000

event = '{"id":"e-1","detail-type":"bench/asked","source":"milepost","detail":{}}'
body = '{"v":1,"kind":"event","for":"begin","at":"2026-11-23T00:00:00Z","event":' + event + "}"
attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "1795392000000"}
handler({"Records": [{"messageId": "m-1", "receiptHandle": "r-1", "body": body, "attributes": attributes}]}, Context())
"""
"""What comes after the step does not count: an AWS that answers nothing but that it has done it does not get far."""
_ARN: Final = "arn:aws:sqs:eu-west-1:123456789012:bench"
_NAMES: Final = Names(
    table="bench",
    bus="bench",
    queues={"default": _ARN},
    dead_letters={"default": f"{_ARN}-dlq"},
    schedule_group="bench",
    schedule_role="arn:aws:iam::123456789012:role/bench",
    bucket="bench",
)


def cold(_folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """Each in processes of its own, by turns; the least of each."""
    taken: dict[str, list[float]] = {"boto3": [], "handler": [], "first": []}
    with endpoint() as place:
        for _ in range(sizes.repeats + 1):  # the first compiles
            taken["boto3"].append(float(_run(_TIMED.format(_BOTO3), {})))
            taken["handler"].append(float(_run(_TIMED.format(_HANDLER), {})))
            taken["first"].append(_first_line_ms(place))
    boto3, handler, first = (min(times) for times in taken.values())
    return {"cold.boto3": boto3, "cold.above": max(handler - boto3, 0), "cold.first": first}


def _first_line_ms(place: str) -> float:
    """From the start of a process to the line that the user's step prints, by the clock of the wall."""
    settings = {
        **_NAMES.to_environment(),
        APP: "benchmarks.first_line:app",
        "AWS_ENDPOINT_URL": place,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
    }
    begun = time.time()
    return 1000 * (float(_run(_SERVE, settings).splitlines()[0]) - begun)


def _run(program: str, settings: Mapping[str, str]) -> str:
    # Compiled before, as what is deployed is; this machine may be set not to keep bytecode, and the sources may be read-only.
    compiled = {"PYTHONPYCACHEPREFIX": str(BUILD / "bytecode"), "PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run([python(), "-c", program], capture_output=True, text=True, check=False, env=environment(**settings, **compiled))
    assert done.returncode == 0, done.stderr
    return done.stdout
