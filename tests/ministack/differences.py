"""A pytest plugin: what ministack does otherwise than EventBridge and the contract suite's own clock, each with its reason."""

from collections.abc import Mapping
from typing import Final

import pytest

_CLOCK: Final = "time passes there by itself: a millisecond before something is due is over before the test has asked"
KNOWN: Final[Mapping[str, str]] = {
    "test_the_detail_travels_as_it_was_written": "ministack writes the detail anew: numbers as floats, letters escaped",
    "test_the_message_says_when_the_event_was_accepted": "it says when things happened there, by another clock than the test's",
    "test_a_delayed_message_is_never_early": _CLOCK,
    "test_a_timer_is_never_early": _CLOCK,
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Such a test may fail."""
    for item in items:
        reason = KNOWN.get(item.name.partition("[")[0])
        if reason is not None:
            item.add_marker(pytest.mark.xfail(strict=False, reason=reason))
