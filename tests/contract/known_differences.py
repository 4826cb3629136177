"""What a bed does otherwise than the contract suite says, each with its reason.

A test that stands here must fail on that bed: when it passes, the difference is gone, and its line goes too.
"""

from collections.abc import Mapping
from typing import Final

_ID = "EventBridge gives each event an id of its own; ours travels in the envelope, by which consumers judge duplicates"
_TIME = "it says when things happened there, by another clock than the test's"

KNOWN: Final[Mapping[str, Mapping[str, str]]] = {
    "moto": {
        "test_an_event_reaches_the_rule_that_matches": _ID,
        "test_an_event_published_twice_keeps_its_id": _ID,
        "test_many_events_at_once": _ID,
        "test_rules_see_the_content": _ID,
        "test_a_message_in_flight_is_not_handed_out_again": "SQS takes a worker for dead when the visibility ends",
    },
    "endpoint": {
        "test_an_event_reaches_the_rule_that_matches": _ID,
        "test_an_event_published_twice_keeps_its_id": _ID,
        "test_many_events_at_once": _ID,
        "test_rules_see_the_content": _ID,
        "test_a_message_arrives_as_it_was_sent": _TIME,
        "test_a_retried_message_comes_back_at_its_time_with_its_id_and_count": _TIME,
        "test_an_event_of_ours_keeps_the_id_of_its_envelope": _TIME,
    },
}
"""By bed, and by the name of the test: with its parameters, or without them for all."""


def reason_of(bed: str, test: str) -> str | None:
    """Why a test fails on a bed, if that is known. ``test``: its name with the bed's, such as `test_it[moto-1]`."""
    known = KNOWN.get(bed, {})
    name, _, parameters = test.partition("[")
    rest = parameters.rstrip("]").removeprefix(bed).lstrip("-")
    return known.get(f"{name}[{rest}]" if rest else name) or known.get(name)
