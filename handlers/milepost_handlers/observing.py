"""Around every invocation: its id in each line that is logged, its metrics written once at the end, and a trace when asked for."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any, Protocol, TypeAlias

from milepost.aws.log_keys import log_keys
from milepost.aws.tracing import traced
from milepost_handlers.runtime import current


class LambdaContext(Protocol):
    """What is used of the context that Lambda hands over."""

    @property
    def aws_request_id(self) -> str: ...

    def get_remaining_time_in_millis(self) -> int: ...


Handler: TypeAlias = Callable[[Any, LambdaContext], Any]


def observed(handler: Handler) -> Handler:
    """The handler with its invocations observed."""

    @wraps(handler)
    def observe(event: Any, context: LambdaContext) -> Any:
        runtime = current()
        call = traced(handler, runtime.worker.definitions.app, os.environ)
        with log_keys({"function_request_id": context.aws_request_id}):
            try:
                return call(event, context)
            finally:
                if runtime.metrics is not None:
                    runtime.metrics.flush()

    return observe
