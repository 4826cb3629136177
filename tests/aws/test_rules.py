"""The rules of an app: what each matches, where it leads, and the limits of EventBridge."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from milepost import App, CancelOn, Cron, CronTick, Event, Step, Trigger
from milepost.aws.rules import PATTERN_LIMIT, Rule, input_template, rules_of
from milepost.engine import messages
from milepost.errors import DefinitionError


class Placed(Event):
    order_id: str
    total: Decimal


class Approved(Event):
    order_id: str


class ObjectCreated(Event):
    bucket: dict[str, str]


def ignore(event: Any, step: Step) -> None:
    """A body that does nothing."""


def shop() -> App:
    app = App("shop")
    app.event("shop/order.placed", keys=("order_id",))(Placed)
    app.event("shop/order.approved", keys=("order_id",))(Approved)
    app.event("Object Created", source="aws.s3")(ObjectCreated)
    return app


def rules(app: App) -> list[tuple[str, dict[str, Any], str, str]]:
    return [(rule.bus, rule.pattern, rule.group, rule.target) for rule in rules_of(app.definitions)]


def test_a_trigger_is_a_rule() -> None:
    app = shop()
    app.function(on=Placed, name="fulfil", worker="heavy")(ignore)
    assert rules(app) == [("app", {"detail-type": ["shop/order.placed"]}, "heavy", "fulfil")]


def test_each_trigger_is_a_rule_and_a_cron_is_none() -> None:
    app = shop()

    @app.function(on=[Trigger(Placed, where={"total": [{"numeric": [">", Decimal("9.50")]}]}), Approved, Cron("0 9 * * *")])
    def fulfil(event: Placed | Approved | CronTick, step: Step) -> None:
        """Nothing."""

    large, approved = rules_of(app.definitions)
    assert large.pattern_json == '{"detail-type":["shop/order.placed"],"detail":{"total":[{"numeric":[">",9.50]}]}}'
    assert approved.pattern_json == '{"detail-type":["shop/order.approved"]}'
    assert large.name != approved.name


def test_an_event_of_aws_comes_from_the_default_bus() -> None:
    app = shop()
    app.function(on=Trigger(ObjectCreated, where={"bucket": {"name": ["in"]}}), name="take")(ignore)
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": ["in"]}}}
    assert rules(app) == [("default", pattern, "default", "take")]


def test_an_event_of_another_producer_comes_from_the_apps_bus() -> None:
    app = App("shop")
    app.event("paid", source="acme.billing")(Approved)
    app.function(on=Approved, name="take")(ignore)
    assert rules(app) == [("app", {"source": ["acme.billing"], "detail-type": ["paid"]}, "default", "take")]


def test_awaited_and_cancelling_events_are_a_rule_per_group() -> None:
    app = shop()
    app.function(on=Placed, name="one", waits_for=[Approved])(ignore)
    app.function(on=Placed, name="two", cancel_on=[CancelOn(Approved, within=timedelta(days=1))], worker="heavy")(ignore)
    app.function(on=Placed, name="three", waits_for=[Approved, Placed], worker="heavy")(ignore)
    assert rules(app)[3:] == [
        ("app", {"detail-type": ["shop/order.approved"]}, "default", "~signal:default"),
        ("app", {"detail-type": ["shop/order.approved", "shop/order.placed"]}, "heavy", "~signal:heavy"),
    ]


def test_a_handler_has_no_rule_of_its_own() -> None:
    app = shop()

    def refund(event: Placed, step: Step, failure: object) -> None:
        """Nothing."""

    app.function(on=Placed, name="fulfil", on_failure=refund)(ignore)
    assert len(rules(app)) == 1


def many(number: int, length: int = 100, source: str | None = None) -> App:
    """An app that waits for so many events."""
    app = App("large")
    classes: list[type[Event]] = []
    for place in range(number):
        cls = type(f"Event{place}", (Event,), {"__annotations__": {"id": str}, "__module__": __name__})
        classes.append(app.event(f"large/{place:04d}".ljust(length, "é"), keys=("id",), source=source)(cls))
    app.function(name="wait", waits_for=classes)(_invoked)
    return app


def _invoked(event: dict[str, str], step: Step) -> None:
    """A body that takes anything."""


@pytest.mark.parametrize("source", [None, "acme.billing"])
def test_awaited_events_are_split_where_a_pattern_is_full(source: str | None) -> None:
    found = rules_of(many(100, source=source).definitions)
    sizes = [len(rule.pattern_json) for rule in found]
    names = [name for rule in found for name in rule.pattern["detail-type"]]
    assert len(names) == len(set(names)) == 100
    assert all(rule.pattern.get("source") == (None if source is None else [source]) for rule in found)
    assert max(sizes) <= PATTERN_LIMIT
    assert all(size > PATTERN_LIMIT - 110 for size in sizes[:-1]), "each is full but the last"
    assert len({rule.name for rule in found}) == len(found)


@pytest.mark.parametrize("characters", [PATTERN_LIMIT, PATTERN_LIMIT + 1])
def test_a_pattern_may_have_2048_characters(characters: int) -> None:
    app = shop()
    fixed = len('{"detail-type":["shop/order.placed"],"detail":{"order_id":[""]}}')
    app.function(on=Trigger(Placed, where={"order_id": ["x" * (characters - fixed)]}), name="fulfil")(ignore)
    if characters == PATTERN_LIMIT:
        assert [len(rule.pattern_json) for rule in rules_of(app.definitions)] == [PATTERN_LIMIT]
        return
    with pytest.raises(
        DefinitionError, match=r"fulfil: the filter of its 'shop/order\.placed' trigger makes a pattern of 2,049 characters"
    ):
        rules_of(app.definitions)


def test_a_pattern_that_eventbridge_refuses_is_an_error_that_names_the_function() -> None:
    app = shop()
    alternatives = {"$or": [{"order_id": [str(number)]} for number in range(32)]}
    app.function(on=Trigger(Placed, where={"$or": [alternatives, {"total": [1]}], "order_id": ["x"]}), name="odd")(ignore)
    app.function(on=Trigger(Placed, where={"$or": [{"order_id": ["a"]}] * 1_001}), name="fulfil")(ignore)
    with pytest.raises(DefinitionError, match=r"fulfil: its trigger is no pattern that EventBridge takes: \$or: 1,001 combinations"):
        rules_of(app.definitions)


def test_names_are_the_same_for_the_same_rule_and_others_for_others() -> None:
    def made(app: str, function: str, where: str) -> Rule:
        made = App(app)
        made.event("shop/order.placed")(Placed)
        made.function(on=Trigger(Placed, where={"order_id": [where]}), name=function)(ignore)
        [rule] = rules_of(made.definitions)
        return rule

    assert made("shop", "fulfil", "a") == made("shop", "fulfil", "a")
    names = {
        made(*each).name for each in (("shop", "fulfil", "a"), ("shop", "fulfil", "b"), ("shop", "refund", "a"), ("mall", "fulfil", "a"))
    }
    assert len(names) == 4
    long = made("s" * 64, "f" * 64, "a").name
    assert len(long) == 64
    assert all(re.fullmatch(r"[.\-_A-Za-z0-9]{1,64}", name) for name in (*names, long))


@pytest.mark.parametrize("target", ["fulfil", "~signal:default"])
def test_the_template_makes_a_message_of_an_event(target: str) -> None:
    event = {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2026-11-22T18:43:48Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:s3:::in"],
        "detail": {"bucket": {"name": "in"}, "object": {"key": 'a "b"', "size": 5}},
    }
    text = input_template(target).replace("<aws.events.event.ingestion-time>", "2026-11-22T18:43:48.250Z")
    message = messages.decode(text.replace("<aws.events.event.json>", msgspec.json.encode(event).decode()))
    assert isinstance(message, messages.EventMessage)
    assert message.target == target
    read = messages.read_event(message)
    assert (read.id, read.name, read.source, read.hops) == (event["id"], "Object Created", "aws.s3", 0)
    assert (read.at, read.sent_at) == (1_795_373_028_250, 1_795_373_028_250)
    assert msgspec.json.decode(read.data) == event["detail"]
