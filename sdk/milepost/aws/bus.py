"""The bus port on EventBridge: the app's own bus.

Publishes only. Which event reaches which queue is said by the rules that the deployment makes (rules.py).
"""

from collections.abc import Sequence
from typing import Any, Final

from botocore.exceptions import ClientError

from milepost.aws.batches import MOST_BYTES, batches, entry_error, send_until_taken
from milepost.aws.clients import Clients
from milepost.aws.failures import Asked
from milepost.contract import Names
from milepost.engine.messages import check_detail
from milepost.engine.ports import Entry
from milepost.errors import EventError
from milepost.events.types import AWS_SOURCES, MAX_NAME

ACTION: Final = "events:PutEvents"


class EventBridgeBus:
    """`Bus` of ports.py. An answer 200 may have left entries out: those are sent again as they were, with the same id in their detail."""

    def __init__(self, clients: Clients, names: Names) -> None:
        self._clients = clients
        self._bus = names.bus
        self._asked = Asked(action=ACTION, resource=f"bus '{names.bus}'", region=clients.region)

    def publish(self, entries: Sequence[Entry]) -> None:
        """Returns when all are accepted. Raises ValueError for an event over 1 MiB, a name over 128 characters, and a detail that is no
        JSON object, EventError for one that only AWS can send: all before anything is sent. Raises AwsError; then some may have been
        accepted.
        """
        for entry in entries:
            _check(entry)
        for batch in batches(entries, size_of, MOST_BYTES - 1):
            send_until_taken(self._clients.attempts, self._asked, batch, self._request)

    def _request(self, batch: Sequence[Entry]) -> list[tuple[Entry, ClientError]]:
        put = [
            {"EventBusName": self._bus, "Source": entry.source, "DetailType": entry.name, "Detail": entry.detail}  # no Time: AWS's own
            for entry in batch
        ]
        answer: dict[str, Any] = self._clients.events.put_events(Entries=put)
        if not answer["FailedEntryCount"]:
            return []
        return [
            (entry, entry_error("PutEvents", result["ErrorCode"], result.get("ErrorMessage", ""), is_its_own_fault=True))
            for entry, result in zip(batch, answer["Entries"], strict=True)
            if result.get("ErrorCode")
        ]


def size_of(entry: Entry) -> int:
    """Bytes that an entry counts for: its source, detail-type and detail as UTF-8 (user guide, "Calculating PutEvents event entry size",
    read 2026-11-23; a Time would be 14 more).
    """
    return sum(len(text) if text.isascii() else len(text.encode()) for text in (entry.source, entry.name, entry.detail))


def _check(entry: Entry) -> None:
    if entry.source.startswith(AWS_SOURCES):
        raise EventError(f"event {entry.id} ({entry.name}): only AWS can send events with source {entry.source!r}")
    if not 1 <= len(entry.name) <= MAX_NAME:
        raise ValueError(f"event {entry.id}: a name of {len(entry.name)} characters, 1 to {MAX_NAME} are allowed: {entry.name[:40]!r}")
    check_detail(entry)
    size = size_of(entry)
    if size >= MOST_BYTES:
        raise ValueError(
            f"event {entry.id} ({entry.name}) is {size:,} bytes with its name, source and envelope, {MOST_BYTES - 1:,} are the most that "
            "EventBridge takes: send a reference instead"
        )
