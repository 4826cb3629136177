"""Conditions and changes in DynamoDB's expression language. Pure.

Every attribute goes by a placeholder (``#0``), for DynamoDB reserves 573 words, ``status`` and ``now`` among them.
"""

from typing import Any, Final

from milepost.aws.items import Attributes, to_attribute
from milepost.engine.ports import Absent, And, Change, Condition, Equals, LessThan, Or, Present

_NEVER_THERE: Final = "~"


class Names:
    """The placeholders of one request: its attribute names and values."""

    __slots__ = ("_places", "values")

    def __init__(self) -> None:
        self._places: dict[str, str] = {}
        self.values: Attributes = {}

    def name(self, field: str) -> str:
        """The placeholder of an attribute; one per attribute."""
        place = self._places.get(field)
        if place is None:
            place = self._places[field] = f"#{len(self._places)}"
        return place

    def value(self, value: Any) -> str:
        """The placeholder of a value."""
        place = f":{len(self.values)}"
        self.values[place] = to_attribute(value)
        return place

    def into(self, request: dict[str, Any]) -> dict[str, Any]:
        """The request with what its expressions refer to. DynamoDB takes no empty maps."""
        if self._places:
            request["ExpressionAttributeNames"] = {place: field for field, place in self._places.items()}
        if self.values:
            request["ExpressionAttributeValues"] = self.values
        return request


def condition(wanted: Condition, names: Names) -> str:
    """The condition as an expression."""
    match wanted:
        case Absent(field):
            return f"attribute_not_exists({names.name(field)})"
        case Present(field):
            return f"attribute_exists({names.name(field)})"
        case Equals(field, None):
            return f"attribute_type({names.name(field)}, {names.value('NULL')})"
        case Equals(field, value):
            test = f"{names.name(field)} = {names.value(value)}"
            return _of_its_type(field, value, test, names) if value in _ALIKE else test
        case LessThan(field, value):
            return _of_its_type(field, value, f"{names.name(field)} < {names.value(value)}", names)
        case And(conditions):
            return _joined(" AND ", conditions, names) if conditions else _always(names)
        case Or(conditions):
            return _joined(" OR ", conditions, names) if conditions else f"(NOT {_always(names)})"


_ALIKE: Final = (0, 1)
"""True and False as well: in Python they are equal."""


def _of_its_type(field: str, value: Any, test: str, names: Names) -> str:
    """The test, of an attribute of the value's own type. DynamoDB finds a number neither equal to, nor less, nor greater than a string
    or a boolean. Emulators take True for 1, or raise, so it is not left to them.
    """
    (kind,) = to_attribute(value)
    return f"(attribute_type({names.name(field)}, {names.value(kind)}) AND {test})"


def _joined(word: str, conditions: tuple[Condition, ...], names: Names) -> str:
    return f"({word.join([condition(each, names) for each in conditions])})"


def _always(names: Names) -> str:
    pk = names.name("pk")
    return f"(attribute_exists({pk}) OR attribute_not_exists({pk}))"


def on_condition(request: dict[str, Any], only_if: Condition | None) -> dict[str, Any]:
    """The request on its condition; the loser is given what stands there."""
    if only_if is None:
        return request
    names = Names()
    request["ConditionExpression"] = condition(only_if, names)
    request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return names.into(request)


def with_change(request: dict[str, Any], change: Change, only_if: Condition | None) -> dict[str, Any]:
    """The request with its change, on its condition and on the item being there. Raises ValueError for a change that cannot be."""
    change.check()
    names = Names()
    parts: list[str] = []
    if change.set:
        parts.append("SET " + ", ".join([f"{names.name(field)} = {names.value(value)}" for field, value in change.set.items()]))
    if change.remove or not (change.set or change.add):  # a change of nothing: what is not there is removed
        parts.append("REMOVE " + ", ".join([names.name(field) for field in change.remove or (_NEVER_THERE,)]))
    if change.add:
        parts.append("ADD " + ", ".join([f"{names.name(field)} {names.value(amount)}" for field, amount in change.add.items()]))
    request["UpdateExpression"] = " ".join(parts)
    there = f"attribute_exists({names.name('pk')})"
    request["ConditionExpression"] = there if only_if is None else f"{there} AND {condition(only_if, names)}"
    request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return names.into(request)
