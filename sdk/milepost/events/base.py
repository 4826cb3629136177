"""Event classes and envelopes: what a user derives from, receives and sends."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeVar, dataclass_transform

from milepost.errors import ErrorInfo

E_co = TypeVar("E_co", covariant=True)

CRON_TICK_NAME: Final = "milepost/cron.tick"


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Event:
    """Base of an event written as a plain class: the subclass IS a frozen dataclass whose fields are given by keyword.

    Do not decorate it with ``@dataclass`` again. Give it its name with ``@app.event("shop/order.placed", keys=("order_id",))``.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclass(frozen=True, kw_only=True)(cls)


@dataclass(frozen=True, init=False)
class EventOf(Generic[E_co]):
    """Data together with its event type, for data that does not know it, such as a TypedDict.

    ``app.send(EventOf(OrderPlaced, OrderPlaced(order_id="1")))``
    """

    event: type[E_co]
    data: E_co

    def __init__(self, event: type[E_co], data: E_co, /) -> None:
        object.__setattr__(self, "event", event)
        object.__setattr__(self, "data", data)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventInfo:
    """The envelope of the event that started the run: ``step.event``."""

    id: str
    name: str
    at: datetime
    """When the bus accepted it; aware, UTC."""
    source: str


class CronTick(Event):
    """The event of a cron trigger."""

    scheduled_at: datetime
    """Aware, in the cron's time zone."""
    previous_at: datetime | None
    """The tick before; None at the first."""


class Failure(Event):
    """What on_failure and on_cancel are told."""

    run_id: str
    function: str
    status: Literal["failed", "cancelled"]
    step: str | None
    """The step whose error failed the run, if one did."""
    error: ErrorInfo | None
    """None when cancelled."""
    at: datetime
    event: Any
    """The data of the event that had started the run, as JSON types."""
