"""Epoch milliseconds inside and on the wire, aware datetimes and timedeltas outside: the one place that translates."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def instant(ms: int) -> datetime:
    """An aware UTC datetime."""
    return _EPOCH + timedelta(milliseconds=ms)


def milliseconds(moment: datetime) -> int:
    """Epoch milliseconds of an aware datetime, rounded up: nothing happens before it."""
    return -((_EPOCH - moment) // _MILLISECOND)


def duration_ms(duration: timedelta) -> int:
    """A duration in milliseconds, rounded up."""
    return -(-duration // _MILLISECOND)
