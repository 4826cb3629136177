"""The adapters in memory, in what the contract suites do not ask: writes that are told of, indexes that lag, faults to be played."""

from functools import partial
from itertools import pairwise
from random import Random

import pytest

from milepost.engine.messages import Received
from milepost.engine.ports import (
    BY_FUNCTION,
    DUE,
    Absent,
    Change,
    ConditionFailed,
    Delete,
    Entry,
    Equals,
    Item,
    Key,
    Outgoing,
    Put,
    TransactionFailed,
    Update,
)
from milepost.local.bus import Route
from milepost.local.queue import MAX_RECEIVE_COUNT
from tests.contract.beds import START_MS, SetClock
from tests.sim.memory import Mail, MemoryCloud, MemoryTimers
from tests.sim.memory_index import MAX_LAG_MS
from tests.sim.memory_table import MemoryTable

Told = tuple[Key, Item | None, Item | None]
KEY = Key("p", "a")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def table(clock: SetClock) -> MemoryTable:
    return MemoryTable(clock.now_ms)


@pytest.fixture
def told(table: MemoryTable) -> list[Told]:
    seen: list[Told] = []

    def tell(key: Key, before: Item | None, after: Item | None) -> None:
        seen.append((key, before, after))

    table.on_write = tell
    return seen


def item(sk: str = "a", /, **attributes: object) -> Item:
    return {"pk": "p", "sk": sk, **attributes}


# ---- writes that are told of -----------------------------------------------------------------------------------------


def test_every_changed_item_is_told_with_what_it_was(table: MemoryTable, told: list[Told]) -> None:
    table.put(item(n=1))
    table.update(KEY, Change(add={"n": 1}))
    table.put(item(n=5))
    table.delete(KEY)
    assert told == [
        (KEY, None, item(n=1)),
        (KEY, item(n=1), item(n=2)),
        (KEY, item(n=2), item(n=5)),
        (KEY, item(n=5), None),
    ]


def test_what_changed_nothing_is_not_told(table: MemoryTable, told: list[Told]) -> None:
    table.delete(KEY)
    with pytest.raises(ConditionFailed):
        table.put(item(), Equals("n", 1))
    with pytest.raises(TransactionFailed):
        table.transact([Put(item("b")), Update(KEY, Change())])
    assert told == []


def test_of_several_writes_each_that_happened_is_told_in_order(table: MemoryTable, told: list[Told]) -> None:
    table.write_many([Put(item("a", n=1)), Put(item("b"))])
    told.clear()
    table.write_many([Put(item("c")), Put(item("a"), Absent()), Delete(Key("p", "b"))])
    assert told == [(Key("p", "c"), None, item("c")), (Key("p", "b"), item("b"), None)]


def test_a_transaction_is_told_when_all_of_it_stands(table: MemoryTable) -> None:
    seen: list[int] = []

    def count(_key: Key, _before: Item | None, _after: Item | None) -> None:
        seen.append(len(table.query("p").items))

    table.on_write = count
    table.transact([Put(item("a")), Put(item("b"))])
    assert seen == [2, 2]


def test_changing_what_was_told_changes_nothing(table: MemoryTable) -> None:
    def spoil(_key: Key, before: Item | None, after: Item | None) -> None:
        for told in (before, after):
            if told is not None:
                told["list"].append(2)

    table.on_write = spoil
    table.put(item(list=[1]))
    table.update(KEY, Change(set={"n": 1}))
    assert table.get(KEY) == item(list=[1], n=1)


def test_what_a_listener_raises_reaches_the_writer_and_undoes_nothing(table: MemoryTable) -> None:
    def refuse(_key: Key, _before: Item | None, _after: Item | None) -> None:
        raise RuntimeError("broken")

    table.on_write = refuse
    with pytest.raises(RuntimeError, match="broken"):
        table.put(item(n=1))
    assert table.get(KEY) == item(n=1)


def test_all_items_come_in_order_of_their_keys(table: MemoryTable) -> None:
    keys = [(pk, sk) for pk in ("b", "a#2", "a") for sk in ("2", "10", "1")]
    for pk, sk in keys:
        table.put({"pk": pk, "sk": sk})
    assert [(each["pk"], each["sk"]) for each in table.all_items()] == sorted(keys)
    table.delete(Key("a", "1"))
    assert len(list(table.all_items())) == len(keys) - 1


# ---- expiry ----------------------------------------------------------------------------------------------------------


def test_items_past_their_ttl_are_removed_longest_past_first(table: MemoryTable, told: list[Told]) -> None:
    for sk, ttl in (("a", 30), ("b", 10), ("c", 20), ("d", 40), ("e", None)):
        table.put(item(sk, ttl=ttl))
    table.put(item("f"))
    told.clear()
    assert table.expire(30, limit=1) == 1
    assert table.expire(30) == 1
    assert table.expire(30) == 0  # what ends at 30 is there until then
    assert [(key.sk, after) for key, _, after in told] == [("b", None), ("c", None)]
    assert [each["sk"] for each in table.query("p").items] == ["a", "d", "e", "f"]


def test_a_ttl_counts_as_it_stands(table: MemoryTable) -> None:
    for sk in "abcd":
        table.put(item(sk, ttl=10))
    table.update(Key("p", "a"), Change(set={"ttl": 50}))
    table.update(Key("p", "b"), Change(remove=("ttl",)))
    table.put(item("c"))
    table.delete(Key("p", "d"))
    assert table.expire(20) == 0
    table.update(Key("p", "a"), Change(set={"ttl": 10}))
    assert table.expire(20) == 1
    assert [each["sk"] for each in table.query("p").items] == ["b", "c"]


# ---- indexes that lag ------------------------------------------------------------------------------------------------


def due(sk: str, at: int, shard: str = "0", **attributes: object) -> Item:
    return item(sk, due_shard=shard, next_due=at, **attributes)


def test_an_index_without_a_lag_shows_the_present(table: MemoryTable) -> None:
    table.put(due("a", 1))
    assert table.query_index(DUE, "0").items == [due("a", 1)]
    table.index_view = lambda: 0
    table.put(due("a", 2))
    assert table.query_index(DUE, "0").items == [due("a", 2)]


def test_a_lagging_index_shows_items_that_are_gone_or_have_changed(table: MemoryTable, clock: SetClock) -> None:
    for number, sk in enumerate("abc"):
        table.put(due(sk, number, n=1))
    clock.now += 100
    table.update(Key("p", "a"), Change(set={"n": 2}))  # another item at the same place
    table.update(Key("p", "b"), Change(set={"due_shard": "1"}))
    table.delete(Key("p", "c"))
    table.put(due("d", 0))
    clock.now += 50
    table.index_view = lambda: 51
    assert table.query_index(DUE, "0").items == [due("a", 0, n=1), due("b", 1, n=1), due("c", 2, n=1)]
    assert table.query_index(DUE, "1").items == []
    table.index_view = lambda: 50
    assert table.query_index(DUE, "0").items == [due("a", 0, n=2), due("d", 0)]
    assert table.query_index(DUE, "1").items == [due("b", 1, "1", n=1)]


def test_an_index_lags_by_a_minute_at_the_most(table: MemoryTable, clock: SetClock) -> None:
    table.put(due("a", 1))
    clock.now += MAX_LAG_MS
    table.index_view = lambda: 10 * MAX_LAG_MS
    assert table.query_index(DUE, "0").items == [due("a", 1)]
    table.put(due("b", 2))
    assert table.query_index(DUE, "0").items == [due("a", 1)]
    clock.now += MAX_LAG_MS - 1
    assert table.query_index(DUE, "0").items == [due("a", 1)]
    clock.now += 1
    assert table.query_index(DUE, "0").items == [due("a", 1), due("b", 2)]


def test_a_lagging_index_is_at_each_moment_as_it_was(clock: SetClock) -> None:
    """Against whole copies of the index, at every instant of random histories, in pages and from both ends."""
    random = Random(7)
    for _ in range(30):
        table = MemoryTable(clock.now_ms)
        copies: list[tuple[int, dict[str, list[Item]]]] = []
        for _ in range(40):
            copies.append((clock.now, {shard: table.query_index(BY_FUNCTION, shard).items for shard in "fg"}))
            clock.now += random.choice((0, 1, 1_000))
            change_at_random(table, random)
        copies.append((clock.now, {shard: table.query_index(BY_FUNCTION, shard).items for shard in "fg"}))
        for at, shards in last_of_each_instant(copies):
            lag = clock.now - at
            table.index_view = partial(int, lag)
            for shard, items in shards.items():
                assert table.query_index(BY_FUNCTION, shard).items == items
                assert paged(table, shard) == items[::-1]


def change_at_random(table: MemoryTable, random: Random) -> None:
    sk = random.choice("abcdef")
    new = item(sk, n=random.random(), fn_shard=random.choice("fg"), created_at=random.randrange(4))
    match random.randrange(4):
        case 0:
            table.delete(Key("p", sk))
        case 1:
            table.put(item(sk))
        case 2:
            table.write_many([Update(Key("p", sk), Change(set={"n": random.random()}))])
        case _:
            table.put(new)


def last_of_each_instant(copies: list[tuple[int, dict[str, list[Item]]]]) -> list[tuple[int, dict[str, list[Item]]]]:
    return [one for one, later in pairwise(copies) if one[0] != later[0]] + copies[-1:]


def paged(table: MemoryTable, shard: str) -> list[Item]:
    found: list[Item] = []
    after: str | None = None
    while True:
        page = table.query_index(BY_FUNCTION, shard, limit=2, after=after, backwards=True)
        found += page.items
        after = page.next
        if after is None:
            return found


@pytest.mark.parametrize("wrong", [{"due_shard": 0, "next_due": 1}, {"due_shard": "0", "next_due": "soon"}], ids=repr)
def test_what_an_index_cannot_order_is_refused(table: MemoryTable, wrong: Item) -> None:
    with pytest.raises(TypeError, match="index due"):
        table.write_many([Put(item("a")), Put(item("b", **wrong))])
    assert list(table.all_items()) == []


# ---- mail ------------------------------------------------------------------------------------------------------------


def outgoing(body: str, delay_ms: int = 0) -> Outgoing:
    return Outgoing("g", body, delay_ms)


def received(mail: Mail, now_ms: int = 0) -> list[tuple[str, str, int]]:
    return [(message.id, message.body, message.deliveries) for message in mail.receive(now_ms, 100)]


def test_ids_count_up_unless_one_is_given() -> None:
    mail = Mail()
    assert [mail.add(outgoing("a"), 0), mail.add(outgoing("b"), 0, "mine"), mail.add(outgoing("c"), 0)] == ["m1", "mine", "m2"]
    assert received(mail) == [("m1", "a", 1), ("mine", "b", 1), ("m2", "c", 1)]


def test_mail_says_when_the_next_message_is_visible_and_what_is_in_flight() -> None:
    mail = Mail()
    assert mail.next_visible_at() is None
    mail.add(outgoing("late", 20), 100)
    first = mail.add(outgoing("soon", 10), 100)
    assert mail.next_visible_at() == 110
    assert mail.receive(110, 10) == [Received(first, "g", "soon", 1, 100)]
    assert (mail.next_visible_at(), mail.in_flight) == (120, [first])
    mail.ack(first)
    assert mail.in_flight == []


def test_a_copy_of_a_message_in_flight_looks_the_same_and_is_acknowledged_on_its_own() -> None:
    mail = Mail()
    id = mail.add(outgoing("a"), 0)
    [original] = mail.receive(0, 10)
    assert mail.copy(id, 50) == id
    mail.ack(id)
    assert mail.receive(49, 10) == []
    assert mail.receive(50, 10) == [original]
    mail.ack(id)
    assert (mail.receive(10**9, 10), mail.in_flight, mail.next_visible_at()) == ([], [], None)


def test_a_copy_of_a_message_that_waits_comes_besides_it() -> None:
    mail = Mail()
    id = mail.add(outgoing("a"), 0)
    mail.copy(id, 0)
    assert received(mail) == [(id, "a", 1), (id, "a", 1)]
    assert mail.in_flight == [id, id]
    assert mail.retry(id, 5)
    mail.ack(id)
    assert received(mail, 5) == [(id, "a", 2)]


def test_what_is_not_there_has_no_copy() -> None:
    mail = Mail()
    id = mail.add(outgoing("a"), 0)
    mail.receive(0, 1)
    mail.ack(id)
    assert mail.copy(id, 0) is None
    assert mail.copy("other", 0) is None


def test_a_dead_letter_is_kept_and_can_be_sent_again() -> None:
    mail = Mail()
    id = mail.add(outgoing("poison"), 0)
    for _ in range(MAX_RECEIVE_COUNT):
        assert len(received(mail)) == 1
        mail.retry(id, 0)
    assert mail.dead == [Received(id, "g", "poison", MAX_RECEIVE_COUNT, 0)]
    again = mail.redrive(id, 7)
    assert again not in (None, id)
    assert (mail.dead, mail.receive(7, 10)) == ([], [Received(str(again), "g", "poison", 1, 7)])
    assert mail.redrive(id, 7) is None


# ---- timers ----------------------------------------------------------------------------------------------------------


def test_timers_fire_when_they_are_told_the_time() -> None:
    mail = Mail()
    timers = MemoryTimers(mail)
    assert timers.next_due_at() is None
    timers.arm("late", 30, outgoing("late"))
    timers.arm("soon", 20, outgoing("soon", 900))
    assert (timers.next_due_at(), timers.fire(19), mail.next_visible_at()) == (20, [], None)
    fired = timers.fire(35)
    assert mail.receive(35, 10) == [Received(fired[0], "g", "soon", 1, 35), Received(fired[1], "g", "late", 1, 35)]
    assert (timers.armed, timers.next_due_at(), timers.fire(10**9)) == ({}, None, [])


def test_a_name_that_is_armed_keeps_its_time() -> None:
    timers = MemoryTimers(Mail())
    timers.arm("t", 20, outgoing("first"))
    timers.arm("t", 10, outgoing("second"))
    assert [(name, armed.due_at_ms, armed.message.body) for name, armed in timers.armed.items()] == [("t", 20, "first")]


def test_a_lost_timer_does_not_fire_and_may_be_armed_again() -> None:
    timers = MemoryTimers(Mail())
    timers.arm("t", 10, outgoing("first"))
    assert timers.lose("t")
    assert not timers.lose("t")
    timers.arm("t", 20, outgoing("second"))
    assert (timers.next_due_at(), timers.fire(19)) == (20, [])
    assert len(timers.fire(20)) == 1


# ---- the cloud -------------------------------------------------------------------------------------------------------


def test_a_cloud_delivers_by_the_routes_that_it_has_at_the_moment(clock: SetClock) -> None:
    cloud = MemoryCloud(clock)
    entry = Entry(name="shop/placed", source="shop", detail="{}", id="e-1")
    cloud.ports.bus.publish([entry])
    assert cloud.mail.receive(START_MS, 10) == []
    cloud.routes = [Route(pattern={"source": ["shop"]}, group="heavy", target="fulfil")]
    cloud.ports.bus.publish([entry])
    assert [message.group for message in cloud.mail.receive(START_MS, 10)] == ["heavy"]
