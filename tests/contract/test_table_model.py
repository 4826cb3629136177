"""The table port against a model: a dict, with the conditions as ports.py words them."""

from itertools import count
from typing import Any, Final, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milepost.engine.ports import (
    BY_FUNCTION,
    Absent,
    And,
    Change,
    Condition,
    ConditionFailed,
    Delete,
    Equals,
    Item,
    Key,
    LessThan,
    Or,
    Present,
    Put,
    Table,
    TransactionFailed,
    Update,
    Write,
)

Model: TypeAlias = dict[str, Item]
_partitions: Final = count()

NAMES = st.sampled_from(["a", "a#", "a#1", "a\uffff", "a\U00010000", "b", "é"])
FIELDS = st.sampled_from(["x", "y", "z"])
NUMBERS = st.integers(-3, 3)
SCALARS = NUMBERS | st.sampled_from(["", "a", "b"]) | st.booleans() | st.none() | st.floats(-2, 2, width=32)
VALUES = st.recursive(SCALARS | st.binary(max_size=3), lambda inner: st.lists(inner, max_size=2), max_leaves=4)
SHARDS = st.fixed_dictionaries({}, optional={"fn_shard": st.sampled_from(["f", "g"]), "created_at": NUMBERS})


def merged(some: Item, shard: Item) -> Item:
    return {**some, **shard}


ATTRIBUTES: st.SearchStrategy[Item] = st.builds(merged, st.dictionaries(FIELDS, VALUES, max_size=3), SHARDS)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    st.builds(Absent, FIELDS)
    | st.builds(Present, FIELDS)
    | st.just(Absent())
    | st.just(Present())
    | st.builds(Equals, FIELDS, SCALARS)
    | st.builds(LessThan, FIELDS, NUMBERS | st.sampled_from(["a", "b"])),
    lambda inner: st.builds(And, st.tuples(inner, inner)) | st.builds(Or, st.tuples(inner, inner)),
    max_leaves=3,
)
MAYBE = st.none() | CONDITIONS


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def model_holds(condition: Condition | None, item: Item | None) -> bool:
    """ports.py's words, written a second time."""
    if isinstance(condition, And):
        return all(model_holds(each, item) for each in condition.conditions)
    if isinstance(condition, Or):
        return any(model_holds(each, item) for each in condition.conditions)
    if condition is None:
        return True
    is_there = item is not None and condition.field in item
    if isinstance(condition, Absent):
        return not is_there
    if item is None or not is_there:
        return False
    if isinstance(condition, Present):
        return True
    found: Any = item[condition.field]
    value: Any = condition.value
    comparable = (is_number(found) and is_number(value)) or (type(found) is type(value) and isinstance(value, str | bool | None))
    if isinstance(condition, Equals):
        return comparable and bool(found == value)
    return comparable and not isinstance(value, bool) and value is not None and bool(found < value)


def model_changed(item: Item, change: Change) -> Item:
    new = {name: value for name, value in {**item, **change.set}.items() if name not in change.remove}
    return new | {name: item.get(name, 0) + amount for name, amount in change.add.items()}


@st.composite
def writes(draw: st.DrawFn, pk: str) -> Write:
    key = Key(pk, draw(NAMES))
    match draw(st.sampled_from(["put", "update", "delete"])):
        case "put":
            return Put({"pk": key.pk, "sk": key.sk, **draw(ATTRIBUTES)}, draw(MAYBE))
        case "update":
            removed = tuple(draw(st.sets(FIELDS, max_size=1)))
            setting = {name: value for name, value in draw(ATTRIBUTES).items() if name not in removed}
            return Update(key, Change(set=setting, remove=removed, add=draw(st.dictionaries(st.just("n"), NUMBERS))), draw(MAYBE))
        case _:
            return Delete(key, draw(MAYBE))


def model_write(model: Model, write: Write) -> bool:
    item = model.get(write.key.sk)
    if not model_holds(write.only_if, item):
        return False
    match write:
        case Put(new):
            model[write.key.sk] = new
        case Update(change=change):
            if item is None:
                return False
            model[write.key.sk] = model_changed(item, change)
        case Delete():
            model.pop(write.key.sk, None)
    return True


def write_one(table: Table, write: Write) -> Item | None:
    match write:
        case Put(item, only_if):
            table.put(item, only_if)
        case Update(key, change, only_if):
            return table.update(key, change, only_if)
        case Delete(key, only_if):
            table.delete(key, only_if)
    return None


def check_one(table: Table, model: Model, write: Write) -> None:
    before = model.get(write.key.sk)
    if model_write(model, write):
        returned = write_one(table, write)
        assert returned == (model[write.key.sk] if isinstance(write, Update) else None)
    else:
        with pytest.raises(ConditionFailed) as failed:
            write_one(table, write)
        assert (failed.value.key, failed.value.item) == (write.key, before)


def check_together(table: Table, model: Model, together: list[Write]) -> None:
    before = {write.key.sk: model.get(write.key.sk) for write in together}
    expected = [model_write(model, write) for write in together]
    outcome = table.write_many(together)
    assert [failure is None for failure in outcome] == expected
    assert all(failure is None or failure.item == before[failure.key.sk] for failure in outcome)


def check_transaction(table: Table, model: Model, together: list[Write]) -> None:
    after = dict(model)
    expected = [model_write(after, write) for write in together]
    if all(expected):
        table.transact(together)
        model.clear()
        model.update(after)
    else:
        with pytest.raises(TransactionFailed) as failed:
            table.transact(together)
        assert [failure is None for failure in failed.value.failures] == expected


def check_all(table: Table, model: Model, pk: str) -> None:
    ordered = [model[sk] for sk in sorted(model, key=str.encode)]
    assert table.query(pk).items == ordered
    assert table.query(pk, backwards=True, limit=3).items == ordered[::-1][:3]
    assert table.query(pk, "a#").items == [item for item in ordered if item["sk"].startswith("a#")]
    for shard in ("f", "g"):
        indexed = [item for item in ordered if item.get("fn_shard") == shard and "created_at" in item]
        stood = [item for item in table.query_index(BY_FUNCTION, shard).items if item["pk"] == pk]
        assert sorted(item["sk"] for item in stood) == sorted(item["sk"] for item in indexed)
        assert [item["created_at"] for item in stood] == sorted(item["created_at"] for item in indexed)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_any_history_of_writes_leaves_what_the_model_has(table: Table, data: st.DataObject) -> None:
    pk = f"p{next(_partitions)}"
    model: Model = {}
    for _ in range(data.draw(st.integers(1, 12), "operations")):
        match data.draw(st.sampled_from(["one", "one", "together", "transaction"])):
            case "one":
                check_one(table, model, data.draw(writes(pk)))
            case "together":
                check_together(table, model, data.draw(st.lists(writes(pk), max_size=4, unique_by=lambda write: write.key)))
            case _:
                check_transaction(table, model, data.draw(st.lists(writes(pk), max_size=4, unique_by=lambda write: write.key)))
    check_all(table, model, pk)
    for item in list(model.values()):  # the indexes are shared by all examples
        table.delete(Key(pk, item["sk"]))
