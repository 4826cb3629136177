"""What the local mailbox and queue do beyond the contract: no fsyncs, dead letters, waking the loop."""

import sqlite3
from typing import Any

import pytest

from milepost.engine.messages import Received
from milepost.engine.ports import Outgoing
from milepost.local.group_commit import Operation
from milepost.local.mailbox import Mailbox
from milepost.local.post import Letter
from milepost.local.queue import MAX_RECEIVE_COUNT, LocalQueue, LocalTimers
from milepost.local.store import Store
from tests.contract.beds import START_MS, SetClock


@pytest.fixture
def queue(store: Store, clock: SetClock) -> LocalQueue:
    return LocalQueue(store, clock)


@pytest.fixture
def mailbox(store: Store, clock: SetClock) -> Mailbox:
    return Mailbox(store, clock)


def take(mailbox: Mailbox, clock: SetClock) -> list[Received]:
    return mailbox.receive(clock.now, 10)


def poison(mailbox: Mailbox, clock: SetClock, queue: LocalQueue, body: str = "poison") -> str:
    queue.send([Outgoing("g", body)])
    while True:
        [message] = take(mailbox, clock)
        if not mailbox.retry(message.id, 0):
            return message.id


def test_receiving_acknowledging_and_retrying_commit_nothing_by_themselves(file_store: Store, clock: SetClock) -> None:
    queue, mailbox = LocalQueue(file_store, clock), Mailbox(file_store, clock)
    queue.send([Outgoing("g", "a"), Outgoing("g", "b")])
    before = (file_store.commits, file_store.fsyncs)
    first, second = take(mailbox, clock)
    mailbox.ack(first.id)
    mailbox.retry(second.id, START_MS + 5)
    assert (file_store.commits, file_store.fsyncs) == before
    file_store.flush()
    assert (file_store.commits, file_store.fsyncs) == (before[0] + 1, before[1])


def test_sending_is_one_fsync_however_many(file_store: Store, clock: SetClock) -> None:
    LocalQueue(file_store, clock).send([Outgoing("g", str(number)) for number in range(50)])
    assert file_store.fsyncs == 1


def test_in_flight_counts_what_is_neither_acknowledged_nor_given_back(queue: LocalQueue, mailbox: Mailbox, clock: SetClock) -> None:
    queue.send([Outgoing("g", "a"), Outgoing("g", "b"), Outgoing("g", "c")])
    first, second, _ = take(mailbox, clock)
    assert mailbox.in_flight == 3
    mailbox.ack(first.id)
    mailbox.retry(second.id, 0)
    assert mailbox.in_flight == 1


def test_the_next_time_is_that_of_the_earliest_message_not_in_flight(
    store: Store, queue: LocalQueue, mailbox: Mailbox, clock: SetClock
) -> None:
    assert mailbox.next_visible_at() is None
    queue.send([Outgoing("g", "now"), Outgoing("g", "soon", delay_ms=50)])
    LocalTimers(store, clock).arm("t", START_MS + 70, Outgoing("g", "timer"))
    assert mailbox.next_visible_at() == START_MS
    [message] = take(mailbox, clock)
    assert mailbox.next_visible_at() == START_MS + 50
    mailbox.retry(message.id, START_MS + 20)
    assert mailbox.next_visible_at() == START_MS + 20
    clock.now += 60
    for each in take(mailbox, clock):
        mailbox.ack(each.id)
    assert mailbox.next_visible_at() == START_MS + 70
    LocalTimers(store, clock).disarm("t")
    assert mailbox.next_visible_at() is None


def test_a_timer_disarmed_between_look_and_count_is_not_lost(
    store: Store, mailbox: Mailbox, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    timers = LocalTimers(store, clock)
    timers.arm("t", START_MS, Outgoing("g", "due"))
    read = store.read

    def read_then_disarm(op: Operation[Any]) -> Any:
        found = read(op)
        timers.disarm("t")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(store, "read", read_then_disarm)
        [message] = take(mailbox, clock)
    store.flush()
    [again] = take(Mailbox(store, clock), clock)
    assert (again.id, again.body, again.deliveries) == (message.id, "due", 2)


def test_listeners_are_told_of_messages_and_times(store: Store, queue: LocalQueue, mailbox: Mailbox, clock: SetClock) -> None:
    told: list[str] = []
    store.listen(lambda: told.append("woken"))
    queue.send([Outgoing("g", "a")])
    LocalTimers(store, clock).arm("t", START_MS, Outgoing("g", "b"))
    [first, _] = take(mailbox, clock)
    mailbox.retry(first.id, 0)
    assert len(told) == 3


# ---- dead letters ----------------------------------------------------------------------------------------------------


def test_dead_letters_are_kept_and_listed(store: Store, queue: LocalQueue, mailbox: Mailbox, clock: SetClock) -> None:
    dead = [poison(mailbox, clock, queue, body) for body in ("one", "two", "three")]
    clock.now += 5
    store.flush()
    letters = queue.dead_letters()
    assert [(letter.id, letter.group, letter.body, letter.deliveries) for letter in letters] == [
        (id, "g", body, MAX_RECEIVE_COUNT) for id, body in zip(dead, ("one", "two", "three"), strict=True)
    ]
    assert {(letter.sent_at_ms, letter.dead_at_ms) for letter in letters} == {(START_MS, START_MS)}
    assert [letter.body for letter in queue.dead_letters(limit=2)] == ["one", "two"]
    assert [letter.body for letter in queue.dead_letters(after=dead[1])] == ["three"]


def test_a_dead_letter_that_is_sent_again_is_a_new_message(queue: LocalQueue, store: Store, mailbox: Mailbox, clock: SetClock) -> None:
    dead = poison(mailbox, clock, queue)
    store.flush()
    assert queue.resend(dead)
    [message] = take(mailbox, clock)
    assert (message.body, message.deliveries) == ("poison", 1)
    assert message.id != dead
    assert queue.dead_letters() == []
    assert not queue.resend(dead)


def test_a_living_message_is_not_resent(queue: LocalQueue, mailbox: Mailbox, clock: SetClock) -> None:
    queue.send([Outgoing("g", "alive")])
    [message] = take(mailbox, clock)
    assert not queue.resend(message.id)


@pytest.mark.parametrize("id", ["", "17", "x-17", "m-x"])
def test_what_is_no_message_id_is_told(queue: LocalQueue, id: str) -> None:
    with pytest.raises(ValueError, match="not a message id"):
        queue.resend(id)


def test_receiving_does_not_slow_down_with_dead_letters_and_far_timers(file_store: Store, clock: SetClock) -> None:
    plan = file_store.read(
        lambda conn: conn.execute(
            "EXPLAIN QUERY PLAN SELECT id FROM messages WHERE dead_at IS NULL AND visible_at <= 5 ORDER BY visible_at, id LIMIT 9"
        ).fetchall()
    )
    assert [row[3] for row in plan] == ["SEARCH messages USING INDEX messages_visible (visible_at<?)"]


def test_a_letter_whose_lane_could_not_be_found_is_handed_out_later(store: Store, queue: LocalQueue, clock: SetClock) -> None:
    left = [sqlite3.OperationalError("disk I/O error")]

    def lane_of(_letter: Letter) -> int:
        if left:
            raise left.pop()
        return 0

    mailbox = Mailbox(store, clock, lane_of=lane_of)
    queue.send([Outgoing("g", "one")])
    with pytest.raises(sqlite3.OperationalError):
        mailbox.has_visible(clock.now)
    assert [received.body for received in take(mailbox, clock)] == ["one"]
