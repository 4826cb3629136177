"""The answer to SQS: which messages of the batch stay on the queue."""

from collections.abc import Collection
from typing import Any


class Stays(Exception):
    """A message is not done: so Powertools is told."""


def report(event: dict[str, Any], staying: Collection[str]) -> dict[str, Any]:
    """The partial batch response for the ids of the messages that stay."""
    if not staying:
        return {"batchItemFailures": []}
    from aws_lambda_powertools.utilities import batch  # slow to load, and seldom needed

    def told(record: Any) -> None:
        if record.message_id in staying:
            raise Stays

    processor = batch.BatchProcessor(batch.EventType.SQS, raise_on_entire_batch_failure=False)  # a batch of one is reported, too
    answer = batch.process_partial_response(event, told, processor)  # pyright: ignore[reportUnknownMemberType]
    return {**answer}
