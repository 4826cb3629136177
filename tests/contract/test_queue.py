"""The queue port and its receiving side."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from milepost.engine.messages import Received
from milepost.engine.ports import MAX_DELAY_MS, Outgoing
from milepost.local.queue import MAX_RECEIVE_COUNT
from tests.contract.beds import START_MS, Bed


def send(bed: Bed, *bodies: str, group: str = "g", delay_ms: int = 0) -> None:
    bed.ports.queue.send([Outgoing(group=group, body=body, delay_ms=delay_ms) for body in bodies])


def take_one(bed: Bed) -> Received:
    [received] = bed.take()
    return received


def test_a_message_arrives_as_it_was_sent(bed: Bed) -> None:
    send(bed, '{"text": "naïve ✓ 𝄞"}', group="heavy")
    received = take_one(bed)
    assert received == Received(received.id, "heavy", '{"text": "naïve ✓ 𝄞"}', 1, START_MS)


def test_an_empty_queue_gives_nothing(bed: Bed) -> None:
    assert bed.take() == []


def test_nothing_sent_is_nothing_received(bed: Bed) -> None:
    bed.ports.queue.send([])
    assert bed.take() == []


def test_all_groups_are_received(bed: Bed) -> None:
    send(bed, "one", group="a")
    send(bed, "two", group="b")
    assert [(message.group, message.body) for message in bed.take()] == [("a", "one"), ("b", "two")]


def test_a_large_message_arrives(bed: Bed) -> None:
    send(bed, "x" * 250_000)
    assert take_one(bed).body == "x" * 250_000


def test_at_most_the_limit_is_received(bed: Bed) -> None:
    send(bed, *"abcde")
    assert [len(bed.take(2)) for _ in range(4)] == [2, 2, 1, 0]


def test_a_message_in_flight_is_not_handed_out_again(bed: Bed) -> None:
    send(bed, "once")
    assert len(bed.take()) == 1
    bed.clock.now += 10**9
    assert bed.take() == []


def test_an_acknowledged_message_is_gone(bed: Bed) -> None:
    send(bed, "once")
    bed.receiver.ack(take_one(bed).id)
    assert bed.take() == []
    send(bed, "next")
    bed.receiver = bed.worker_dies()
    assert bed.bodies() == ["next"]


def test_acknowledging_twice_does_nothing(bed: Bed) -> None:
    send(bed, "once", "other")
    first, other = bed.take()
    bed.receiver.ack(first.id)
    bed.receiver.ack(first.id)
    assert bed.take() == []
    bed.receiver.retry(other.id, START_MS)
    assert [message.body for message in bed.take()] == ["other"]


def test_ids_are_never_used_twice(bed: Bed) -> None:
    ids: list[str] = []
    for _ in range(5):
        send(bed, "a", "b")
        received = bed.take()
        ids += [message.id for message in received]
        for message in received:
            bed.receiver.ack(message.id)
        send(bed, "to commit")
        bed.receiver.ack(take_one(bed).id)
    assert len(set(ids)) == 10


@pytest.mark.parametrize("delay_ms", [1, 2_000, MAX_DELAY_MS])
def test_a_delayed_message_is_never_early(bed: Bed, delay_ms: int) -> None:
    send(bed, "later", delay_ms=delay_ms)
    assert bed.take() == []
    bed.clock.now += delay_ms - 1
    assert bed.take() == []
    bed.clock.now += bed.grain_ms
    assert take_one(bed).body == "later"


@pytest.mark.parametrize("delay_ms", [-1, MAX_DELAY_MS + 1])
def test_a_delay_out_of_range_is_refused_before_anything_is_sent(bed: Bed, delay_ms: int) -> None:
    with pytest.raises(ValueError, match="delay"):
        bed.ports.queue.send([Outgoing("g", "fine"), Outgoing("g", "not", delay_ms=delay_ms)])
    bed.clock.now += 10 * MAX_DELAY_MS
    assert bed.take() == []


def test_the_next_message_is_the_one_visible_first(bed: Bed) -> None:
    send(bed, "second", delay_ms=20_000)
    send(bed, "first", delay_ms=10_000)
    bed.clock.now += 30_000
    assert bed.bodies() == ["first", "second"]


def test_a_retried_message_comes_back_at_its_time_with_its_id_and_count(bed: Bed) -> None:
    send(bed, "again")
    first = take_one(bed)
    assert bed.receiver.retry(first.id, START_MS + 500)
    bed.clock.now += 499
    assert bed.take() == []
    bed.clock.now += bed.grain_ms
    second = take_one(bed)
    assert (second.id, second.body, second.deliveries, second.sent_at_ms) == (first.id, "again", 2, START_MS)


def test_a_message_retried_in_the_past_comes_back_at_once(bed: Bed) -> None:
    send(bed, "again")
    bed.receiver.retry(take_one(bed).id, 0)
    assert take_one(bed).deliveries == 2


def test_retrying_what_is_not_in_flight_does_nothing(bed: Bed) -> None:
    send(bed, "once")
    received = take_one(bed)
    bed.receiver.ack(received.id)
    assert bed.receiver.retry(received.id, 0)
    assert bed.take() == []


def test_a_dead_workers_messages_come_again_with_their_deliveries_counted(bed: Bed) -> None:
    send(bed, "a", "b")
    first = bed.take()
    send(bed, "what a slice commits")  # counts are written with the next commit
    bed.receiver = bed.worker_dies()
    again = bed.take()
    assert [(message.body, message.deliveries) for message in again] == [("a", 2), ("b", 2), ("what a slice commits", 1)]
    assert [message.id for message in again[:2]] == [message.id for message in first]


def fail(bed: Bed, times: int) -> list[bool]:
    return [bed.receiver.retry(take_one(bed).id, 0) for _ in range(times)]


def test_a_message_is_given_up_after_its_last_delivery(bed: Bed) -> None:
    send(bed, "poison")
    assert fail(bed, MAX_RECEIVE_COUNT) == [True] * (MAX_RECEIVE_COUNT - 1) + [False]
    assert bed.take() == []
    bed.clock.now += 10**9
    assert bed.take() == []


def test_a_message_over_which_its_worker_dies_every_time_is_given_up(bed: Bed) -> None:
    send(bed, "poison")
    for delivery in range(1, MAX_RECEIVE_COUNT + 1):
        assert take_one(bed).deliveries == delivery
        send(bed, "what a slice commits", delay_ms=MAX_DELAY_MS)
        bed.receiver = bed.worker_dies()
    assert bed.take() == []


def test_poison_does_not_hold_up_others(bed: Bed) -> None:
    send(bed, "poison")
    fail(bed, MAX_RECEIVE_COUNT)
    send(bed, "fine")
    assert bed.bodies() == ["fine"]


def test_each_message_is_handed_to_one_of_many_takers(bed: Bed) -> None:
    send(bed, *[str(number) for number in range(200)])

    def work(_taker: int) -> list[str]:
        bodies: list[str] = []
        while received := bed.take(7):
            for message in received:
                bodies.append(message.body)
                bed.receiver.ack(message.id)
                send(bed, "commits the acknowledgements", delay_ms=MAX_DELAY_MS)
        return bodies

    with ThreadPoolExecutor(8) as pool:
        taken = [body for bodies in pool.map(work, range(8)) for body in bodies]
    assert sorted(taken, key=int) == [str(number) for number in range(200)]


def test_messages_sent_by_many_threads_all_arrive(bed: Bed) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(partial(send, bed), map(str, range(160))))
    assert len(set(bed.bodies())) == 160
