"""X-Ray, for who asks for it: an invocation as a segment, by Powertools' Tracer. Not asked for, nothing of it is loaded."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, TypeAlias, cast

from milepost.contract import TRACING
from milepost.errors import ConfigurationError

Handler: TypeAlias = Callable[[Any, Any], Any]


def traced(handler: Handler, app: str, environ: Mapping[str, str]) -> Handler:
    """The handler, its invocations traced when MILEPOST_TRACING is `1`. Raises ConfigurationError when aws-xray-sdk is not there."""
    if environ.get(TRACING) != "1":
        return handler
    if find_spec("aws_xray_sdk") is None:
        raise ConfigurationError(f"{TRACING} is 1, and there is no aws-xray-sdk: add it to what the function is packed with, or unset it")
    from aws_lambda_powertools.tracing import Tracer

    return cast(Handler, Tracer(service=app).capture_lambda_handler(handler, capture_response=False))
