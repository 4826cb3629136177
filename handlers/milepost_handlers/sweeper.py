"""The Lambda function that runs every minute: `milepost_handlers.sweeper.handler`. What it is handed does not matter."""

from typing import Any

from milepost.engine.upkeep import keep_up
from milepost_handlers.observing import LambdaContext, observed
from milepost_handlers.runtime import current


@observed
def handler(_event: Any, _context: LambdaContext) -> dict[str, int]:
    """Find what the messages should have brought and did not, and send the crons' ticks of the next minute ahead."""
    runtime = current()
    kept = keep_up(runtime.worker)
    if runtime.metrics is not None:
        runtime.metrics.swept(kept)
    return kept.counts()
