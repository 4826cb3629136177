"""What ends a slice from inside the body: private BaseExceptions, raised where the body waits.

They pass through ``except Exception``; ``finally`` and ``with`` run. A body that catches BaseException must raise it
again. Nothing outside engine/ raises or catches them.
"""


class Interrupt(BaseException):
    """The slice is over; the run is not."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(
            f"milepost ends this slice of the run here{f' ({reason})' if reason else ''}; the body is replayed when it goes on. "
            "This is a BaseException so that `except Exception` does not catch it: raise it again if you catch BaseException."
        )


class Suspend(Interrupt):
    """The body waits for something that has not happened yet."""


class HandOver(Interrupt):
    """Too little of the invocation's time is left: another goes on."""


class Fenced(Interrupt):
    """The run is no longer ours: cancelled, paused, or driven by another."""


class Unserved(Interrupt):
    """A service beneath has failed: the message comes back, and with it another slice."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"a service has failed, {type(error).__name__}: {error}")
        self.error = error
        """What the port raised."""


class Abandoned(Interrupt):
    """This branch has lost: what it does from now on is dropped."""
