"""The Lambda function of a worker group: `milepost_handlers.worker.handler`, on its SQS queue, with ReportBatchItemFailures."""

from typing import Any

from milepost_handlers.observing import LambdaContext, observed
from milepost_handlers.reporting import report
from milepost_handlers.runtime import current


@observed
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Serve a batch of messages; returns those that stay on the queue."""
    runtime = current()
    deadline_ms = runtime.worker.now() + context.get_remaining_time_in_millis()
    return report(event, runtime.server.serve_all(event, deadline_ms))
