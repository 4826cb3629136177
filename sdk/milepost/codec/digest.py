"""A digest of a step's arguments, by which a replay notices that they have changed.

It is a hint for a warning, never an identity: 32 bits, and what cannot be encoded counts by its type alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

import msgspec

from milepost.codec.models import is_model


def _stand_in(value: Any) -> Any:
    """What msgpack does not know: a pydantic model by its fields, anything else by the name of its type."""
    if is_model(value):
        return dict(value.__dict__)
    return f"{type(value).__module__}.{type(value).__qualname__}"


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_stand_in, order="deterministic")


def arguments_digest(args: Sequence[Any], kwargs: Mapping[str, Any]) -> int:
    """The crc32 of these arguments, the same in every process. Never raises."""
    try:
        return crc32(_ENCODER.encode((args, kwargs)))
    except Exception:  # noqa: BLE001 - a user's object may fail in any way, and a hint must not fail a step
        return crc32(
            b"\0".join([_lenient(value) for value in args] + [key.encode() + b"=" + _lenient(kwargs[key]) for key in sorted(kwargs)])
        )


def _lenient(value: Any) -> bytes:
    try:
        return _ENCODER.encode(value)
    except Exception:  # noqa: BLE001 - as above
        if type(value) in (int, str):  # beyond 64 bits; lone surrogates
            return ascii(value).encode() if isinstance(value, str) else hex(value).encode()
        return f"{type(value).__module__}.{type(value).__qualname__}".encode()
