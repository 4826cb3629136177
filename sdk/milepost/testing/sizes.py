"""What items weigh, by DynamoDB's rules: bytes, write units with those of the indexes, read units. Counts nothing itself."""

from typing import Any, Final

from milepost.engine.ports import INDEXES, Index, Item
from milepost.narrowing import is_dict, is_sequence

UNIT: Final = 1_024
"""Bytes in one write unit (DynamoDB: read/write capacity mode, read 2026-11-22)."""

READ_UNIT: Final = 4_096
"""Bytes in one read unit, strongly consistent; an eventually consistent read takes half (the same page)."""

BILLED_CHUNK: Final = 65_536
"""SQS and EventBridge bill each 64 KB of a message or an event as one (their pricing pages, read 2026-11-22)."""


def units(size_bytes: int) -> int:
    """Write units of an item: at least one."""
    return max(1, -(-size_bytes // UNIT))


def index_units(before: Item | None, after: Item | None) -> int:
    """Write units of all index entries that a write changes."""
    return sum(_of_index(index, before, after) for index in INDEXES)


def read_units(size_bytes: int, *, consistent: bool = True) -> float:
    """Read units of an item, or of all items of one query together: at least one, or half of one."""
    return max(1, -(-size_bytes // READ_UNIT)) * (1.0 if consistent else 0.5)


def chunks(text: str) -> int:
    """How often a message or an event of this text is billed."""
    return max(1, -(-len(text.encode()) // BILLED_CHUNK))


def _of_index(index: Index, before: Item | None, after: Item | None) -> int:
    """Keys-only entries: one unit to put, one to delete, two to move, none when nothing of it changed."""
    old = _entry(index, before)
    new = _entry(index, after)
    return 0 if old == new else (old is not None) + (new is not None)


def _entry(index: Index, item: Item | None) -> tuple[object, object] | None:
    if item is None or item.get(index.hash) is None or item.get(index.range) is None:
        return None
    return item[index.hash], item[index.range]


def size(value: Any) -> int:
    """The size of an item by DynamoDB's rules, in bytes (CapacityUnitCalculations, read 2026-11-22)."""
    match value:
        case None | bool():
            return 1
        case str():
            return len(value.encode())
        case bytes():
            return len(value)
        case int() | float():
            return len(str(value).strip("-0.")) // 2 + 2
        case _ if is_dict(value):
            return 3 + sum(len(str(name).encode()) + size(one) + 1 for name, one in value.items())
        case _ if is_sequence(value):
            return 3 + sum(size(one) + 1 for one in value)
        case _:
            raise TypeError(f"{type(value).__name__} is no attribute of an item")
