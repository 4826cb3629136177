"""The meter counts items written (a transaction of k counts k), units with indexes, reads and requests.

Covers: kit.meter
"""

import pytest

from milepost import (
    App,
)
from milepost.engine.ports import DUE, Absent, Change, ConditionFailed, Key, Put
from milepost.testing.meter import Meter, MeteredTable
from tests.engine.stage import Stage

app = App("meter")


def counts(meter: Meter) -> tuple[int, int, int, int]:
    return meter.writes, meter.units, meter.reads, meter.requests


def test_by_hand() -> None:
    with Stage(app) as stage:
        meter = Meter()
        table = MeteredTable(stage.ports.table, meter)
        table.put({"pk": "a", "sk": "1"})
        assert counts(meter) == (1, 1, 0, 1)
        table.transact([Put({"pk": "a", "sk": str(number)}) for number in range(2, 5)])
        assert counts(meter) == (4, 4, 0, 2)
        table.put({"pk": "a", "sk": "5", "text": "x" * 1_500})
        assert counts(meter) == (5, 6, 0, 3)
        table.update(Key("a", "1"), Change(set={"due_shard": "due#0", "next_due": 1}))
        assert counts(meter) == (6, 8, 0, 4)  # one for the item, one for the index
        table.update(Key("a", "1"), Change(set={"next_due": 2}))
        assert counts(meter) == (7, 11, 0, 5)  # moved in the index: two
        with pytest.raises(ConditionFailed):
            table.put({"pk": "a", "sk": "1"}, Absent())
        assert counts(meter) == (8, 12, 0, 6)  # refused, and paid for
        table.get(Key("a", "1"))
        table.query("a")
        table.query_index(DUE, "due#0")
        assert counts(meter) == (8, 12, 3, 9)
        table.delete(Key("a", "1"))
        assert counts(meter) == (9, 14, 3, 10)
