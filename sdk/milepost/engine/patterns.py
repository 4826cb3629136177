"""EventBridge's event patterns: which events a rule takes.

Pure: no ports. Owns the structure of patterns; what one element of a leaf means is in matchers.py. A pattern is an object
like the event. Its fields must all be met. A leaf is a list of which one element must be met by one of the field's values:
of an array every element is a value. Where arrays hold objects, all that a pattern asks below the array must be met by
*one* of them. ``$or`` holds a list of objects of which one must be met, beside the other fields; of a field that is asked for both
beside it and inside, what stands later in the pattern counts alone.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import chain
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from milepost.engine.matchers import OPERATORS, Matcher, PatternError, is_list, is_object, matcher

ALTERNATIVES_LIMIT: Final = 1_000
"""Combinations that the $or of one pattern may span: EventBridge's limit (user guide, "$or", read 2026-11-22)."""

_Path: TypeAlias = tuple[str, ...]
_Leaves: TypeAlias = dict[_Path, tuple[Matcher, ...]]
"""What one alternative of a pattern, with its $or resolved, asks of each leaf: one of these."""
_Place: TypeAlias = tuple[tuple[int, int], ...]
"""In which element of which arrays, the outermost first."""
_Chosen: TypeAlias = dict[int, int]
"""By array: the element in which everything is asked for."""


class _Found(NamedTuple):
    value: Any
    at: _Place


_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode_untyped = msgspec.json.Decoder(float_hook=Decimal).decode


def parse_json(raw: str | bytes) -> Any:
    """JSON with every number exact: int or Decimal. Raises ValueError."""
    try:
        return _decode_untyped(raw)
    except InvalidOperation as error:
        raise ValueError("a number is out of all range") from error


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether a rule with this pattern takes the event, of which `parse_json` made the numbers. Raises PatternError."""
    return _compiled(_encode(pattern)).matches(event)


def validate(pattern: Any) -> list[str]:
    """What is wrong with a pattern, each with the path of the field; empty when EventBridge would accept it."""
    problems: list[str] = []
    _check(pattern, (), problems)
    if not problems and _count(pattern) > ALTERNATIVES_LIMIT:
        problems.append(f"$or: {_count(pattern):,} combinations, at most {ALTERNATIVES_LIMIT:,}: make it two triggers")
    return problems


class Pattern:
    """A pattern, ready to be matched against many events. Raises PatternError with all that is wrong with it."""

    def __init__(self, pattern: Mapping[str, Any]) -> None:
        problems = validate(pattern)
        if problems:
            raise PatternError("; ".join(problems))
        self._alternatives = [sorted(leaves.items(), key=lambda leaf: ".".join(leaf[0])) for leaves in _alternatives(pattern, ())]

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether the pattern takes the event."""
        return any(_takes(alternative, event) for alternative in self._alternatives)


@lru_cache(maxsize=2_048)
def _compiled(pattern: bytes) -> Pattern:
    return Pattern(parse_json(pattern))


# ---- matching --------------------------------------------------------------------------------------------------------


def _found(value: Any, path: _Path, at: _Place = ()) -> Iterator[_Found]:
    """The values of a leaf, each with the elements that it is in: of an array of values any will do."""
    if is_list(value):
        for index, element in enumerate(value):
            is_place = is_list(element) or is_object(element)
            yield from _found(element, path, (*at, (id(value), index)) if is_place else at)
    elif is_object(value):
        if path and path[0] in value:
            yield from _found(value[path[0]], path[1:], at)
    elif not path:
        yield _Found(value, at)


def _takes(leaves: Sequence[tuple[_Path, tuple[Matcher, ...]]], event: Mapping[str, Any]) -> bool:
    """Whether one element of each array can be chosen in which all leaves are met. They are asked in the order of their paths, and an
    absence only of the elements that those before it have chosen: so EventBridge's own engine does it.
    """
    choices: Iterable[_Chosen] = [{}]
    for path, asked in leaves:
        choices = _narrowed(choices, list(_found(event, path)), asked)
        if not choices:
            return False
    return True


def _narrowed(choices: Iterable[_Chosen], found: Sequence[_Found], asked: tuple[Matcher, ...]) -> Collection[_Chosen]:
    """The choices in which a leaf is met, with what it adds to each."""
    places = {one.at for one in found if any(each.test(one.value) for each in asked)}
    may_be_absent = any(each.wants_absent for each in asked)
    if not may_be_absent and not any(places):
        return list(choices) if places else ()
    met = _Places(places)
    there = _Places({one.at for one in found} if may_be_absent else ())
    narrowed: dict[frozenset[tuple[int, int]], _Chosen] = {}
    for chosen in choices:
        for at in met.beside(chosen):
            added = chosen | dict(at)
            narrowed[frozenset(added.items())] = added
        if may_be_absent and next(there.beside(chosen), None) is None:
            narrowed[frozenset(chosen.items())] = chosen
    return narrowed.values()


class _Places:
    """Places, by the element of the outermost array that each is in."""

    __slots__ = ("_by_array", "_outside")

    def __init__(self, places: Iterable[_Place]) -> None:
        self._outside: list[_Place] = []
        self._by_array: dict[int, dict[int, list[_Place]]] = {}
        for at in places:
            if at:
                array, index = at[0]
                self._by_array.setdefault(array, {}).setdefault(index, []).append(at)
            else:
                self._outside.append(at)

    def beside(self, chosen: _Chosen) -> Iterator[_Place]:
        """Those that are in no other element of an array than the one that was chosen."""
        yield from self._outside
        for array, by_index in self._by_array.items():
            near = [by_index.get(chosen[array], [])] if array in chosen else by_index.values()
            for at in chain.from_iterable(near):
                if all(chosen.get(inner, index) == index for inner, index in at):
                    yield at


# ---- $or, resolved ---------------------------------------------------------------------------------------------------


def _alternatives(pattern: Mapping[str, Any], path: _Path) -> list[_Leaves]:
    """The pattern as a choice of patterns without $or: arrays are matched consistently across an $or and its neighbours."""
    choices: list[_Leaves] = [{}]
    for name, below in pattern.items():
        if _is_or(name, below):
            added = [leaves for branch in below for leaves in _alternatives(branch, path)]
        elif is_object(below):
            added = _alternatives(below, (*path, name))
        else:
            added = [{(*path, name): tuple(matcher(element) for element in below)}]
        choices = [{**one, **another} for one in choices for another in added]
    return choices


def _is_or(name: str, below: Any) -> bool:
    """Else ``$or`` is a field like any other, as EventBridge has it."""
    return name == "$or" and is_list(below) and len(below) > 1 and all(is_object(branch) for branch in below)


def _count(pattern: Mapping[str, Any]) -> int:
    number = 1
    for name, below in pattern.items():
        if _is_or(name, below):
            number *= sum(_count(branch) for branch in below)
        elif is_object(below):
            number *= _count(below)
    return number


# ---- what is wrong ---------------------------------------------------------------------------------------------------


def _check(pattern: Any, path: _Path, problems: list[str], *, in_or: bool = False) -> None:
    if not is_object(pattern):
        problems.append(f"{_spelt(path)}: a pattern is an object, not {pattern!r}")
    elif not pattern:
        problems.append(f"{_spelt(path)}: an empty object matches nothing: name a field, or leave it out")
    else:
        for name, below in pattern.items():
            if name == "$or":
                _check_or(below, path, problems)
            elif in_or and name in OPERATORS:
                problems.append(f"{_spelt((*path, name))}: a field inside $or cannot be called like an operator: make it two triggers")
            elif is_object(below):
                _check(below, (*path, name), problems, in_or=in_or)
            else:
                _check_leaf(below, (*path, name), problems)


def _check_or(branches: Any, path: _Path, problems: list[str]) -> None:
    if not _is_or("$or", branches):
        problems.append(f"{_spelt((*path, '$or'))}: takes a list of at least two objects, not {branches!r}")
        return
    for branch in branches:
        _check(branch, path, problems, in_or=True)


def _check_leaf(elements: Any, path: _Path, problems: list[str]) -> None:
    if not is_list(elements):
        problems.append(f"{_spelt(path)}: the value stands in a list: [{elements!r}]")
    elif not elements:
        problems.append(f"{_spelt(path)}: an empty list matches nothing")
    else:
        for element in elements:
            try:
                matcher(element)
            except PatternError as error:
                problems.append(f"{_spelt(path)}: {error}")


def _spelt(path: Sequence[str]) -> str:
    return ".".join(map(str, path)) or "pattern"
