"""Messages that this process sends reach their taker without being read, and the file has the last word all the same."""

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from milepost.engine.ports import Outgoing
from milepost.local.group_commit import Operation
from milepost.local.mailbox import Mailbox
from milepost.local.post import Letter
from milepost.local.queue import LocalQueue, LocalTimers
from milepost.local.store import Store
from tests.contract.beds import START_MS, SetClock


class Reads:
    """Counts the reads of a store."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        read = store.read

        def counted(op: Operation[Any]) -> Any:
            self.count += 1
            return read(op)

        monkeypatch.setattr(store, "read", counted)


def send(store: Store, clock: SetClock, *bodies: str, delay_ms: int = 0) -> None:
    LocalQueue(store, clock).send([Outgoing("g", body, delay_ms=delay_ms) for body in bodies])


def take(mailbox: Mailbox, clock: SetClock, limit: int = 1_000) -> list[str]:
    """Received and acknowledged."""
    received = mailbox.receive(clock.now, limit)
    for message in received:
        mailbox.ack(message.id)
    return [message.body for message in received]


def test_what_is_sent_here_is_not_read(store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox = Mailbox(store, clock)
    assert take(mailbox, clock) == []
    reads = Reads(store, monkeypatch)
    send(store, clock, "a", "b")
    send(store, clock, "late", delay_ms=10)
    LocalTimers(store, clock).arm("t", START_MS + 5, Outgoing("g", "timer"))
    assert take(mailbox, clock) == ["a", "b"]
    assert mailbox.next_visible_at() == START_MS + 5
    clock.now += 20
    assert take(mailbox, clock) == ["timer", "late"]
    assert reads.count == 0


def test_a_timer_that_is_withdrawn_here_does_not_come(store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox, timers = Mailbox(store, clock), LocalTimers(store, clock)
    assert take(mailbox, clock) == []
    reads = Reads(store, monkeypatch)
    timers.arm("early", START_MS, Outgoing("g", "early"))
    timers.arm("late", START_MS + 5, Outgoing("g", "late"))
    assert mailbox.has_visible(clock.now)  # sorted out as deliverable, and withdrawn after that
    timers.disarm("early")
    timers.disarm("late")
    clock.now += 10
    assert mailbox.next_visible_at() is None
    assert take(mailbox, clock) == []
    assert reads.count == 0


def test_what_others_send_comes_after_another_look(tmp_path: Path, clock: SetClock) -> None:
    with Store(tmp_path / "state.db") as store, Store(tmp_path / "state.db", role="client") as other:
        mailbox = Mailbox(store, clock)
        assert take(mailbox, clock) == []
        store.changed_elsewhere()
        send(other, clock, "from elsewhere")
        assert take(mailbox, clock) == []
        assert store.changed_elsewhere()
        mailbox.look_again()
        assert take(mailbox, clock) == ["from elsewhere"]


def test_a_look_takes_nothing_twice(store: Store, clock: SetClock) -> None:
    mailbox = Mailbox(store, clock)
    send(store, clock, "waiting", "in flight", "done", "back")
    assert mailbox.has_visible(clock.now)
    [waiting, flying, done, back] = mailbox.receive(clock.now, 4)
    mailbox.retry(waiting.id, 0)
    mailbox.ack(done.id)
    mailbox.retry(back.id, START_MS + 7)
    mailbox.look_again()  # the file says of none of them what has become of it
    assert [message.body for message in mailbox.receive(clock.now, 10)] == ["waiting"]
    assert mailbox.next_visible_at() == START_MS + 7
    store.flush()
    mailbox.look_again()
    clock.now += 7
    assert [message.body for message in mailbox.receive(clock.now, 10)] == ["back"]
    assert mailbox.in_flight == 3
    mailbox.ack(flying.id)


class Parcel:
    """A store whose announcements a test holds back, as a thread that is slow to make them does."""

    def __init__(self, store: Store, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self._sent = mailbox.sent
        self._held: list[Sequence[Letter]] = []
        monkeypatch.setattr(mailbox, "sent", self._held.append)

    def arrive(self) -> None:
        for letters in self._held:
            self._sent(letters)


def test_an_announcement_that_comes_late_delivers_nothing_again(store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox = Mailbox(store, clock)
    assert take(mailbox, clock) == []
    parcel = Parcel(store, mailbox, monkeypatch)
    send(store, clock, "done before", "in flight")
    mailbox.look_again()
    done, _ = mailbox.receive(clock.now, 10)
    mailbox.ack(done.id)
    store.flush()
    parcel.arrive()
    assert take(mailbox, clock) == []


def test_a_message_whose_sender_was_interrupted_is_found(store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox = Mailbox(store, clock)
    assert take(mailbox, clock) == []
    commit = store.commit

    def interrupted(op: Operation[Any], *, durable: bool = True) -> Any:
        commit(op, durable=durable)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(store, "commit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            send(store, clock, "committed")
    assert take(mailbox, clock) == ["committed"]


# ---- the window ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known_before", [True, False])
def test_more_messages_than_the_window_holds_come_in_order(store: Store, clock: SetClock, *, known_before: bool) -> None:
    mailbox = Mailbox(store, clock, window=10)
    if known_before:
        assert take(mailbox, clock) == []
    for number in range(100):
        send(store, clock, f"{99 - number:02}", delay_ms=100 - number)
    clock.now += 200
    came: list[str] = []
    while bodies := take(mailbox, clock, 7):
        came += bodies
        assert len(mailbox._known) <= 21  # pyright: ignore[reportPrivateUsage]
    assert came == [f"{number:02}" for number in range(100)]


def test_what_is_sent_beyond_the_window_is_left_in_the_file(store: Store, clock: SetClock) -> None:
    for number in range(30):
        send(store, clock, f"near {number:02}", delay_ms=1 + number)
    mailbox = Mailbox(store, clock, window=10)
    assert mailbox.next_visible_at() == START_MS + 1
    send(store, clock, "now")
    for number in range(1_000):
        LocalTimers(store, clock).arm(f"far {number}", START_MS + 10_000 + number, Outgoing("g", f"far {number:04}"))
    assert len(mailbox._known) == 11  # pyright: ignore[reportPrivateUsage]
    assert take(mailbox, clock) == ["now"]
    clock.now += 20_000
    came: list[str] = []
    while bodies := take(mailbox, clock, 50):
        came += bodies
    assert came == [f"near {number:02}" for number in range(30)] + [f"far {number:04}" for number in range(1_000)]


# ---- lanes -----------------------------------------------------------------------------------------------------------


def test_a_lane_that_is_full_holds_up_no_other(store: Store, clock: SetClock) -> None:
    mailbox = Mailbox(store, clock, lane_of=lambda letter: int(letter.body.startswith("fast")))
    send(store, clock, "slow 1", "slow 2", "fast 1", "slow 3", "fast 2")
    assert [message.body for message in mailbox.receive(clock.now, 1, 0)] == ["slow 1"]
    assert [message.body for message in mailbox.receive(clock.now, 10, 1)] == ["fast 1", "fast 2"]
    assert not mailbox.has_visible(clock.now, 1)
    assert mailbox.has_visible(clock.now, 0)
    assert [message.body for message in mailbox.receive(clock.now, 10, 0)] == ["slow 2", "slow 3"]
    assert mailbox.next_visible_at() is None


def test_only_what_is_not_visible_yet_is_due_later(store: Store, clock: SetClock) -> None:
    mailbox = Mailbox(store, clock)
    send(store, clock, "waits for a taker")
    send(store, clock, "later", delay_ms=9)
    assert mailbox.has_visible(clock.now)
    assert (mailbox.next_visible_at(), mailbox.next_due_at()) == (START_MS, START_MS + 9)


# ---- threads ---------------------------------------------------------------------------------------------------------


def test_each_message_is_delivered_once_while_all_is_going_on_at_once(file_store: Store, clock: SetClock) -> None:
    """Senders, takers, looks and flushes, each of them in the others' way."""
    mailbox = Mailbox(file_store, clock, window=20)
    came: Counter[str] = Counter()
    lock = threading.Lock()
    sent_all = threading.Event()

    def sender(number: int) -> None:
        for message in range(50):
            send(file_store, clock, f"{number}-{message}")

    def taker() -> None:
        while True:
            over = sent_all.is_set()
            received = mailbox.receive(clock.now, 3)
            with lock:
                came.update(message.body for message in received)
            for message in received:
                mailbox.ack(message.id)
            if over and not received:
                return

    def looker() -> None:
        while not sent_all.is_set():
            mailbox.look_again()
            file_store.flush()

    with ThreadPoolExecutor(12) as pool:
        others = [pool.submit(taker) for _ in range(4)] + [pool.submit(looker)]
        for sending in [pool.submit(sender, number) for number in range(6)]:
            sending.result()
        sent_all.set()
        for other in others:
            other.result()
    assert len(came) == 300
    assert set(came.values()) == {1}
