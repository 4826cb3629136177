"""A worker that dies: after a number of port calls everything it held in memory is gone; what it wrote is not."""

from typing import Any

from milepost.engine.ports import Ports


class WorkerKilled(BaseException):
    """The worker is dead: private, for the Sandbox to catch; no body may live through it."""


class Fuse:
    """Counts a worker's port calls down. The call that burns it takes effect and the worker never hears of that, or, lit to
    blow before it, is not made at all: what the worker had done since the call before is then lost with it.
    """

    def __init__(self) -> None:
        self._left: int | None = None
        self._before = False
        self.is_blown = False

    def light(self, calls: int, *, before: bool = False) -> None:
        """Blow after this many port calls from now; `before`: in the moment when the last of them would be made."""
        self._left = calls
        self._before = before
        self.is_blown = False

    def renew(self) -> None:
        """A new worker is there."""
        self.is_blown = False

    def check(self) -> None:
        """A call is about to be made. A dead worker calls nobody."""
        if self._before and self._left == 1:
            self._blow()
        if self.is_blown:
            raise WorkerKilled

    def approach(self, _name: str, _args: tuple[Any, ...]) -> None:
        """This method of a port is about to be called."""
        self.check()

    def count(self) -> None:
        """A call has taken effect."""
        if self._left is None:
            return
        self._left -= 1
        if self._left <= 0:
            self._blow()
            raise WorkerKilled

    def _blow(self) -> None:
        self._left = None
        self.is_blown = True


class _Mortal:
    """One port, as a mortal worker sees it."""

    def __init__(self, port: object, fuse: Fuse) -> None:
        self._port = port
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._port, name)

        def mortal(*args: Any, **kwargs: Any) -> Any:
            self._fuse.approach(name, args)
            result = call(*args, **kwargs)
            self._fuse.count()
            return result

        return mortal


def _mortal(port: object, fuse: Fuse) -> Any:
    return _Mortal(port, fuse)


def mortal(ports: Ports, fuse: Fuse) -> Ports:
    """The same ports, for a worker that may die. Reading the clock is no call."""
    return Ports(
        table=_mortal(ports.table, fuse),
        queue=_mortal(ports.queue, fuse),
        timers=_mortal(ports.timers, fuse),
        bus=_mortal(ports.bus, fuse),
        blobs=_mortal(ports.blobs, fuse),
        clock=ports.clock,
    )
