"""A write whose answer was lost may have been done. What makes it safe to ask again, and how it is known as one's own. Pure.

    put     again writes the same item. On a condition: when it now fails, and what stands there is what we wrote, it was ours.
    delete  again deletes nothing. On a condition: when it now fails and nothing stands there, what was wanted is so.
    update  again sets the same. On a condition: when it now fails, and what stands there has every attribute as the change leaves
            it, and fulfils the part of the condition that the change does not touch (`epoch = mine`), it was ours.
            With `add` it would count twice, unless the condition is spent: cannot hold once the change is made. The engine's are:
              acquire  lease free        sets the lease        -> spent
              bump     inbox = seen      adds 1 to the inbox   -> spent
            Of an addition on any other condition nobody can know, so it is not asked again.

What was written over in the meantime is not recognised: the loser is then given the item that stands, as if it had come too late.
"""

from collections.abc import Mapping
from typing import Any

from milepost.aws.items import from_attributes, to_attributes
from milepost.engine.ports import Absent, And, Change, Condition, Delete, Equals, Item, LessThan, Or, Present, Put, Update, Write


def may_be_asked_again(write: Write) -> bool:
    """Whether doing the write twice is the same as doing it once, or the second is sure to fail."""
    if not isinstance(write, Update) or not any(write.change.add.values()):
        return True
    return write.only_if is not None and is_spent(write.only_if, write.change)


def is_ours(write: Write, standing: Item | None) -> bool:
    """Whether what stands there, when an earlier try's answer was lost and a later one's condition failed, is what we wrote."""
    match write:
        case Put(item):
            return standing == from_attributes(to_attributes(item))
        case Delete():
            return standing is None
        case Update(change=change, only_if=only_if):
            return standing is not None and _is_as_left(standing, change) and _holds_untouched(only_if, change, standing)


def is_spent(condition: Condition, change: Change) -> bool:
    """Whether the condition cannot hold any more once the change is made where it held."""
    match condition:
        case And(conditions):
            return any(is_spent(each, change) for each in conditions)
        case Or(conditions):
            return bool(conditions) and all(is_spent(each, change) for each in conditions)
        case Absent(field):
            return field in change.set or field in change.add
        case Present(field):
            return field in change.remove
        case Equals(field, value):
            return field in change.remove or bool(change.add.get(field)) or (field in change.set and change.set[field] != value)
        case LessThan(field, value):
            return field in change.remove or (field in change.set and not _is_less(change.set[field], value))


def _is_as_left(standing: Item, change: Change) -> bool:
    if not change.set:
        return False  # by a removal or a number alone nothing is recognised
    wanted = from_attributes(to_attributes(change.set))
    return all(name in standing and standing[name] == value for name, value in wanted.items()) and not any(
        name in standing for name in change.remove
    )


def _holds_untouched(condition: Condition | None, change: Change, standing: Mapping[str, Any]) -> bool:
    """Of a condition's parts that must all hold: those that name attributes the change leaves alone."""
    match condition:
        case And(conditions):
            return all(_holds_untouched(each, change, standing) for each in conditions)
        case Equals(field, value) if field not in change.set and field not in change.remove and field not in change.add:
            return field in standing and bool(standing[field] == value)
        case _:
            return True


def _is_less(found: Any, value: Any) -> bool:
    try:
        return bool(found < value)
    except TypeError:
        return False
