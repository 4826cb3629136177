"""The log of events, and the bus of a client that knows no routes."""

import pytest

from milepost.engine import messages
from milepost.engine.ports import Entry
from milepost.local.bus import CLIENT_GROUP, LocalBus, Route
from milepost.local.event_log import EventLog, EventQuery
from milepost.local.mailbox import Mailbox
from milepost.local.store import Store
from tests.contract.beds import START_MS, SetClock


def entry(id: str, name: str = "a", detail: str = '{"n":9.50}') -> Entry:
    return Entry(name=name, source="shop", detail=detail, id=id)


@pytest.fixture
def bus(store: Store, clock: SetClock) -> LocalBus:
    return LocalBus(store, lambda: [Route(pattern={"source": ["shop"]}, group="g", target="f")], clock)


@pytest.fixture
def log(store: Store, bus: LocalBus, clock: SetClock) -> EventLog:
    """Six events, one each second: a b a b a b."""
    for number in range(6):
        bus.publish([entry(f"e{number}", "ab"[number % 2])])
        clock.now += 1_000
    return EventLog(store)


def ids(log: EventLog, query: EventQuery) -> list[str]:
    return [event.id for event in log.page(query)]


def test_the_log_has_what_was_published(store: Store, bus: LocalBus) -> None:
    bus.publish([entry("e", "shop/order.placed")])
    [event] = EventLog(store).page()
    assert (event.id, event.name, event.source, event.at_ms, event.detail) == ("e", "shop/order.placed", "shop", START_MS, '{"n":9.50}')
    assert EventLog(store).find("e") == event
    assert EventLog(store).find("other") is None


def test_the_log_has_events_that_nobody_wanted(store: Store, clock: SetClock) -> None:
    LocalBus(store, list, clock).publish([entry("e")])
    assert [event.id for event in EventLog(store).page()] == ["e"]


def test_an_event_published_twice_is_logged_once_and_delivered_twice(store: Store, bus: LocalBus, clock: SetClock) -> None:
    bus.publish([entry("e"), entry("e")])
    clock.now += 5
    bus.publish([entry("e")])
    assert [event.at_ms for event in EventLog(store).page()] == [START_MS]
    assert len(Mailbox(store, clock).receive(clock.now, 10)) == 3


def test_publishing_is_one_commit_with_its_messages(file_store: Store, clock: SetClock) -> None:
    routes = [Route(pattern={"source": ["shop"]}, group="g", target=str(number)) for number in range(5)]
    LocalBus(file_store, lambda: routes, clock).publish([entry("one"), entry("two")])
    assert (file_store.commits, file_store.fsyncs) == (1, 1)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (EventQuery(), "543210"),
        (EventQuery(newest_first=False), "012345"),
        (EventQuery(name="a"), "420"),
        (EventQuery(name="b", newest_first=False), "135"),
        (EventQuery(name="c"), ""),
        (EventQuery(since_ms=START_MS + 2_000), "5432"),
        (EventQuery(until_ms=START_MS + 2_000), "10"),
        (EventQuery(name="a", since_ms=START_MS + 1, until_ms=START_MS + 4_001), "42"),
    ],
    ids=repr,
)
def test_events_are_found_by_name_and_time(log: EventLog, query: EventQuery, expected: str) -> None:
    assert ids(log, query) == [f"e{number}" for number in expected]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("name", [None, "a"])
def test_pages_go_on_after_the_last_event(log: EventLog, newest_first: bool, name: str | None) -> None:
    query = EventQuery(name=name, newest_first=newest_first)
    paged: list[str] = []
    page = log.page(query, limit=2)
    while page:
        paged += [event.id for event in page]
        page = log.page(query, after=page[-1], limit=2)
    assert paged == ids(log, query)
    assert len(paged) == (6 if name is None else 3)


def test_events_of_one_instant_are_paged_without_loss(store: Store, bus: LocalBus) -> None:
    bus.publish([entry(f"e{number}") for number in range(5)])
    log = EventLog(store)
    first = log.page(limit=3)
    second = log.page(after=first[-1], limit=3)
    assert [event.id for event in first + second] == ["e4", "e3", "e2", "e1", "e0"]


def test_old_events_are_deleted_oldest_first_and_without_an_fsync(log: EventLog, store: Store) -> None:
    fsyncs = store.fsyncs
    assert log.expire(START_MS + 4_000, limit=3) == 3
    assert ids(log, EventQuery()) == ["e5", "e4", "e3"]
    assert log.expire(START_MS + 4_000) == 1
    assert log.expire(START_MS + 4_000) == 0
    assert store.fsyncs == fsyncs


# ---- a client --------------------------------------------------------------------------------------------------------


def test_a_client_leaves_its_events_to_the_worker(store: Store, clock: SetClock) -> None:
    LocalBus(store, None, clock).publish([entry("one"), entry("two", "b")])
    assert EventLog(store).page() == []
    received = Mailbox(store, clock).receive(clock.now, 10)
    assert {message.group for message in received} == {CLIENT_GROUP}
    assert [messages.decode(message.body) for message in received] == [
        messages.Publish(name="a", source="shop", detail='{"n":9.50}', id="one"),
        messages.Publish(name="b", source="shop", detail='{"n":9.50}', id="two"),
    ]
    assert store.commits == 1


def test_a_client_is_told_of_a_bad_detail_at_once(store: Store, clock: SetClock) -> None:
    with pytest.raises(ValueError, match=r"the detail of event bad \(a\) is not a JSON object"):
        LocalBus(store, None, clock).publish([entry("fine"), entry("bad", detail="[]")])
    assert Mailbox(store, clock).receive(clock.now, 10) == []
