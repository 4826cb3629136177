"""Where a JSON text is kept: in the record up to 32 KB, compressed in the record up to 200 KB, above that as a blob."""

import zlib

from milepost.engine.ports import Blobs
from milepost.engine.records import Packed
from milepost.errors import CodecError, ValueNotStorable

INLINE_LIMIT = 32 * 1024
SQUEEZED_LIMIT = 200 * 1024
LIMIT = 32 * 1024 * 1024
"""Bytes of JSON; larger values belong in a store of their own, with a reference as the step's result."""


def pack(text: str | bytes, blobs: Blobs, what: str) -> Packed:
    """The text, put away. Raises ValueNotStorable for one over LIMIT. A blob is written before what points to it."""
    raw = text.encode() if isinstance(text, str) else text
    if len(raw) <= INLINE_LIMIT:
        return Packed(text=raw.decode())
    if len(raw) > LIMIT:
        raise ValueNotStorable(
            f"{what} is {len(raw) / 1e6:.1f} MB of JSON, at most {LIMIT // 1024 // 1024} MB can be kept: "
            "store it yourself (a file, S3) and return a reference to it"
        )
    squeezed = zlib.compress(raw, 6)
    if len(squeezed) <= SQUEEZED_LIMIT:
        return Packed(squeezed=squeezed)
    return Packed(ref=blobs.put(squeezed))


def unpack(packed: Packed, blobs: Blobs) -> str:
    """The text again. Raises CodecError when the blob is gone, or is not what it was."""
    if packed.text is not None:
        return packed.text
    try:
        squeezed = packed.squeezed if packed.squeezed is not None else blobs.get(packed.ref or "")
    except KeyError as error:
        raise CodecError(f"the value lay in a blob that is gone or damaged: {error.args[0]}") from error
    return zlib.decompress(squeezed).decode()
