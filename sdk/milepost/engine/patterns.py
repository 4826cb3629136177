"""EventBridge's event patterns: which events a rule takes.

Pure: no ports. Owns the structure of patterns; what one element of a leaf means is in matchers.py. A pattern is an object
like the event. Its fields must all be met. A leaf is a list of which one element must be met by one of the field's values:
of an array every element is a value. Where arrays hold objects, all that a pattern asks below the array must be met by
*one* of them. ``$or`` holds a list of objects of which one must be met, beside the other fields.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, TypeAlias

import msgspec

from milepost.engine.matchers import Matcher, PatternError, is_list, is_object, matcher

ALTERNATIVES_LIMIT: Final = 1_000
"""Combinations that the $or of one pattern may span: EventBridge's limit (user guide, "$or", read 2026-11-22)."""

_MISSING: Final = object()
_Path: TypeAlias = tuple[str, ...]
_Leaves: TypeAlias = dict[_Path, list[tuple[Matcher, ...]]]
"""What one alternative of a pattern, with its $or resolved, asks of each leaf: one of each group."""

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
        self._alternatives = [_tree(leaves) for leaves in _alternatives(pattern, ())]

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether the pattern takes the event."""
        return any(_meets(alternative, event, _Presence(event)) for alternative in self._alternatives)


@lru_cache(maxsize=2_048)
def _compiled(pattern: bytes) -> Pattern:
    return Pattern(parse_json(pattern))


# ---- matching --------------------------------------------------------------------------------------------------------


class _Node:
    """What an alternative asks at one path: of the value there, and below."""

    __slots__ = ("fields", "groups", "path")

    def __init__(self, path: _Path) -> None:
        self.path = path
        self.fields: dict[str, _Node] = {}
        self.groups: list[tuple[Matcher, ...]] = []


class _Presence:
    """Which leaves an event has anywhere, found out when first asked: ``exists: false`` looks at all elements of an array."""

    __slots__ = ("_event", "_leaves")

    def __init__(self, event: Mapping[str, Any]) -> None:
        self._event = event
        self._leaves: frozenset[_Path] | None = None

    def has(self, path: _Path) -> bool:
        if self._leaves is None:
            self._leaves = frozenset(_leaf_paths(self._event, ()))
        return path in self._leaves


def _tree(leaves: _Leaves) -> _Node:
    root = _Node(())
    for path, groups in leaves.items():
        node = root
        for depth, name in enumerate(path, start=1):
            node = node.fields.setdefault(name, _Node(path[:depth]))
        node.groups.extend(groups)
    return root


def _meets(node: _Node, value: Any, presence: _Presence) -> bool:
    """Whether one value, not an array, meets what is asked at a path and below."""
    return all(any(_is_met(each, value, node.path, presence) for each in group) for group in node.groups) and all(
        any(_meets(child, candidate, presence) for candidate in _values(value, name)) for name, child in node.fields.items()
    )


def _is_met(asked: Matcher, value: Any, path: _Path, presence: _Presence) -> bool:
    if asked.wants_absent:
        return not presence.has(path)
    return value is not _MISSING and not is_object(value) and asked.test(value)


def _values(parent: Any, name: str) -> Iterator[Any]:
    """The values of a field: those of an array one by one, a sign for none at all."""
    found = parent.get(name, _MISSING) if is_object(parent) else _MISSING
    values = iter(_flat(found))
    yield next(values, _MISSING)
    yield from values


def _flat(value: Any) -> Iterator[Any]:
    if is_list(value):
        for element in value:
            yield from _flat(element)
    else:
        yield value


def _leaf_paths(value: Any, path: _Path) -> Iterator[_Path]:
    for each in _flat(value):
        if is_object(each):
            for name, below in each.items():
                yield from _leaf_paths(below, (*path, name))
        else:
            yield path


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
            added = [{(*path, name): [tuple(matcher(element) for element in below)]}]
        choices = [_both(one, another) for one in choices for another in added]
    return choices


def _both(one: _Leaves, another: _Leaves) -> _Leaves:
    return {path: [*one.get(path, ()), *another.get(path, ())] for path in {**one, **another}}


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


def _check(pattern: Any, path: _Path, problems: list[str]) -> None:
    if not is_object(pattern):
        problems.append(f"{_spelt(path)}: a pattern is an object, not {pattern!r}")
    elif not pattern:
        problems.append(f"{_spelt(path)}: an empty object matches nothing: name a field, or leave it out")
    else:
        for name, below in pattern.items():
            if name == "$or":
                _check_or(below, path, problems)
            elif is_object(below):
                _check(below, (*path, name), problems)
            else:
                _check_leaf(below, (*path, name), problems)


def _check_or(branches: Any, path: _Path, problems: list[str]) -> None:
    if not _is_or("$or", branches):
        problems.append(f"{_spelt((*path, '$or'))}: takes a list of at least two objects, not {branches!r}")
        return
    for branch in branches:
        _check(branch, path, problems)


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
