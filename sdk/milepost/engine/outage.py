"""When a port fails: the ports as a slice sees them, and what the slice knows of their failures.

    a port raises    a documented outcome ──▶ the engine, which knows what it means
                     anything else ─────────▶ noted, and on as Unserved, past every `except Exception`; the slice is over
                                              ──▶ `deliver`, which raises what the port raised: nothing is acknowledged

The slice ends as if its worker had died in that call: whether the call took effect or not, what comes next is what comes
after a crash (docs/design/protocols.md). Only the engine's own calls are seen so. What the user's code asks for, by the doors of
an app, raises in that code, and is its to handle.
"""

from collections.abc import Callable
from typing import Any

from milepost.engine.interrupts import Unserved
from milepost.engine.ports import ConditionFailed, Ports, TransactionFailed


class Outage:
    """What has failed beneath one slice."""

    __slots__ = ("error",)

    def __init__(self) -> None:
        self.error: Exception | None = None
        """The first failure."""

    def check(self) -> None:
        """Raise Unserved when a port has failed: the slice is over, and begins nothing more."""
        if self.error is not None:
            raise Unserved(self.error)


class _Port:
    __slots__ = ("outage", "port")

    def __init__(self, port: object, outage: Outage) -> None:
        self.port: Any = port
        self.outage = outage


def _call(name: str, *outcomes: type[Exception]) -> Callable[..., Any]:
    """An operation of a port with its documented outcomes; ValueError, a call that cannot be, is one of all."""
    documented: tuple[type[Exception], ...] = (*outcomes, ValueError)

    def call(self: _Port, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(self.port, name)(*args, **kwargs)
        except documented:
            raise
        except Exception as error:
            if self.outage.error is None:
                self.outage.error = error
            raise Unserved(error) from error

    return call


class _Table(_Port):
    __slots__ = ()

    get = _call("get")
    get_many = _call("get_many")
    query = _call("query")
    query_as = _call("query_as")
    query_index = _call("query_index")
    put = _call("put", ConditionFailed)
    update = _call("update", ConditionFailed)
    delete = _call("delete", ConditionFailed)
    write_many = _call("write_many")
    transact = _call("transact", TransactionFailed)


class _Queue(_Port):
    __slots__ = ()

    send = _call("send")


class _Timers(_Port):
    __slots__ = ()

    arm = _call("arm")
    disarm = _call("disarm")


class _Bus(_Port):
    __slots__ = ()

    publish = _call("publish")


class _Blobs(_Port):
    __slots__ = ()

    put = _call("put")
    get = _call("get", KeyError)


def guarded(ports: Ports, outage: Outage) -> Ports:
    """The ports as a slice sees them. The clock is the process's own: there is nothing beneath it to fail."""
    return Ports(
        table=_seen(_Table, ports.table, outage),
        queue=_seen(_Queue, ports.queue, outage),
        timers=_seen(_Timers, ports.timers, outage),
        bus=_seen(_Bus, ports.bus, outage),
        blobs=_seen(_Blobs, ports.blobs, outage),
        clock=ports.clock,
    )


def _seen(kind: type[_Port], port: object, outage: Outage) -> Any:
    return kind(port, outage)
