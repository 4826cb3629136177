"""The blobs port: large values by content."""

import pytest

from tests.contract.beds import Bed


@pytest.mark.parametrize("data", [b"", b"text", bytes(range(256)), b"x" * 3_000_000], ids=["empty", "text", "bytes", "large"])
def test_bytes_come_back(bed: Bed, data: bytes) -> None:
    blobs = bed.ports.blobs
    assert blobs.get(blobs.put(data)) == data


def test_the_same_bytes_have_the_same_reference(bed: Bed) -> None:
    blobs = bed.ports.blobs
    assert blobs.put(b"one") == blobs.put(b"one")
    assert blobs.put(b"one") != blobs.put(b"two")
    assert blobs.get(blobs.put(b"one")) == b"one"


@pytest.mark.parametrize("ref", ["", "sha256:" + "0" * 64, "nonsense"])
def test_an_unknown_reference_is_a_key_error(bed: Bed, ref: str) -> None:
    bed.ports.blobs.put(b"one")
    with pytest.raises(KeyError):
        bed.ports.blobs.get(ref)
