"""A JSON text is kept in the cheapest of three places, and comes back the same from each."""

from collections.abc import Iterator
from hashlib import shake_256

import pytest

from milepost.engine.ports import Blobs
from milepost.engine.values import INLINE_LIMIT, LIMIT, SQUEEZED_LIMIT, pack, unpack
from milepost.errors import CodecError, ValueNotStorable
from milepost.local.blobs import LocalBlobs
from milepost.local.store import Store


@pytest.fixture
def blobs() -> Iterator[Blobs]:
    with Store(None) as store:
        yield LocalBlobs(store)


def noise(size: int) -> str:
    """Text that does not compress below half."""
    return shake_256(b"noise").hexdigest(size // 2 + 1)[:size]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('"short"', "text"),
        ("ü" * (INLINE_LIMIT // 2), "text"),
        ("x" * (INLINE_LIMIT + 1), "squeezed"),
        (noise(SQUEEZED_LIMIT), "squeezed"),
        (noise(3 * SQUEEZED_LIMIT), "ref"),
    ],
)
def test_where_it_is_kept(blobs: Blobs, text: str, place: str) -> None:
    packed = pack(text, blobs, "it")
    assert [name for name in ("text", "squeezed", "ref") if getattr(packed, name) is not None] == [place]
    assert unpack(packed, blobs) == text
    assert pack(text.encode(), blobs, "it") == packed


def test_too_large_a_value_is_refused(blobs: Blobs) -> None:
    with pytest.raises(ValueNotStorable, match=r"the result of step 'a' is 33.6 MB of JSON, at most 32 MB.*return a reference"):
        pack(b"x" * (LIMIT + 1), blobs, "the result of step 'a'")


def test_a_blob_that_is_gone_is_an_error(blobs: Blobs) -> None:
    with Store(None) as other, pytest.raises(CodecError, match="gone or damaged: sha256:"):
        unpack(pack(noise(3 * SQUEEZED_LIMIT), blobs, "it"), LocalBlobs(other))
