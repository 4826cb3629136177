"""Event classes, their types and keys, triggers, filters and crons."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import FrozenInstanceError, dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NewType, NotRequired, Optional, TypedDict
from uuid import UUID

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.errors import DefinitionError, ErrorInfo, EventError, UsageError
from milepost.events import (
    CRON_TICK,
    CancelOn,
    Cron,
    CronTick,
    Event,
    EventInfo,
    EventOf,
    EventType,
    Failure,
    KeyValue,
    Matched,
    Trigger,
    WaitFor,
    Won,
    canonical_key,
    fields_of,
    path_type,
)
from milepost.events.types import make_event_type
from milepost.fields import UnknownPath

UserId = NewType("UserId", str)


class Color(enum.StrEnum):
    RED = "red"


class Rank(enum.IntEnum):
    ONE = 1


class Half(enum.Enum):
    HALF = 0.5


@dataclass(frozen=True)
class Customer:
    id: str
    tags: Sequence[str] = ()
    referrer: "Customer | None" = None


class Line(TypedDict):
    sku: str
    count: int
    gift: NotRequired[bool]


class OrderPlaced(Event):
    order_id: str
    total: Decimal
    customer: Customer | None = None
    lines: Sequence[Line] = ()
    color: Color = Color.RED
    rank: Rank | None = None
    user: UserId | None = None
    weight: float = 0.0
    paid: bool = False
    count: Optional[int] = None  # noqa: UP045 - both spellings must work
    note: Annotated[str, "free text"] = ""
    extra: Mapping[str, Any] | None = None
    kind: Literal["new", "old"] = "new"
    at: datetime | None = None


class Struct(msgspec.Struct, rename="camel"):
    order_id: str
    line: Line | None = None


class Model(pydantic.BaseModel):
    order_id: str
    customer: Customer | None = None


class Later(msgspec.Struct):
    order_id: str
    other: "Nowhere" = None  # type: ignore[name-defined]  # noqa: F821  # pyright: ignore[reportUndefinedVariable]


KEYS = ("order_id", "count", "weight", "paid")
PLACED: EventType[OrderPlaced] = make_event_type("shop/order.placed", OrderPlaced, KEYS)


def test_an_event_is_a_frozen_dataclass_given_by_keyword() -> None:
    event = OrderPlaced(order_id="o-1", total=Decimal("9.50"))
    assert event == OrderPlaced(order_id="o-1", total=Decimal("9.50"))
    assert "order_id='o-1'" in repr(event)
    with pytest.raises(FrozenInstanceError):
        event.order_id = "o-2"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(TypeError):
        OrderPlaced("o-1", Decimal(1))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_an_event_may_derive_from_another() -> None:
    class Base(Event):
        order_id: str

    class Derived(Base):
        by: str

    assert fields_of(Derived) == {"order_id": str, "by": str}
    assert make_event_type("x", Derived, ("order_id", "by")).encode(Derived(order_id="a", by="b")) == b'{"order_id":"a","by":"b"}'


def test_data_read_back_exactly() -> None:
    event = OrderPlaced(order_id="o-1", total=Decimal("9.50"), customer=Customer("c"), at=datetime(2026, 1, 1, tzinfo=UTC))
    raw = PLACED.encode(event)
    assert b'"total":9.50' in raw
    assert PLACED.decode(raw).customer == Customer("c", [])
    assert PLACED.decode(raw).total.as_tuple() == event.total.as_tuple()


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (OrderPlaced(order_id=7, total=Decimal(1)), r"order_id: expected str, found 7 \(int\)"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (OrderPlaced(order_id="a", total=1.5), r"total: found 1.5 \(float\), which would read back as Decimal"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (OrderPlaced(order_id="a", total=Decimal("NaN")), "total: found NaN"),
        (OrderPlaced(order_id="a", total=Decimal(1), customer=Customer(7)), "customer.id: expected str, found 7"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        (OrderPlaced(order_id="a", total=Decimal(1), extra={"f": object()}), r"extra\.f: found <object"),
        ({"order_id": "a"}, "total: is missing"),
        ({"order_id": "a", "total": Decimal(1)}, "would read back as OrderPlaced"),
        (None, "found null"),
    ],
    ids=["type", "float", "nan", "nested", "object", "missing", "dict", "none"],
)
def test_data_that_do_not_fit_are_not_sent(event: Any, message: str) -> None:
    with pytest.raises(EventError, match=message) as caught:
        PLACED.encode(event)
    assert "'shop/order.placed'" in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("{}", "order_id: is missing"),
        ('{"order_id": 7}', "order_id: expected str, found 7"),
        ("[]", "expected object"),
        ("{", "Input data was truncated"),
    ],
)
def test_data_that_do_not_fit_are_not_read(raw: str, message: str) -> None:
    with pytest.raises(EventError, match=f"this 'shop/order.placed' event is no valid OrderPlaced: {message}"):
        PLACED.decode(raw)


def test_a_large_event() -> None:
    with pytest.raises(EventError, match="1,000,000 are the most; send a reference instead"):
        PLACED.encode(OrderPlaced(order_id="x" * 1_000_000, total=Decimal(1)))


@pytest.mark.parametrize(
    "total", [2**63 - 1, -(2**63), Decimal("9223372036854775808.5"), Decimal("1E+30"), Decimal("0.12345678901234567890123")]
)
def test_numbers_that_eventbridge_takes(total: Any) -> None:
    assert PLACED.decode(PLACED.encode(OrderPlaced(order_id="9" * 40, total=Decimal(total)))).total == total


@pytest.mark.parametrize("total", [2**63, -(2**63) - 1, 10**30])
def test_an_integer_of_more_than_64_bits_is_refused(total: int) -> None:
    """EventBridge takes none, and its error would come where nobody can act on it."""
    with pytest.raises(
        EventError, match=f"this 'shop/order.placed' event holds the integer {total}, and EventBridge takes integers of 64 bits"
    ):
        PLACED.encode(OrderPlaced(order_id="o", total=Decimal(total)))


def test_fields_that_are_not_declared_are_ignored() -> None:
    assert PLACED.decode('{"order_id": "a", "total": 1, "new": {"x": 1}}').order_id == "a"


@pytest.mark.parametrize("cls", [OrderPlaced, Struct, Model, Line, Customer])
def test_every_kind_of_class_can_be_an_event(cls: type[Any]) -> None:
    assert make_event_type("x", cls, ()).cls is cls


# ---- keys ------------------------------------------------------------------------------------------------------------


def test_keys_in_data() -> None:
    event = OrderPlaced(order_id="7", total=Decimal(1), count=None, weight=3, paid=True)
    assert PLACED.key_values(PLACED.encode(event)) == {"order_id": "7", "weight": 3.0, "paid": True}
    assert type(PLACED.key_values('{"weight": 3}')["weight"]) is float
    assert PLACED.key_values('{"order_id": {"a": 1}, "count": null}') == {}
    with pytest.raises(EventError, match="no JSON object"):
        PLACED.key_values("[]")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("7", "s:7"),
        (7, "i:7"),
        (1.5, "f:1.5"),
        (7.0, "f:7.0"),
        (-0.0, "f:0.0"),
        (True, "b:true"),
        (False, "b:false"),
        ("", "s:"),
        (Color.RED, "s:red"),
        (Rank.ONE, "i:1"),
    ],
)
def test_the_canonical_form_tells_types_apart(value: KeyValue, text: str) -> None:
    assert canonical_key(value) == text


scalars = (
    st.text(st.characters(exclude_categories=["Cs"]))
    | st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
)


@given(a=scalars, b=scalars)
def test_the_canonical_form_is_equal_only_for_equal_values_of_one_type(a: KeyValue, b: KeyValue) -> None:
    assert (canonical_key(a) == canonical_key(b)) == (type(a) is type(b) and a == b)


@given(scalars)
def test_a_key_sent_is_the_key_waited_for(value: KeyValue) -> None:
    kind: Any = type(value)
    event = make_event_type("x", msgspec.defstruct("Keyed", [("k", kind)]), ("k",))
    sent = event.key_values(event.encode(event.cls(value)))
    assert canonical_key(sent["k"]) == canonical_key(event.check_key("k", value))


def test_keys_of_a_wait() -> None:
    assert PLACED.check_keys({"weight": 3, "order_id": Color.RED}) == {"weight": 3.0, "order_id": "red"}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "needs at least one of its keys: order_id=..., count=..., weight=..., paid=..."),
        ({"total": 1}, "'total' is not a key of 'shop/order.placed'; its keys are order_id, count, weight, paid"),
        ({"order_id": 7}, r"order_id of 'shop/order.placed' is str, not 7 \(int\)"),
        ({"order_id": None}, "not None"),
        ({"count": True}, "is int, not True"),
        ({"count": 1.0}, "is int, not 1.0"),
        ({"paid": 1}, "is bool, not 1"),
        ({"weight": float("nan")}, "can never be found"),
    ],
    ids=str,
)
def test_keys_of_a_wait_that_cannot_be(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        PLACED.check_keys(keys)


@pytest.mark.parametrize("key", ["order_id", "color", "rank", "user", "weight", "paid", "count", "note", "kind"])
def test_fields_that_can_be_keys(key: str) -> None:
    assert make_event_type("x", OrderPlaced, (key,)).keys == (key,)


def test_a_class_with_annotations_that_are_never_known_can_neither_be_sent_nor_received() -> None:
    event = make_event_type("x", Later, ())
    with pytest.raises(EventError, match="'x' events cannot be sent or received: Later: the name 'Nowhere'"):
        event.encode(Later("a"))
    with pytest.raises(EventError, match="'Nowhere'"):
        event.decode("{}")


def test_a_key_whose_class_has_annotations_that_are_not_known_yet() -> None:
    assert make_event_type("x", Later, ("order_id",)).keys == ("order_id",)


class Reserved(Event):
    timeout: str
    where: str
    lookback: str


@pytest.mark.parametrize(
    ("cls", "keys", "message"),
    [
        (OrderPlaced, ("total",), "keys are str, int, float, bool"),
        (OrderPlaced, ("customer",), "keys are str"),
        (msgspec.defstruct("Halved", [("half", Half)]), ("half",), "keys are str"),
        (msgspec.defstruct("Halved", [("half", Half)]), (), "all str or all int"),
        (OrderPlaced, ("at",), "keys are str"),
        (OrderPlaced, ("extra",), "keys are str"),
        (OrderPlaced, ("oder_id",), "'oder_id' is not a field; the fields are order_id, total"),
        (OrderPlaced, ("order_id", "order_id"), "given twice"),
        (OrderPlaced, ("order_id", "count", "weight", "paid", "note"), "5 keys, 4 are the most"),
        (Reserved, ("timeout",), "cannot be called 'timeout'"),
        (Reserved, ("where",), "cannot be called 'where'"),
        (Reserved, ("lookback",), "cannot be called 'lookback'"),
        (Struct, ("order_id",), "the fields are orderId, line"),
        (int, (), "an event is a class with fields"),
        (msgspec.defstruct("Array", ["x"], array_like=True), (), "array_like"),
    ],
    ids=str,
)
def test_event_types_that_cannot_be(cls: type[Any], keys: tuple[str, ...], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        make_event_type("x", cls, keys)


@pytest.mark.parametrize("name", ["", "x" * 129, " x", "x\n", "milepost/x", 7, None])
def test_names_that_cannot_be(name: Any) -> None:
    with pytest.raises(DefinitionError, match=r"@app\.event"):
        make_event_type(name, OrderPlaced, ())


# ---- fields and paths ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "fields"),
    [
        (Customer, ["id", "tags", "referrer"]),
        (Struct, ["orderId", "line"]),
        (Line, ["sku", "count", "gift"]),
        (Model, ["order_id", "customer"]),
        (CronTick, ["scheduled_at", "previous_at"]),
    ],
    ids=str,
)
def test_fields_by_their_names_in_json(cls: type[Any], fields: list[str]) -> None:
    assert list(fields_of(cls) or {}) == fields


@pytest.mark.parametrize("cls", [int, dict, dict[str, int], list[Line], Color, 7, None])
def test_what_has_no_fields(cls: Any) -> None:
    assert fields_of(cls) is None


@pytest.mark.parametrize(
    ("cls", "path", "expected"),
    [
        (OrderPlaced, "order_id", str),
        (OrderPlaced, "customer.id", str),
        (OrderPlaced, "customer.referrer.referrer.id", str),
        (OrderPlaced, "extra.any.thing", Any),
        (Struct, "line.gift", bool),
        (Model, "customer.tags", Sequence[str]),
        (dict[str, Customer], "x.id", str),
    ],
    ids=str,
)
def test_the_type_at_a_path(cls: Any, path: str, expected: Any) -> None:
    assert path_type(cls, path) == expected


def test_a_path_into_the_items_of_a_list() -> None:
    assert path_type(list[Line], "sku", into_items=True) is str
    with pytest.raises(UnknownPath):
        path_type(list[Line], "sku")


@pytest.mark.parametrize(("path", "step"), [("oder", "oder"), ("customer.name", "name"), ("order_id.x", "x"), ("", "")])
def test_a_path_that_leads_nowhere(path: str, step: str) -> None:
    with pytest.raises(UnknownPath) as caught:
        path_type(OrderPlaced, path)
    assert caught.value.step == step


# ---- filters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where",
    [
        {"order_id": ["a", "b"]},
        {"total": [{"numeric": [">", 100]}]},
        {"total": [{"numeric": [">=", Decimal("1.5"), "<", 3]}, 7]},
        {"customer": {"id": ["c"], "tags": ["vip"]}},
        {"customer": [{"exists": False}]},
        {"customer": {"referrer": {"id": [{"exists": True}]}}},
        {"count": [None, 3]},
        {"note": [{"prefix": "a"}, {"suffix": {"equals-ignore-case": "Z"}}, {"wildcard": "a*z"}, {"equals-ignore-case": "x"}]},
        {"note": [{"anything-but": ["a", "b"]}, {"anything-but": {"prefix": ["a", "b"]}}, {"anything-but": "c"}]},
        {"note": [{"cidr": "10.0.0.0/24"}]},
        {"paid": [True]},
        {"color": ["red"]},
        {"rank": [1]},
        {"kind": ["new"]},
        {"at": [{"prefix": "2026-"}]},
        {"extra": {"any": {"thing": [1]}}},
        {"$or": [{"note": ["a"]}, {"paid": [True], "count": [1]}]},
        {"lines": {"sku": ["x"]}},
    ],
    ids=str,
)
def test_filters(where: dict[str, Any]) -> None:
    assert Trigger(OrderPlaced, where=where).where == where


def test_paths_in_a_filter_are_unfolded() -> None:
    trigger = Trigger(OrderPlaced, where={"customer.id": ["c"], "customer.referrer.id": ["d"], "customer": {"tags": ["vip"]}})
    assert trigger.where == {"customer": {"id": ["c"], "referrer": {"id": ["d"]}, "tags": ["vip"]}}


BAD_FILTERS: list[tuple[Any, str]] = [
    ({}, "is a mapping of fields to lists"),
    ([], "is a mapping"),
    ({"oder_id": ["a"]}, "oder_id: there is no such field; the fields are order_id"),
    ({"customer.name": ["a"]}, "customer.name: there is no such field; the fields are id, tags, referrer"),
    ({"order_id": "a"}, r"order_id: a field is matched by a list of values, not 'a': \['a'\]"),
    ({"order_id": []}, "empty list"),
    ({"customer": {}}, "empty object"),
    ({"order_id": {"x": ["a"]}}, "order_id.x: there is no such field"),
    ({"order_id": [7]}, "7 can never match: the field is string in JSON"),
    ({"order_id": [None]}, "None can never match"),
    ({"total": ["9.50"]}, "can never match: the field is number"),
    ({"total": [True]}, "can never match"),
    ({"color": [1]}, "can never match"),
    ({"paid": [{"prefix": "t"}]}, "can never match: the field is boolean"),
    ({"order_id": [{"numeric": [">", 1]}]}, "can never match"),
    ({"customer": ["c"]}, "can never match: the field is null or object"),
    ({"order_id": [("a",)]}, "values are str, numbers, bool and None"),
    ({"order_id": [{"like": "a"}]}, "there is no operator 'like'; there are anything-but, cidr"),
    ({"order_id": [{"prefix": "a", "suffix": "b"}]}, "one operator at a time"),
    ({"order_id": [{}]}, "one operator at a time"),
    ({"order_id": [{"prefix": 1}]}, "prefix takes a str"),
    ({"order_id": [{"wildcard": "a**"}]}, "wildcard takes"),
    ({"order_id": [{"cidr": "10.0.0.0/99"}]}, "cidr takes"),
    ({"order_id": [{"exists": "yes"}]}, "exists takes True or False"),
    ({"order_id": [{"anything-but": []}]}, "anything-but takes"),
    ({"order_id": [{"anything-but": ["a", 1]}]}, "anything-but takes"),
    ({"order_id": [{"anything-but": {}}]}, "anything-but takes"),
    ({"order_id": [{"anything-but": {"numeric": "x"}}]}, "anything-but takes"),
    ({"total": [{"numeric": [">"]}]}, "numeric takes"),
    ({"total": [{"numeric": ["!", 1]}]}, "numeric takes"),
    ({"total": [{"numeric": [">", "1"]}]}, "numeric takes"),
    ({"total": [{"numeric": [">", 5, "<", 1]}]}, "numeric takes"),
    ({"total": [{"numeric": [">", 6e9]}]}, "numeric takes"),
    ({"total": [{"numeric": [">", True]}]}, "numeric takes"),
    ({"$or": [{"note": ["a"]}]}, "at least two"),
    ({"$or": [{"note": ["a"]}, {"noet": ["a"]}]}, "noet: there is no such field"),
    ({7: ["a"]}, "a field is named by a str"),
]


@pytest.mark.parametrize(
    ("where", "message"),
    BAD_FILTERS,
    ids=str,
)
def test_filters_that_cannot_be(where: Any, message: str) -> None:
    with pytest.raises(DefinitionError, match=message) as caught:
        Trigger(OrderPlaced, where=where)
    assert "Trigger(OrderPlaced, where=)" in str(caught.value)


# ---- crons and the rest ----------------------------------------------------------------------------------------------


def test_a_cron_is_a_trigger_of_ticks() -> None:
    cron = Cron("0  9 * * MON-FRI", tz="Europe/Paris", jitter=timedelta(minutes=5))
    assert (cron.expression, cron.tz, cron.jitter) == ("0 9 * * MON-FRI", "Europe/Paris", timedelta(minutes=5))
    assert cron.event is CronTick
    assert cron.where is None
    assert cron == Cron("0 9 * * MON-FRI", tz="Europe/Paris", jitter=timedelta(minutes=5))


def test_ticks_before_and_after() -> None:
    cron = Cron("0 9 * * MON-FRI", tz="Europe/Paris")
    friday = datetime(2026, 3, 27, 12, tzinfo=UTC)
    assert cron.next_after(friday).isoformat() == "2026-03-30T09:00:00+02:00"
    assert cron.last_before(friday).isoformat() == "2026-03-27T09:00:00+01:00"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("* * * *", "five fields"),
        ("* * * * * *", "five fields"),
        ("@daily", "five fields"),
        ("", "five fields"),
        (7, "five fields"),
        ("61 * * * *", "Bad minute"),
        ("0 0 30 2 *", "Bad day-of-month"),
        ("0 0 * * MONDAY", "Bad day-of-week"),
    ],
)
def test_crons_that_cannot_be(expression: Any, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        Cron(expression)


@pytest.mark.parametrize("tz", ["Mars", "", "../etc", 7, None])
def test_time_zones_that_cannot_be(tz: Any) -> None:
    with pytest.raises(DefinitionError, match="no such time zone; give an IANA name"):
        Cron("0 9 * * *", tz=tz)


@pytest.mark.parametrize("jitter", [timedelta(seconds=-1), timedelta(days=2), 5])
def test_jitter_that_cannot_be(jitter: Any) -> None:
    with pytest.raises(DefinitionError, match=r"Cron\(jitter=\)"):
        Cron("0 9 * * *", jitter=jitter)


def test_a_tick_reads_back() -> None:
    tick = CronTick(scheduled_at=datetime(2026, 1, 1, tzinfo=UTC), previous_at=None)
    assert CRON_TICK.name == "milepost/cron.tick"
    assert CRON_TICK.decode(CRON_TICK.encode(tick)) == tick


def test_a_failure_reads_back() -> None:
    failure = Failure(
        run_id="r",
        function="f",
        status="failed",
        step="charge",
        error=ErrorInfo("shop.CardDeclined", "no funds", step="charge"),
        at=datetime(2026, 1, 1, tzinfo=UTC),
        event={"order_id": "o-1", "total": 9.5},
    )
    event = EventType("f", Failure)
    assert event.decode(event.encode(failure)) == failure


def test_small_values_hold_what_they_were_given() -> None:
    assert EventOf(Line, {"sku": "a", "count": 1}).data["sku"] == "a"
    assert EventOf(Line, {"sku": "a", "count": 1}).event is Line
    wait = WaitFor(OrderPlaced, where=None, order_id="o-1")
    assert (wait.event, wait.where, wait.keys) == (OrderPlaced, None, {"order_id": "o-1"})
    assert CancelOn(OrderPlaced, within=timedelta(days=1)).within == timedelta(days=1)
    assert CancelOn(OrderPlaced, match={"order_id": "order.id"}).match == {"order_id": "order.id"}
    with pytest.raises(DefinitionError, match="within"):
        CancelOn(OrderPlaced, within=timedelta(0))
    assert Matched(0, "a").event == "a"
    assert Won(1, 2).value == 2
    info = EventInfo(id="e", name="shop/order.placed", at=datetime(2026, 1, 1, tzinfo=UTC), source="shop")
    assert info.name == "shop/order.placed"


def test_a_generic_may_be_written_with_its_type() -> None:
    assert Trigger[OrderPlaced](OrderPlaced) == Trigger(OrderPlaced)
    assert CancelOn[OrderPlaced](OrderPlaced) == CancelOn(OrderPlaced)
    assert WaitFor[OrderPlaced](OrderPlaced, count=1) == WaitFor(OrderPlaced, count=1)
    assert EventOf[Customer](Customer, Customer("a")) == EventOf(Customer, Customer("a"))
    assert Matched[int](0, 1) == Matched(0, 1)
    with pytest.raises(FrozenInstanceError):
        Trigger(OrderPlaced).where = {}  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def test_uuid_keys_are_refused_with_their_type() -> None:
    class Keyed(Event):
        id: UUID

    with pytest.raises(DefinitionError, match="UUID"):
        make_event_type("x", Keyed, ("id",))
