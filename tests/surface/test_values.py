"""The codec: every supported kind reads back as it was, everything else is refused when it is stored."""

import enum
import typing
import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Generic, Literal, NamedTuple, NewType, NotRequired, TypedDict, TypeVar

import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.codec import NATIVE, Codec, encode
from milepost.errors import CodecError, ValueNotStorable
from milepost.narrowing import is_dict, is_sequence


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Tone(enum.StrEnum):
    WARM = "warm"


class Fraction(enum.Enum):
    HALF = 0.5


@dataclass(frozen=True)
class Line:
    sku: str
    price: Decimal
    count: int = 1


@dataclass
class Order:
    id: uuid.UUID
    lines: list[Line]
    placed: datetime
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    tags: Sequence[str] = ()
    color: Color | None = None


@dataclass(frozen=True)
class Special(Line):
    gift: bool = True


@dataclass(eq=False)
class Unequal:
    x: int


class Payment(msgspec.Struct, frozen=True):
    id: str
    amount: Decimal
    at: datetime | None = None


class Card(msgspec.Struct, tag=True):
    number: str


class Cash(msgspec.Struct, tag=True):
    currency: str


class Address(TypedDict):
    street: str
    floor: NotRequired[int]


class Point(NamedTuple):
    x: int
    y: float


class Item(pydantic.BaseModel):
    sku: str
    price: Decimal
    discount: Decimal | None = None
    weight: float = 0.0
    extra: Any = None


class Basket(pydantic.BaseModel):
    items: list[Item]
    by_day: dict[date, Decimal] = {}
    pair: tuple[Decimal, str] | None = None
    alias: int = pydantic.Field(default=0, alias="theAlias")


T = TypeVar("T")


@dataclass(frozen=True)
class Box(Generic[T]):
    content: T


UserId = NewType("UserId", str)

finite = st.floats(allow_nan=False, allow_infinity=False)
decimals = st.decimals(allow_nan=False, allow_infinity=False).filter(lambda d: not (d.is_zero() and d.is_signed()))
texts = st.text(st.characters(exclude_categories=["Cs"]))
zones: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.just(UTC), st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes)))
)
moments = st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 28), timezones=zones)
lines = st.builds(Line, texts, decimals, st.integers())
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)

KINDS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (type(None), st.none()),
    (bool, st.booleans()),
    (int, st.integers()),
    (float, finite),
    (str, texts),
    (bytes, st.binary()),
    (Decimal, decimals),
    (uuid.UUID, st.uuids()),
    (datetime, moments),
    (date, st.dates()),
    (time, st.times()),
    (timedelta, st.timedeltas()),
    (Color, st.sampled_from(Color)),
    (Level, st.sampled_from(Level)),
    (Tone, st.sampled_from(Tone)),
    (UserId, texts),
    (Literal["a", 1], st.sampled_from(["a", 1])),
    (int | None, st.none() | st.integers()),
    (int | str, st.integers() | texts),
    (list[Decimal], st.lists(decimals)),
    (set[date], st.sets(st.dates())),
    (frozenset[str], st.frozensets(texts)),
    (tuple[int, ...], st.lists(st.integers()).map(tuple)),
    (tuple[int, str], st.tuples(st.integers(), texts)),
    (dict[str, timedelta], st.dictionaries(texts, st.timedeltas())),
    (dict[uuid.UUID, int], st.dictionaries(st.uuids(), st.integers())),
    (dict[date, Line], st.dictionaries(st.dates(), lines)),
    (dict[int, str], st.dictionaries(st.integers(), texts)),
    (dict[Color, int], st.dictionaries(st.sampled_from(Color), st.integers())),
    (dict[str, Any], st.dictionaries(texts, json_values)),
    (dict[str, object], st.dictionaries(texts, json_values)),
    (Line, lines),
    (
        Order,
        st.builds(
            Order, st.uuids(), st.lists(lines), moments, st.dictionaries(texts, texts), st.lists(texts), st.none() | st.sampled_from(Color)
        ),
    ),
    (Payment, st.builds(Payment, texts, decimals, st.none() | moments)),
    (Card | Cash, st.builds(Card, texts) | st.builds(Cash, texts)),
    (Address, st.fixed_dictionaries({"street": texts}, optional={"floor": st.integers()})),
    (Point, st.builds(Point, st.integers(), finite)),
    (Box[Decimal], st.builds(Box, decimals)),
    (list[Box[int]], st.lists(st.builds(Box, st.integers()))),
    (Item, st.builds(Item, sku=texts, price=decimals, discount=st.none() | decimals, weight=finite, extra=json_values)),
    (
        Basket,
        st.builds(
            Basket,
            items=st.lists(st.builds(Item, sku=texts, price=decimals), max_size=3),
            by_day=st.dictionaries(st.dates(), decimals, max_size=3),
            pair=st.none() | st.tuples(decimals, texts),
            theAlias=st.integers(-(2**60), 2**60),
        ),
    ),
    (list[Item], st.lists(st.builds(Item, sku=texts, price=decimals), max_size=3)),
    (Item | None, st.none() | st.builds(Item, sku=texts, price=decimals)),
]


def names(value: object) -> str:
    if isinstance(value, st.SearchStrategy):
        return ""
    return getattr(value, "__name__", "") or (
        value[:30] if isinstance(value, str) else str(value)[:60] if typing.get_origin(value) else type(value).__name__
    )


def exact(value: Any) -> Any:
    """With the exponents of Decimals, which == does not see."""
    if isinstance(value, Decimal):
        return value.as_tuple()
    if isinstance(value, pydantic.BaseModel):
        return {name: exact(part) for name, part in value.__dict__.items()}
    if is_sequence(value):
        return [exact(part) for part in value]
    if is_dict(value):
        return {key: exact(part) for key, part in value.items()}
    if isinstance(value, Line):
        return [value.sku, exact(value.price), value.count]
    return value


@pytest.mark.parametrize(("kind", "values"), KINDS, ids=names)
def test_every_supported_kind_reads_back_exactly(kind: Any, values: st.SearchStrategy[Any]) -> None:
    codec = Codec.of(kind)

    @settings(max_examples=30)
    @given(values)
    def check(value: Any) -> None:
        raw, again = codec.round_trip(value, "w")
        assert again == value
        assert exact(again) == exact(value)
        assert codec.decode(raw, "w") == value
        assert codec.encode(again, "w") == raw or isinstance(value, set | frozenset)
        msgspec.json.decode(raw)

    check()


@given(json_values)
def test_native_values_need_no_annotation(value: Any) -> None:
    raw, again = NATIVE.round_trip(value, "w")
    assert again == value
    assert NATIVE.decode(raw, "w") == value


def test_a_native_value_is_copied() -> None:
    value = {"a": [1]}
    assert NATIVE.round_trip(value, "w")[1]["a"] is not value["a"]


NOT_NATIVE: list[tuple[Any, str]] = [
    ((1, 2), r"found \(1, 2\) \(tuple\)"),
    ({1}, "set"),
    (Decimal("1.5"), "Decimal"),
    (date(2026, 1, 1), "date"),
    (b"x", "bytes"),
    (Tone.WARM, "Tone"),
    (Level.LOW, "Level"),
    ({"a": [{"b": (1,)}]}, r"a\[0\]\.b: found \(1,\)"),
    ({1: 2}, r"the key 1 \(int\)"),
    ({"a": {None: 1}}, "a: found the key null"),
    (OrderedDict(a=1), "OrderedDict"),
    (Line("a", Decimal(1)), "Line"),
    (float("nan"), "not finite"),
    ([1.0, float("inf")], r"\[1\]: found inf"),
    (object(), "object"),
    (print, "built-in function print"),
]


@pytest.mark.parametrize(
    ("value", "message"),
    NOT_NATIVE,
    ids=names,
)
def test_anything_else_asks_for_an_annotation(value: Any, message: str) -> None:
    with pytest.raises(ValueNotStorable, match=message) as caught:
        NATIVE.round_trip(value, "the result of step 'charge'")
    assert "the result of step 'charge'" in str(caught.value)
    assert "annotate the step function: `def f(...) -> <Type>`" in str(caught.value)


def in_itself() -> list[Any]:
    value: list[Any] = []
    value.append({"a": value})
    return value


def deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


STORES: list[Callable[[Any], Any]] = [
    lambda value: NATIVE.round_trip(value, "w"),
    lambda value: Codec.of(list[Any]).round_trip(value, "w"),
    lambda value: encode(value, "w"),
]


@pytest.mark.parametrize(
    "store",
    STORES,
)
def test_a_value_within_itself_or_too_deep(store: Callable[[Any], Any]) -> None:
    for value in (in_itself(), deep()):
        with pytest.raises(ValueNotStorable, match=r"itself|too deeply"):
            store(value)


@pytest.mark.parametrize("kind", [None, str, list[str]])
def test_lone_surrogates_are_refused(kind: Any) -> None:
    codec = NATIVE if kind is None else Codec.of(kind)
    with pytest.raises(ValueNotStorable, match="surrogate"):
        codec.round_trip(["a\ud800"] if kind == list[str] else "a\ud800", "w")


MISFITS: list[tuple[Any, Any, str]] = [
    (int, "7", r"expected int, found '7' \(str\)"),
    (int, True, "found True"),
    (int, None, "found null"),
    (str, 7, "found 7"),
    (str, date(2026, 1, 1), r"found datetime.date\(2026, 1, 1\) \(date\), which would read back as str"),
    (str, Decimal(1), "expected str"),
    (float, Decimal("1.5"), "read back as float"),
    (list[float], [Decimal("1.5")], r"\[0\]: found Decimal\('1.5'\) \(Decimal\), which would read back as float"),
    (Line, Line("a", 1.5), "price: found 1.5"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (dict[str, Any], {"a": Decimal("1.5")}, "a: found Decimal"),
    (Item, Item.model_construct(sku="a", price=1.5), "price: found 1.5"),
    (Decimal, 1.5, "read back as Decimal"),
    (Decimal, Decimal("NaN"), "not finite"),
    (float, float("nan"), "not finite"),
    (float | None, float("nan"), "not finite"),
    (float | None, float("-inf"), "not finite"),
    (datetime, "2026-01-01T00:00:00", "read back as datetime"),
    (datetime, date(2026, 1, 1), "date"),
    (datetime, datetime(1900, 1, 1, tzinfo=timezone(timedelta(seconds=561))), "would read back as"),
    (bytes, "YQ==", "would read back as"),
    (bool, 1, "expected bool"),
    (None, 7, "expected null"),
    (Line, {"sku": "a", "price": Decimal(1)}, "would read back as Line"),
    (Line, Line("a", "1.5"), "price"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (Line, Line(7, Decimal(1)), r"sku: expected str, found 7 \(int\)"),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (Line, Special("a", Decimal(1)), "would read back as Line"),
    (Line, None, "Line"),
    (list[Line], [Line("a", Decimal(1)), "x"], r"\[1\]: expected object, found 'x'"),
    (Sequence[str], {"a"}, "read back as list"),
    (set[int], [1], "read back as set"),
    (tuple[int, str], (1,), "length 2"),
    (dict[str, int], {1: 2}, "key 1"),
    (dict[str, Any], {"a": date(2026, 1, 1)}, "a: found .*read back as str"),
    (dict[str, object], {"a": {"b": Decimal(1)}}, r"a\.b: found Decimal"),
    (dict[str, Any], {"a": {1: 2}}, "a: the key 1"),
    (list[Any], [{1, 2}], r"\[0\]: found"),
    (Color, "red", "read back as Color"),
    (Literal["a"], "b", "invalid enum value"),
    (Card | Cash, Payment("a", Decimal(1)), "type"),
    (Address, {"floor": 3}, "street: is missing"),
    (Address, {"street": "a", "flor": 3}, "'flor'"),
    (Item, Payment("a", Decimal(1)), "sku"),
    (Payment, object(), "object"),
    (list[int], iter([1]), "list_iterator"),
]


@pytest.mark.parametrize(("kind", "value", "message"), MISFITS, ids=names)
def test_a_value_that_does_not_fit_its_annotation(kind: Any, value: Any, message: str) -> None:
    with pytest.raises(ValueNotStorable, match=message) as caught:
        Codec.of(kind).round_trip(value, "the result of step 'charge'")
    assert str(caught.value).startswith("the result of step 'charge' ")


def test_the_annotation_is_named() -> None:
    with pytest.raises(ValueNotStorable, match=r"does not fit its annotation list\[int\]: \[0\]: expected int, found 'a' \(str\)"):
        Codec.of(list[int]).round_trip(["a"], "w")


LOOSER: list[tuple[Any, Any]] = [
    (Sequence[str], ("a", "b")),
    (float, 3),
    (list[float], [1, 2]),
    (Mapping[str, int], OrderedDict(a=1)),
    (dict[str, int], defaultdict(int, a=1)),
    (str, Tone.WARM),
    (bytes, bytearray(b"x")),
    (Unequal, Unequal(3)),
    (set[int], frozenset({1})),
    (Order, Order(uuid.uuid4(), [], datetime.now(UTC), OrderedDict(), ("a",))),
]


@pytest.mark.parametrize(
    ("kind", "value"),
    LOOSER,
    ids=names,
)
def test_what_the_annotation_asked_for_may_change_its_container(kind: Any, value: Any) -> None:
    raw, again = Codec.of(kind).round_trip(value, "w")
    assert Codec.of(kind).encode(again, "w") == Codec.of(kind).encode(Codec.of(kind).decode(raw, "w"), "w")


@pytest.mark.parametrize(
    ("kind", "raw", "message"),
    [
        (Line, '{"sku": "a"}', "price: is missing"),
        (Line, '{"sku": 7, "price": 1}', r"sku: expected str, found 7 \(int\)"),
        (list[Line], '[{"sku": "a", "price": "x"}]', r"\[0\]\.price: invalid decimal"),
        (Order, b'{"id": "x"}', "id: invalid UUID"),
        (dict[str, int], '{"a": "b"}', "expected int"),
        (dict[int, int], '{"a": 1}', "expected int"),
        (Line, "[1]", r"expected object, found \[1\] \(list\)"),
        (Line, "{", "truncated"),
        (Line, b"\xff", "malformed"),
        (int, "null", "expected int, found null"),
        (Item, '{"sku": "a", "price": "x"}', "price: Input should be a valid decimal"),
        (list[Item], '[{"sku": "a"}]', r"\[0\]: price: Field required"),
        (list[list[Any]], "[" * 100_000, "recursion"),
    ],
    ids=names,
)
def test_decoding_says_which_field_and_what_was_found(kind: Any, raw: bytes | str, message: str) -> None:
    with pytest.raises(CodecError, match=message) as caught:
        Codec.of(kind).decode(raw, "the result of step 'charge'")
    assert str(caught.value).startswith("the result of step 'charge' is not ")
    assert caught.value.problem in str(caught.value)


def test_decimals_are_json_numbers() -> None:
    assert Codec.of(Line).encode(Line("a", Decimal("9.50")), "w") == b'{"sku":"a","price":9.50,"count":1}'
    assert b'"price":9.50' in Codec.of(Item).encode(Item(sku="a", price=Decimal("9.50")), "w")


@pytest.mark.parametrize(
    "kind",
    [
        complex,
        Iterator[int],
        Callable[[], int],
        datetime | str,
        Line | Payment,
        dict[Decimal, int],
        dict[float, int],
        dict[tuple[int, int], int],
        Fraction,
        msgspec.Raw,
        type[int],
        "Nowhere",
    ],
    ids=names,
)
def test_an_annotation_that_cannot_be_stored(kind: Any) -> None:
    with pytest.raises(CodecError, match="cannot be stored"):
        Codec.of(kind)


@pytest.mark.parametrize("kind", [Any, object, T])
def test_an_annotation_that_says_nothing_is_native(kind: Any) -> None:
    assert Codec.of(kind) is NATIVE


def test_codecs_are_cached() -> None:
    assert Codec.of(list[Line]) is Codec.of(list[Line])
    assert Codec.of(int | None) is Codec.of(int | None)


@pytest.mark.parametrize(
    "value",
    [
        Line("a", Decimal("9.50")),
        {"a": {1, 2}},
        [uuid.uuid4()],
        {date(2026, 1, 1): Color.RED},
        None,
        (1, "a"),
        Item(sku="a", price=Decimal(1)),
    ],
)
def test_encode_takes_every_supported_kind(value: Any) -> None:
    msgspec.json.decode(encode(value, "w"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "nan"),
        ({"a": [float("-inf")]}, r"a\[0\]"),
        (Decimal("Infinity"), "Infinity"),
        (Line("a", Decimal("sNaN")), "price"),
        ({float("nan"): 1}, "key nan"),
        ({Decimal(1): 1}, "key Decimal"),
        ({None: 1}, "key null"),
        ([object()], r"\[0\]: found <object"),
        (10**5000, "digits"),
        (Line, "type"),
    ],
    ids=names,
)
def test_encode_refuses(value: Any, message: str) -> None:
    with pytest.raises(ValueNotStorable, match=message) as caught:
        encode(value, "the input")
    assert str(caught.value).startswith("the input cannot be stored: ")
