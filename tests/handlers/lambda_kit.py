"""A worker's Lambda function made by hand: the handlers on ports in memory, handed genuine events of SQS, and a queue that keeps what
they report. The clock is a test's own.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import md5
from typing import Any

from milepost import App
from milepost.aws.log_keys import log_keys
from milepost.aws.metrics import NAMESPACE, Gathered
from milepost.aws.serving import Server
from milepost.engine.messages import Received
from milepost.engine.ports import Outgoing
from milepost.engine.worker import Settings
from milepost.local.assembly import worker_on
from milepost.local.mailbox import Mailbox
from milepost_handlers import runtime, sweeper, worker
from milepost_handlers.runtime import Runtime
from tests.engine.stage import Stage

VISIBILITY_MS = 120_000
ARN = "arn:aws:sqs:eu-west-1:123456789012:shop-default"


@dataclass(frozen=True)
class Context:
    """Lambda's, as far as it is used."""

    aws_request_id: str = "request-1"
    left_ms: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


def record_of(received: Received, number: int = 0) -> dict[str, Any]:
    """A message as Lambda hands it over (developer guide, "Using Lambda with Amazon SQS", read 2026-11-23)."""
    return {
        "messageId": received.id,
        "receiptHandle": f"handle of {received.id}",
        "body": received.body,
        "attributes": {
            "ApproximateReceiveCount": str(received.deliveries),
            "SentTimestamp": str(received.sent_at_ms),
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": str(received.sent_at_ms + number),
        },
        "messageAttributes": {},
        "md5OfBody": md5(received.body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": ARN,
        "awsRegion": "eu-west-1",
    }


@dataclass
class Lambda:
    """The function and its event source: a batch, its answer, and what becomes of the messages."""

    stage: Stage
    batch: int = 1
    postponed: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    answers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def __post_init__(self) -> None:
        self.mailbox = Mailbox(self.stage.store, self.stage.clock)
        self.metrics = Gathered(self.stage.app.definitions.app)

    def made(self, **changes: Any) -> Runtime:
        plain = worker_on(self.stage.ports, self.stage.app.definitions, settings=self.stage.settings)
        worker = replace(plain, **{"notice": self.metrics.notice, "naming": log_keys, **changes})
        return Runtime(worker=worker, server=Server(worker, "default", self._postpone), metrics=self.metrics)

    def _postpone(self, handle: str, seconds: int) -> None:
        self.postponed.append((handle, seconds))

    def send(self, body: str) -> None:
        """Put a message on the queue, whatever it is."""
        self.stage.ports.queue.send([Outgoing(group="default", body=body)])

    def poll(self) -> list[str]:
        """Hand one batch over; the ids of the messages in it."""
        now = self.stage.clock.now_ms()
        received = self.mailbox.receive(now, self.batch)
        if not received:
            return []
        self.postponed.clear()
        answer = worker.handler({"Records": [record_of(one) for one in received]}, Context())
        self.answers.append(answer)
        stays = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        delays = dict(self.postponed)
        for one in received:
            if one.id in stays:
                self.mailbox.retry(one.id, now + delays.get(f"handle of {one.id}", VISIBILITY_MS // 1000) * 1000)
            else:
                self.mailbox.ack(one.id)
        return [one.id for one in received]

    def run_until_idle(self) -> int:
        """Poll until nothing is visible; how often."""
        polls = 0
        while self.poll():
            polls += 1
        return polls

    def sweep(self) -> dict[str, int]:
        counts: dict[str, int] = sweeper.handler({}, Context("sweep-1"))
        return counts


@contextmanager
def deployed(app: App, *, batch: int = 1, settings: Settings | None = None, **changes: Any) -> Generator[Lambda, None, None]:
    """The app behind its Lambda functions."""
    with Stage(app, settings=settings or Settings()) as stage:
        function = Lambda(stage, batch)
        runtime.install(function.made(**changes))
        try:
            yield function
        finally:
            runtime.install(None)


def metrics_in(text: str) -> list[dict[str, Any]]:
    """The lines of EMF in what was written to stdout."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if "_aws" in line and line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == NAMESPACE]


def logged_in(text: str) -> list[dict[str, Any]]:
    """The lines of loggers in what was written to stdout."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if "level" in line]
