"""What code inside a running slice can know of it: which worker runs it, and how many events led to it.

The doors of an app (`app.send`, `app.cancel`, ...) act on this cloud when they are called from a body or a step.
"""

from contextvars import ContextVar

import msgspec

from milepost.engine.worker import Worker


class Ambient(msgspec.Struct, frozen=True):
    """The running slice, as the doors see it."""

    worker: Worker
    run: str
    hops: int


CURRENT: ContextVar[Ambient | None] = ContextVar("milepost_ambient", default=None)
