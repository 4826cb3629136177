"""A worker as Lambda runs it: polls the queue, hands batches to the real handler, deletes what was not reported. Or the sweeper.

    python -m tests.ministack.worker

is the nursery: it has imported everything, and forks a process for each line that it reads (`poll LOG` or `sweep LOG`), whose id it
prints; so one that was killed is replaced at once. They work until they are killed. Times are shorter than those of a deployed app,
so that what a dead worker held comes back within the test.
"""

import os
import signal
import sys
import time
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import uuid4

from milepost.aws.clients import Clients
from milepost.aws.serving import Server, postponing
from milepost.contract import deployment_from_environment
from milepost.engine.worker import Settings
from milepost_handlers import runtime, sweeper, worker
from milepost_handlers.runtime import Runtime

INVOCATION_S: Final = 8
VISIBILITY_S: Final = INVOCATION_S + 2
BATCH: Final = 5
SWEEP_S: Final = 5
SETTINGS: Final = Settings(margin_ms=2_000, lease_grace_ms=2_000, overdue_ms=15_000)


@dataclass(frozen=True)
class Context:
    """Lambda's, as far as it is used."""

    aws_request_id: str = field(default_factory=lambda: str(uuid4()))
    begun: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        return int((self.begun + INVOCATION_S - time.monotonic()) * 1000)


def poll(sqs: Any, queue: str) -> None:
    """Serve the queue for ever."""
    while True:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=BATCH, MessageSystemAttributeNames=["All"], WaitTimeSeconds=1)
        records = [_record(message) for message in answer.get("Messages", ())]
        if not records:
            continue
        kept = {failure["itemIdentifier"] for failure in worker.handler({"Records": records}, Context())["batchItemFailures"]}
        for record in records:
            if record["messageId"] not in kept:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=record["receiptHandle"])


def _record(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
    }


def sweep() -> None:
    """Sweep for ever."""
    while True:
        time.sleep(SWEEP_S)
        sys.stdout.write(f"{sweeper.handler({}, Context())}\n")
        sys.stdout.flush()


def serve(role: str) -> None:
    """Serve for ever, on a runtime made from the environment, with the times above."""
    deployment = deployment_from_environment(os.environ)
    made = Runtime.from_environment()
    quicker = replace(made.worker, settings=SETTINGS)
    clients = Clients.from_environment(os.environ)
    server = Server(quicker, deployment.group, postponing(clients, deployment.names, deployment.group))
    runtime.install(replace(made, worker=quicker, server=server))
    if role == "sweep":
        sweep()
    else:
        poll(clients.sqs, clients.queue_url(deployment.names.queues[deployment.group]))


def main() -> None:
    """The nursery."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who was killed is forgotten at once
    for line in sys.stdin:
        role, log = line.split()
        child = os.fork()
        if child == 0:
            out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.dup2(out, 1)
            os.dup2(out, 2)
            serve(role)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
