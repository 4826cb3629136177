"""What the environment says of AWS while moto stands in for it: dummy credentials, a region, and no endpoint.

User code that makes its own boto3 clients within finds moto by them, and cannot reach an account. All is restored afterwards.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

REGION: Final = "us-east-1"
"""Unless the environment names one."""

CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_SESSION_TOKEN": "testing"}
_AWAY: Final = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL")
"""moto does not see the requests of a client that was given an endpoint; a service's own stands in AWS_ENDPOINT_URL_<SERVICE>."""


def region_of_environment() -> str:
    """The region that user code works in."""
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or REGION


@contextmanager
def dummy_environment(region: str) -> Generator[None, None, None]:
    """Within it boto3 needs no account and finds no endpoint."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(_AWAY):
            del os.environ[name]
    os.environ.update(CREDENTIALS, AWS_REGION=region, AWS_DEFAULT_REGION=region)
    ours = dict(os.environ)
    try:
        yield
    finally:
        for name in {*before, *ours}:
            if os.environ.get(name) == ours.get(name):  # what somebody else has set meanwhile stays
                _set(name, before.get(name))


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
