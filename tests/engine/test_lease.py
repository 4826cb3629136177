"""Each conditional move of a run's header: when it succeeds, and each reason for which it is refused.

A refusal changes nothing, and hands the loser what stands there.
"""

from collections.abc import Callable, Iterator

import msgspec
import pytest

from milepost.engine import keys, lease
from milepost.engine.lifecycle import Move
from milepost.engine.origins import get_header, put_header
from milepost.engine.ports import ConditionFailed, Table
from milepost.engine.records import Failing, Header, Packed
from milepost.local.store import Store
from milepost.local.table import LocalTable
from milepost.runs import RunStatus

NOW = 1_000_000
TERMINAL = [RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED]
IDLE = [RunStatus.SCHEDULED, RunStatus.QUEUED, RunStatus.WAITING]


@pytest.fixture
def table() -> Iterator[Table]:
    with Store(None) as store:
        yield LocalTable(store)


def header(status: RunStatus = RunStatus.RUNNING, *, epoch: int = 3, inbox: int = 0, until: int | None = NOW + 100) -> Header:
    return Header(
        **keys.header("r")._asdict(),
        function="f",
        group="g",
        status=status,
        created_at=1,
        fn_shard="f#0",
        epoch=epoch,
        inbox=inbox,
        owner=None if until is None else "m-1",
        lease_until=until,
        acquired_at=NOW - 10,
        due_shard="due#1",
        next_due=NOW + 500,
        armed=NOW + 500,
    )


def idle(status: RunStatus = RunStatus.WAITING) -> Header:
    return header(status, until=None)


def claim(now: int = NOW, *, is_redelivered: bool = False) -> lease.Claim:
    return lease.Claim(owner="m-2", until=now + 75, now=now, version="v2", ttl=9, is_redelivered=is_redelivered)


def rest(*, queued: bool = False) -> lease.Rest:
    return lease.Rest(now=7, next_due=NOW + 900, armed=NOW + 900, attempt=2, retry_at=None, idle=0, undo=True, queued=queued)


def ending(move: Move = Move.COMPLETE, *, settled: bool = True) -> lease.Ending:
    return lease.Ending(move=move, result=Packed(text="1"), settled=settled)


def stands(table: Table) -> Header:
    found = get_header(table, "r")
    assert found is not None
    return found


def refused(table: Table, stored: Header, act: Callable[[], object]) -> None:
    put_header(table, stored)
    before = stands(table)
    with pytest.raises(ConditionFailed) as lost:
        act()
    assert lost.value.item is not None
    assert Header.from_item(lost.value.item) == before
    assert stands(table) == before


# ---- birth and acquire -----------------------------------------------------------------------------------------------


def test_a_run_is_born_once(table: Table) -> None:
    refused(table, header(), lambda: put_header(table, idle()))


@pytest.mark.parametrize("status", IDLE)
def test_acquire_takes_a_run_that_nobody_drives(table: Table, status: RunStatus) -> None:
    put_header(table, msgspec.structs.replace(idle(status), inbox=4, now=5, covered=2))
    taken = lease.acquire(table, "r", claim())
    assert taken == stands(table)
    assert (taken.status, taken.owner, taken.lease_until, taken.epoch, taken.inbox) == (RunStatus.RUNNING, "m-2", NOW + 75, 4, 0)
    assert (taken.now, taken.covered, taken.next_due, taken.armed) == (5, 2, NOW + 500, NOW + 500)  # left alone


def test_acquire_takes_over_an_expired_lease(table: Table) -> None:
    put_header(table, header(until=NOW - 1))
    assert lease.acquire(table, "r", claim()).epoch == 4


def test_acquire_is_refused_a_live_lease_to_its_last_millisecond(table: Table) -> None:
    refused(table, header(until=NOW), lambda: lease.acquire(table, "r", claim()))


@pytest.mark.parametrize("status", [*TERMINAL, RunStatus.PAUSED])
def test_acquire_is_refused_what_is_over_or_paused(table: Table, status: RunStatus) -> None:
    refused(table, idle(status), lambda: lease.acquire(table, "r", claim()))


def test_acquire_is_refused_to_an_obsolete_poke(table: Table) -> None:
    refused(table, idle(), lambda: lease.acquire(table, "r", claim(), not_after=NOW - 11))
    assert lease.acquire(table, "r", claim(), not_after=NOW - 10).epoch == 4


def test_acquire_of_nothing_finds_nothing(table: Table) -> None:
    with pytest.raises(ConditionFailed) as lost:
        lease.acquire(table, "r", claim())
    assert lost.value.item is None


def test_a_redelivered_acquire_is_watched_by_the_sweeper(table: Table) -> None:
    put_header(table, msgspec.structs.replace(header(until=NOW - 1), due_shard=None, next_due=None))
    taken = lease.acquire(table, "r", claim(is_redelivered=True))
    assert taken.due_shard == keys.due_shard(keys.shard("r"))
    assert taken.next_due is not None
    assert taken.next_due <= NOW + 75


# ---- bump ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inbox", [0, 2])
def test_bump_leaves_word(table: Table, inbox: int) -> None:
    known = header(inbox=inbox)
    put_header(table, known)
    lease.bump(table, known, now=42)
    assert (stands(table).inbox, stands(table).now) == (inbox + 1, 42)
    lease.bump(table, stands(table), now=7)
    assert (stands(table).inbox, stands(table).now) == (inbox + 2, 42)  # the run's clock never goes back


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(header(epoch=4), id="another holder"),
        pytest.param(header(inbox=1), id="somebody else's word"),
        pytest.param(idle(), id="released"),
        *[pytest.param(header(status), id=status) for status in (*TERMINAL, RunStatus.PAUSED)],
    ],
)
def test_bump_is_refused(table: Table, stored: Header) -> None:
    refused(table, stored, lambda: lease.bump(table, header(), now=0))


# ---- what the holder commits -----------------------------------------------------------------------------------------

COMMITS: dict[str, Callable[[Table, Header], object]] = {
    "suspend": lambda table, known: lease.suspend(table, known, rest(), seen=0),
    "hand over": lambda table, known: lease.hand_over(table, known, now=0, idle=1, next_due=NOW),
    "finish": lambda table, known: lease.finish(table, known, ending(), now=NOW, ttl=9),
    "pause": lambda table, known: lease.pause(table, known, reason="why", look_at=NOW, holder=True),
    "move": lambda table, known: lease.move(table, known, "heavy"),
    "note doing": lambda table, known: lease.note_doing(table, known, "a"),
    "note deaths": lambda table, known: lease.note_deaths(table, known, {"a": 1}),
}


@pytest.mark.parametrize("commit", COMMITS)
@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(header(epoch=4), id="another holder"),
        *[pytest.param(header(status), id=status) for status in (*TERMINAL, *IDLE, RunStatus.PAUSED)],
    ],
)
def test_only_the_holder_of_a_running_run_commits(table: Table, commit: str, stored: Header) -> None:
    refused(table, stored, lambda: COMMITS[commit](table, header()))


@pytest.mark.parametrize("commit", COMMITS)
def test_the_holder_commits(table: Table, commit: str) -> None:
    put_header(table, header())
    COMMITS[commit](table, header())
    after = stands(table)
    assert (after.lease_until is None) == (not commit.startswith("note"))
    assert after.epoch == 3


def test_suspend_minds_the_inbox_and_hand_over_does_not(table: Table) -> None:
    refused(table, header(inbox=1), lambda: lease.suspend(table, header(), rest(), seen=0))
    lease.hand_over(table, header(), now=0, idle=1, next_due=NOW)
    assert stands(table).status is RunStatus.WAITING


@pytest.mark.parametrize(("queued", "status"), [(False, RunStatus.WAITING), (True, RunStatus.QUEUED)])
def test_suspend_leaves_what_the_next_slice_needs(table: Table, queued: bool, status: RunStatus) -> None:
    put_header(table, header(inbox=2))
    lease.suspend(table, header(), rest(queued=queued), seen=2)
    after = stands(table)
    assert (after.status, after.covered, after.now, after.next_due, after.armed) == (status, 3, 7, NOW + 900, NOW + 900)
    assert (after.attempt, after.undo, after.owner, after.lease_until, after.doing) == (2, True, None, None, None)


def test_finish_that_is_settled_leaves_the_index_of_what_is_due(table: Table) -> None:
    put_header(table, header())
    ended = lease.finish(table, header(), ending(), now=NOW, ttl=9)
    assert (ended.status, ended.ended_at, ended.settled_at, ended.ttl) == (RunStatus.COMPLETED, NOW, NOW, 9)
    assert (ended.due_shard, ended.next_due, ended.armed) == (None, None, None)


def test_finish_that_is_not_settled_stays_in_it(table: Table) -> None:
    put_header(table, header())
    failed = lease.Ending(move=Move.FAIL, error=Failing(type="E", message="no"), settled=False)
    ended = lease.finish(table, header(), failed, now=NOW, ttl=9)
    assert (ended.status, ended.settled_at) == (RunStatus.FAILED, None)
    assert ended.due_shard is not None
    lease.settled(table, ended, now=NOW + 1, ttl=10)
    assert (stands(table).settled_at, stands(table).due_shard, stands(table).ttl) == (NOW + 1, None, 10)


def test_a_run_that_has_not_ended_cannot_be_settled(table: Table) -> None:
    refused(table, header(), lambda: lease.settled(table, header(), now=NOW, ttl=9))


# ---- cancel, pause, resume -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [*IDLE, RunStatus.RUNNING, RunStatus.PAUSED])
def test_anyone_cancels_and_the_lease_stays(table: Table, status: RunStatus) -> None:
    put_header(table, header(status))
    cancelled = lease.cancel(table, "r", now=NOW, reason="why")
    assert (cancelled.status, cancelled.reason, cancelled.ended_at) == (RunStatus.CANCELLED, "why", NOW)
    assert (cancelled.owner, cancelled.lease_until, cancelled.settled_at) == ("m-1", NOW + 100, None)


@pytest.mark.parametrize("status", TERMINAL)
def test_what_has_ended_is_not_cancelled(table: Table, status: RunStatus) -> None:
    refused(table, idle(status), lambda: lease.cancel(table, "r", now=NOW, reason="why"))


def test_a_pause_by_another_keeps_the_lease_for_its_holder(table: Table) -> None:
    put_header(table, header())
    lease.pause(table, header(), reason="why", look_at=NOW + 5, holder=False)
    paused = stands(table)
    assert (paused.status, paused.owner, paused.reason) == (RunStatus.PAUSED, "m-1", "why")
    assert (paused.due_shard, paused.next_due) == (keys.paused_shard(keys.shard("r")), NOW + 5)
    assert not lease.release(table, paused)
    assert stands(table).lease_until is None


@pytest.mark.parametrize("status", [*TERMINAL, RunStatus.PAUSED])
def test_what_is_over_or_paused_is_not_paused(table: Table, status: RunStatus) -> None:
    refused(table, idle(status), lambda: lease.pause(table, idle(), reason="why", look_at=NOW, holder=False))


def test_a_holder_that_releases_learns_that_the_run_was_resumed(table: Table) -> None:
    put_header(table, header())
    lease.pause(table, header(), reason="why", look_at=NOW, holder=False)
    lease.resume(table, "r", now=NOW)
    assert lease.release(table, header())
    assert stands(table).lease_until is None


def test_a_holder_releases_nobody_elses_lease(table: Table) -> None:
    put_header(table, header(epoch=4))
    assert not lease.release(table, header())
    assert stands(table).owner == "m-1"


def test_resume_puts_the_run_where_the_sweeper_looks(table: Table) -> None:
    put_header(table, msgspec.structs.replace(idle(RunStatus.PAUSED), reason="why", deaths={"a": 4}, idle=9))
    resumed = lease.resume(table, "r", now=NOW)
    assert (resumed.status, resumed.reason, resumed.deaths, resumed.idle) == (RunStatus.WAITING, None, {}, 0)
    assert (resumed.due_shard, resumed.next_due) == (keys.due_shard(keys.shard("r")), NOW)


@pytest.mark.parametrize("status", [*TERMINAL, *IDLE, RunStatus.RUNNING])
def test_what_is_not_paused_is_not_resumed(table: Table, status: RunStatus) -> None:
    refused(table, idle(status), lambda: lease.resume(table, "r", now=NOW))


@pytest.mark.parametrize(
    ("stored", "fenced"),
    [(header(), False), (header(inbox=5), False), (header(epoch=4), True), (header(RunStatus.CANCELLED), True), (idle(), True)],
)
def test_fenced_is_who_no_longer_drives(stored: Header, fenced: bool) -> None:
    assert lease.is_fenced(ConditionFailed(stored.key, stored.to_item()), 3) is fenced
