"""The rules of moto's EventBridge, kept as EventBridge keeps them: our own matcher, the InputTransformer, SQS targets.

moto matches arrays of objects wrongly, reads a detail's numbers as floats, and knows neither Input nor InputPath. Here every event
that a bus accepts, whoever put it, goes to each enabled rule of that bus. Events of AWS services are the default bus's alone.
"""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from copy import copy
from typing import Any, Final

import msgspec
from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend, Rule
from moto.events.utils import _BASE_EVENT_MESSAGE  # pyright: ignore[reportPrivateUsage] - where moto keeps the one id of all S3 events
from moto.moto_api._internal import mock_random
from moto.sqs.models import sqs_backends

from milepost.engine.matchers import is_object
from milepost.engine.patterns import matches, parse_json
from milepost.engine.ports import Clock
from milepost.testing.moto.replacing import replaced
from milepost.testing.moto.transformer import transform
from milepost.timestamps import instant

MOST_ENTRIES: Final = 10
MOST_BYTES: Final = 1024 * 1024
"""Of all entries of a PutEvents together (user guide, "PutEvents", read 2026-11-22)."""
_DEFAULT: Final = "default"
_SERVICES: Final = "aws."
_encode = msgspec.json.Encoder(decimal_format="number").encode


@contextmanager
def rules_delivered(clock: Clock) -> Generator[None, None, None]:
    """Within it events reach the SQS targets of the rules that take them; other targets are left to moto."""
    bus = _Bus(clock, EventsBackend.put_events, Rule.send_to_targets)

    def put_events(backend: EventsBackend, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return bus.put(backend, events)

    def send_to_targets(rule: Rule, original_event: Any, transform_input: bool = True) -> None:  # moto's own signature
        bus.offer(rule, original_event, transform_input=transform_input)

    with ExitStack() as stack:
        stack.enter_context(replaced(EventsBackend, "put_events", put_events))
        stack.enter_context(replaced(Rule, "send_to_targets", send_to_targets))
        yield


class _Bus:
    """What happens to an event. moto calls it under the lock, one request after the other."""

    def __init__(self, clock: Clock, put_events: Any, send_to_targets: Any) -> None:
        self._clock = clock
        self._put_events = put_events
        self._send_to_targets = send_to_targets
        self._detail: str | None = None
        """Of the entry that is being put, as it was written: 9.50 keeps its last zero."""

    def put(self, backend: EventsBackend, events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        if len(events) > MOST_ENTRIES:
            raise ValidationException(f"Value at 'entries' failed to satisfy constraint: at most {MOST_ENTRIES}, not {len(events)}")
        if sum(_bytes(event) for event in events) > MOST_BYTES:
            raise ValidationException("Total size of the entries in the request is over the limit.")
        return [self._put_one(backend, event) for event in events]

    def _put_one(self, backend: EventsBackend, event: dict[str, Any]) -> dict[str, Any]:
        detail = event.get("Detail")
        if detail and not _is_json_object(detail):
            return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
        self._detail = detail
        try:
            [result] = self._put_events(backend, [event])
        finally:
            self._detail = None
        return dict(result)

    def offer(self, rule: Rule, original: dict[str, Any], *, transform_input: bool) -> None:
        """An event that its bus has accepted, for one of its rules."""
        if original.get("id") == _BASE_EVENT_MESSAGE.get("id"):
            original["id"] = str(mock_random.uuid4())  # for this rule and those that are offered it next
        source = str(original["source"])
        if rule.state != "ENABLED" or (source.startswith(_SERVICES) and rule.event_bus_name != _DEFAULT):
            return
        raw = self._detail if self._detail is not None else json.dumps(original["detail"])
        event = self._as_delivered(original, parse_json(raw))
        pattern = rule.event_pattern.get_pattern()
        if not pattern or not matches(pattern, event):
            return
        text = _encode({**event, "detail": msgspec.Raw(raw.encode())}).decode()
        for target in rule.targets:
            if ":sqs:" in target["Arn"]:
                self._send(rule, target, event, text)
        self._rest(rule, original, transform_input=transform_input)

    def _as_delivered(self, original: Mapping[str, Any], detail: Any) -> dict[str, Any]:
        time = float(original.get("time") or self._clock.now_ms() / 1000)
        return {
            "version": "0",
            "id": original["id"],
            "detail-type": original["detail-type"],
            "source": original["source"],
            "account": original["account"],
            "time": f"{instant(int(time) * 1000):%Y-%m-%dT%H:%M:%SZ}",
            "region": original["region"],
            "resources": list(original.get("resources") or ()),
            "detail": detail,
        }

    def _send(self, rule: Rule, target: Mapping[str, Any], event: Mapping[str, Any], text: str) -> None:
        """Into the queue; where there is none EventBridge would try for a day and then give up."""
        _, _, _, region, account, name = target["Arn"].split(":", 5)
        queues = sqs_backends[account][region]
        if name in queues.queues:
            parameters: Mapping[str, Any] = target.get("SqsParameters") or {}
            group = parameters.get("MessageGroupId")
            queues.send_message(queue_name=name, message_body=self._body(rule, target, event, text), group_id=group)

    def _body(self, rule: Rule, target: Mapping[str, Any], event: Mapping[str, Any], text: str) -> str:
        transformer = target.get("InputTransformer")
        if transformer is not None:
            return transform(transformer["InputTemplate"], transformer.get("InputPathsMap") or {}, event, self._own(rule, event, text))
        if target.get("Input") is not None:
            return str(target["Input"])
        if target.get("InputPath") is not None:
            return transform("<found>", {"found": target["InputPath"]}, event, {})
        return text

    def _own(self, rule: Rule, event: Mapping[str, Any], text: str) -> dict[str, Any]:
        """The variables of EventBridge itself."""
        now = instant(self._clock.now_ms())
        return {
            "aws.events.rule-arn": rule.arn,
            "aws.events.rule-name": rule.name,
            "aws.events.event.ingestion-time": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z",
            "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
            "aws.events.event.json": msgspec.Raw(text.encode()),
        }

    def _rest(self, rule: Rule, original: Any, *, transform_input: bool) -> None:
        others = [target for target in rule.targets if ":sqs:" not in target["Arn"]]
        if others:
            alone = copy(rule)
            alone.targets = others
            self._send_to_targets(alone, original, transform_input)


def _is_json_object(detail: str) -> bool:
    try:
        return is_object(parse_json(detail))
    except ValueError:
        return False


def _bytes(event: Mapping[str, Any]) -> int:
    """An entry's size: its source, detail-type, detail and resources, and 14 for a time (user guide, read 2026-11-22)."""
    texts = [event.get("Source"), event.get("DetailType"), event.get("Detail"), *(event.get("Resources") or ())]
    return sum(len(text.encode()) for text in texts if text) + (14 if event.get("Time") else 0)
