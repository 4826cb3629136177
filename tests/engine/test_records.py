"""Records are their own items: they come back as they were, and those of a newer schema are refused."""

from typing import Any

import msgspec
import pytest

from milepost.engine import keys
from milepost.engine.records import (
    SCHEMA,
    EventRow,
    Failing,
    Header,
    Origin,
    Outcome,
    Packed,
    Parent,
    Record,
    SchemaError,
    WaitRow,
)
from milepost.engine.records import _Stored as Stored  # pyright: ignore[reportPrivateUsage]
from milepost.errors import ErrorInfo
from milepost.local.store import Store
from milepost.local.table import LocalTable
from milepost.runs import RunStatus

FAILING = Failing(type="a.B", message="no", traceback="tb", step="s")
PARENT = Parent(run="p", path="child", group="default", started_at=1, due_at=2, digest=3, epoch=4, k=5, t=6, crowd=True)
FULL: list[Stored] = [
    Record(
        **keys.step("r", "prepare/0/a")._asdict(),
        kind="run",
        status="failed",
        value=Packed(squeezed=b"\x00\xff"),
        error=FAILING,
        attempts=3,
        started_at=1,
        ended_at=2,
        due_at=3,
        digest=4,
        epoch=5,
        k=6,
        t=7,
        seen=[("x", 1, 2, 3)],
        undo=True,
        detail={"count": 2, "used": ["e"], "until": 1.5},
        ttl=8,
    ),
    Header(
        **keys.header("r")._asdict(),
        function="f",
        group="g",
        status=RunStatus.RUNNING,
        created_at=1,
        fn_shard="f#0",
        role="handler",
        version="v",
        born_by="m-1",
        owner="m-1",
        lease_until=2,
        epoch=3,
        inbox=4,
        covered=2,
        now=5,
        deaths={"a": 2},
        result=Packed(text='"x"'),
        error=FAILING,
        event="{}",
        parent=PARENT,
        ttl=9,
    ),
    Origin(**keys.event_row("r")._asdict(), data=Packed(ref="sha"), failure=Packed(text="{}"), arguments=Packed(text="[]"), ttl=1),
    Outcome(**keys.result_row("r", 1)._asdict(), result=Packed(text="1"), error=FAILING, ttl=1),
    WaitRow(pk="wait#e#k=s:1", sk="r#a~0", run="r", path="a", group="g", index=1, cancels=True, keys={"k": 1.5, "b": True}, used=["e"]),
    EventRow(pk="event#e#k=s:1", sk="1#2#e", id="e", name="e", at=1, sent_at=2, data=Packed(text="{}"), ttl=3),
]


@pytest.mark.parametrize("record", FULL, ids=lambda record: type(record).__name__)
def test_a_record_comes_back_from_the_table(record: Stored) -> None:
    with Store(None) as store:
        table = LocalTable(store)
        table.put(record.to_item())
        item = table.get(record.key)
    assert item is not None
    assert item["v"] == SCHEMA
    assert type(record).from_item(item) == msgspec.structs.replace(record, v=SCHEMA)


@pytest.mark.parametrize("record", FULL, ids=lambda record: type(record).__name__)
def test_a_record_of_a_newer_schema_is_refused(record: Stored) -> None:
    item = {**record.to_item(), "v": SCHEMA + 1}
    with pytest.raises(SchemaError, match=f"schema {SCHEMA + 1}, this milepost reads up to {SCHEMA}: upgrade"):
        type(record).from_item(item)


@pytest.mark.parametrize("record", FULL, ids=lambda record: type(record).__name__)
def test_a_record_of_the_schema_before_is_read(record: Stored) -> None:
    item: dict[str, Any] = {**record.to_item(), "v": SCHEMA - 1, "of_old": True}
    assert type(record).from_item(item).key == record.key


def test_what_is_absent_is_left_out() -> None:
    record = Record(**keys.step("r", "a")._asdict(), kind="run", status="completed", started_at=1)
    assert record.to_item() == {"pk": "run#r", "sk": "step#a", "v": SCHEMA, "kind": "run", "status": "completed", "started_at": 1}
    assert record.path == "a"
    assert record.is_final
    assert not msgspec.structs.replace(record, status="pending").is_final


def test_an_error_comes_back_as_its_owner_sees_it() -> None:
    info = ErrorInfo("a.B", "no", "tb", "s")
    assert Failing.of(info) == FAILING
    assert FAILING.info() == info


def test_a_lease_is_live_until_its_last_millisecond() -> None:
    header = Header(**keys.header("r")._asdict(), function="f", group="g", status=RunStatus.RUNNING, created_at=1, fn_shard="f#0")
    assert not header.is_leased(0)
    leased = msgspec.structs.replace(header, lease_until=100)
    assert leased.is_leased(100)
    assert not leased.is_leased(101)


def test_a_header_without_result_takes_less_than_a_write_unit() -> None:
    header = FULL[1]
    assert isinstance(header, Header)
    full = msgspec.structs.replace(header, event="x" * 400)
    assert len(msgspec.json.encode(full.to_item())) < 1_024
