"""What the long seeds found in the replay of ended runs, and in branches that outlive their slice, each played by hand for `def` and
`async def` bodies: what went wrong, what holds now.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any, Literal, cast

import pytest

from milepost import AsyncStep, Retry, RunStatus, Step
from milepost.engine import keys
from milepost.engine.deliver import Ack
from milepost.engine.messages import EventMessage, TimerDue
from milepost.testing.crashes import WorkerKilled
from tests.engine.shop import DAY, HOUR_MS, Shop, placed, starts_order
from tests.engine.stage import LEASE, SECOND, Moment, Stage, commits

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
Body = Literal["def", "async def"]
pytestmark = pytest.mark.parametrize("body", ["def", "async def"])


def is_undone(stage: Stage, shop: Shop, run: str) -> None:
    """All that the run did was undone, the last first."""
    undo = stage.header(keys.handler_id(run, "undo"))
    assert undo.status is RunStatus.COMPLETED, undo.reason
    begun = [what for what in shop.did if not what.startswith("not ")]
    assert shop.did == [*begun, *(f"not {what}" for what in reversed(begun))]


class Deeds:
    """Steps with compensations, as branches of either kind of body use them."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def do(self, step: Step, what: str) -> None:
        step.options(compensate=self._undo).run(what, self._shop.do, what)

    async def ado(self, step: AsyncStep, what: str) -> None:
        await step.options(compensate=self._undo).run(what, self._shop.do, what)

    def _undo(self, what: str) -> None:
        self._shop.do(f"not {what}")

    def pay(self, step: Step) -> None:
        self.do(step, "pay")
        step.sleep("long", DAY)

    async def apay(self, step: AsyncStep) -> None:
        await self.ado(step, "pay")
        await step.sleep("long", DAY)

    def group(self, step: Step, kind: str) -> None:
        """A group that ends, in which things are done."""
        match kind:
            case "map":
                step.map("group", str, ["a", "b"])
            case "each":
                step.each("group", self.do, ["a", "b"])
            case "parallel":
                step.parallel("group", lambda s: self.do(s, "a"), lambda s: self.do(s, "b"))
            case _:
                step.race("group", self.pay, lambda s: self.do(s, "b"))

    async def agroup(self, step: AsyncStep, kind: str) -> None:
        match kind:
            case "map":
                await step.map("group", str, ["a", "b"])
            case "each":
                await step.each("group", self.ado, ["a", "b"])
            case "parallel":
                await step.parallel("group", lambda s: self.ado(s, "a"), lambda s: self.ado(s, "b"))
            case _:
                await step.race("group", self.apay, lambda s: self.ado(s, "b"))


# ---- beside the branch that decides ----------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", ["alone", "in a branch"])
def test_a_race_that_time_alone_has_won_since_its_run_ended_is_undone_in_all_branches(
    shop: Shop, stage: Stage, body: Body, depth: str
) -> None:
    """Seeds 13580 and 10801. The run was cancelled before the nap of the first branch was over, and undone after that: the replay
    took the race as won, and did not come to what the branch beside it had done.
    """
    deeds = Deeds(shop)
    if body == "def":

        def race(step: Step) -> None:
            step.race("any", lambda s: s.sleep("nap", HOUR), deeds.pay)

        @shop.app.function(on=shop.Placed)
        def order(event: object, step: Step) -> None:
            if depth == "alone":
                race(step)
            else:
                step.parallel("all", race, lambda s: s.sleep("longer", DAY))

    else:

        async def arace(step: AsyncStep) -> None:
            await step.race("any", lambda s: s.sleep("nap", HOUR), deeds.apay)

        @shop.app.function(on=shop.Placed, name="order")
        async def aorder(event: object, step: AsyncStep) -> None:
            if depth == "alone":
                await arace(step)
            else:
                await step.parallel("all", arace, lambda s: s.sleep("longer", DAY))

    run = placed(stage, shop)
    stage.run_until_idle()
    stage.client.cancel(run)
    stage.take()
    stage.pass_time(HOUR_MS + SECOND)
    stage.run_until_idle()
    assert shop.did[0] == "pay"
    is_undone(stage, shop, run)


@pytest.mark.parametrize("depth", ["alone", "in a race"])
@pytest.mark.parametrize("group", ["parallel", "each"])
def test_what_was_done_beside_a_failure_that_nobody_lived_to_record_is_undone(
    shop: Shop, stage: Stage, body: Body, group: str, depth: str
) -> None:
    """Seeds 10024 and 10801. The first branch failed for good, its worker died before the group's end was recorded, and the run was
    cancelled: the replay of its undo run went no further than the branch that failed.
    """
    deeds = Deeds(shop)
    retry = Retry(retries=1, delays=(MINUTE,))

    def fails() -> None:
        raise ConnectionError("again, please")

    if body == "def":

        def branch(step: Step, what: str) -> None:
            deeds.pay(step) if what == "pay" else step.run("fails", fails)

        def both(step: Step) -> None:
            if group == "each":
                step.each("both", branch, ["fails", "pay"])
            else:
                step.parallel("both", lambda s: branch(s, "fails"), deeds.pay)

        @shop.app.function(on=shop.Placed, retry=retry)
        def order(event: object, step: Step) -> None:
            both(step) if depth == "alone" else step.race("any", both, lambda s: s.sleep("longer", DAY))

    else:

        async def abranch(step: AsyncStep, what: str) -> None:
            await (deeds.apay(step) if what == "pay" else step.run("fails", fails))

        async def aboth(step: AsyncStep) -> None:
            if group == "each":
                await step.each("both", abranch, ["fails", "pay"])
            else:
                await step.parallel("both", lambda s: abranch(s, "fails"), deeds.apay)

        @shop.app.function(on=shop.Placed, name="order", retry=retry)
        async def aorder(event: object, step: AsyncStep) -> None:
            await (aboth(step) if depth == "alone" else step.race("any", aboth, lambda s: s.sleep("longer", DAY)))

    path = "both" if depth == "alone" else "any/0/both"
    run = placed(stage, shop)
    stage.run_until_idle()
    stage.pass_time(2 * 60 * SECOND)
    dies(stage, puts_final(path))
    failed = stage.record(run, f"{path}/0/fails")
    assert failed is not None
    assert failed.status == "failed"
    stage.client.cancel(run)
    stage.pass_time(LEASE)
    stage.run_until_idle()
    assert shop.did[0] == "pay"
    is_undone(stage, shop, run)


def puts_final(path: str) -> Moment:
    """The end of what is at this path is put, alone or with others."""
    sk = f"step#{path}"

    def fits(call: Any) -> bool:
        if call.method == "put":
            items = [call.args[0]]
        elif call.method == "write_many":
            items = [one.item for one in call.args[0] if getattr(one, "item", None) is not None]
        else:
            return False
        return any(item["sk"] == sk and item["status"] != "pending" for item in items)

    return fits


def dies(stage: Stage, moment: Moment) -> None:
    """The run's timer comes to a worker that dies at this moment."""

    def die() -> None:
        raise WorkerKilled

    with pytest.raises(WorkerKilled):
        stage.deliver(stage.one(TimerDue), stage.overtaken(moment, die))


# ---- a group that lost -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group", ["map", "each", "parallel", "race"])
def test_what_a_lost_branch_did_after_a_group_of_its_own_is_undone(shop: Shop, stage: Stage, body: Body, group: str) -> None:
    """Seed 11414. That a map has so many items is a record, and was cancelled with the branch that lost: the replay stopped there, and
    did not come to what the branch had done in it and after it.
    """
    deeds = Deeds(shop)
    if body == "def":

        def loses(step: Step) -> None:
            deeds.group(step, group)
            deeds.pay(step)

        @shop.app.function(on=shop.Placed, waits_for=[shop.Approved], retries=0)
        def order(event: object, step: Step) -> None:
            step.race("any", loses, lambda s: s.wait_for_event("approval", shop.Approved, order_id="o-1", timeout=DAY))
            raise ValueError("after all")

    else:

        async def aloses(step: AsyncStep) -> None:
            await deeds.agroup(step, group)
            await deeds.apay(step)

        @shop.app.function(on=shop.Placed, name="order", waits_for=[shop.Approved], retries=0)
        async def aorder(event: object, step: AsyncStep) -> None:
            await step.race("any", aloses, lambda s: s.wait_for_event("approval", shop.Approved, order_id="o-1", timeout=DAY))
            raise ValueError("after all")

    run = placed(stage, shop)
    stage.run_until_idle()
    assert shop.did[-1] == "pay"
    stage.send(shop.Approved(order_id="o-1"))
    stage.run_until_idle()
    assert stage.header(run).status is RunStatus.FAILED
    is_undone(stage, shop, run)


@pytest.mark.parametrize("group", ["map", "each"])
def test_a_group_that_lost_half_way_is_undone_as_far_as_it_came(shop: Shop, stage: Stage, body: Body, group: str) -> None:
    """The same of a group one of whose items still waited, with what another had done and what came before it."""
    deeds = Deeds(shop)

    def fails_on_b(what: str) -> None:
        if what == "b":
            raise ConnectionError("again, please")

    retry = Retry(retries=1, delays=(HOUR,))
    if body == "def":

        def item(step: Step, what: str) -> None:
            deeds.do(step, what)
            step.run("then", fails_on_b, what)

        def loses(step: Step) -> None:
            deeds.do(step, "first")
            step.each("group", item, ["a", "b"]) if group == "each" else step.map("group", fails_on_b, ["a", "b"])

        @shop.app.function(on=shop.Placed, waits_for=[shop.Approved], retry=retry)
        def order(event: object, step: Step) -> None:
            step.race("any", loses, lambda s: s.wait_for_event("approval", shop.Approved, order_id="o-1", timeout=DAY))
            step.sleep("longer", 2 * DAY)

    else:

        async def aitem(step: AsyncStep, what: str) -> None:
            await deeds.ado(step, what)
            await step.run("then", fails_on_b, what)

        async def aloses(step: AsyncStep) -> None:
            await deeds.ado(step, "first")
            await (step.each("group", aitem, ["a", "b"]) if group == "each" else step.map("group", fails_on_b, ["a", "b"]))

        @shop.app.function(on=shop.Placed, name="order", waits_for=[shop.Approved], retry=retry)
        async def aorder(event: object, step: AsyncStep) -> None:
            await step.race("any", aloses, lambda s: s.wait_for_event("approval", shop.Approved, order_id="o-1", timeout=DAY))
            await step.sleep("longer", 2 * DAY)

    run = placed(stage, shop)
    stage.run_until_idle()
    stage.send(shop.Approved(order_id="o-1"))
    stage.run_until_idle()
    stage.client.cancel(run)
    stage.run_until_idle()
    assert stage.header(run).status is RunStatus.CANCELLED
    assert shop.did[0] == "first"
    is_undone(stage, shop, run)


# ---- a clock of another worker ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["in the body", "in a branch"])
def test_a_sleep_that_only_a_faster_clock_has_seen_end_is_over_for_the_undo_run(shop: Shop, stage: Stage, body: Body, where: str) -> None:
    """Seed 13485. A worker with a fast clock took a nap as over, went on, and was told of the cancel before it could say where the run
    was; on a slow clock the nap was not over, and the replay did not come to what had been done after it.
    """
    deeds = Deeds(shop)
    if body == "def":

        def naps(step: Step) -> None:
            step.sleep("nap", HOUR)
            deeds.pay(step)

        @shop.app.function(on=shop.Placed)
        def order(event: object, step: Step) -> None:
            naps(step) if where == "in the body" else step.parallel("both", naps, lambda s: s.sleep("longer", DAY))

    else:

        async def anaps(step: AsyncStep) -> None:
            await step.sleep("nap", HOUR)
            await deeds.apay(step)

        @shop.app.function(on=shop.Placed, name="order")
        async def aorder(event: object, step: AsyncStep) -> None:
            await (anaps(step) if where == "in the body" else step.parallel("both", anaps, lambda s: s.sleep("longer", DAY)))

    run = placed(stage, shop)
    stage.run_until_idle()
    stage.pass_time(HOUR_MS - 5 * SECOND)
    due = stage.clock.at_ms + 5 * SECOND
    fast = stage.overtaken(commits("waiting"), lambda: stage.client.cancel(run), stage.new_worker(ahead_ms=5 * SECOND))
    assert stage.deliver(stage.message(TimerDue(run=run, due_at=due)), fast) == Ack()
    assert shop.did == ["pay"]
    assert stage.header(run).status is RunStatus.CANCELLED
    assert stage.header(run).now < due
    stage.run_until_idle(stage.new_worker(ahead_ms=-5 * SECOND))
    assert stage.clock.at_ms < due
    is_undone(stage, shop, run)


# ---- a branch that is left behind ------------------------------------------------------------------------------------


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def test_a_branch_that_its_broken_race_left_behind_begins_nothing_more(
    shop: Shop, stage: Stage, threads: ThreadPoolExecutor, body: Body
) -> None:
    """Seed 12743. One branch of a race broke, and the body was to be tried again later; another was in a step, and when that had ended
    began the next, although its slice was over and, for all it knew, the run cancelled and settled.
    """
    is_in_step, may_go_on = Event(), Event()

    def slow() -> None:
        is_in_step.set()
        assert may_go_on.wait(20)

    def breaks() -> None:
        assert is_in_step.wait(20)

    if body == "def":

        def loses(step: Step) -> None:
            step.run("slow", slow)
            step.run("late", shop.do, "late")

        def broken(step: Step) -> None:
            step.run("breaks", breaks)
            raise ConnectionError("again, please")

        @shop.app.function(on=shop.Placed, retry=Retry(retries=1, delays=(HOUR,)))
        def order(event: object, step: Step) -> None:
            step.race("any", loses, broken)

    else:

        async def aloses(step: AsyncStep) -> None:
            await step.run("slow", slow)
            await step.run("late", shop.do, "late")

        async def abroken(step: AsyncStep) -> None:
            await step.run("breaks", breaks)
            raise ConnectionError("again, please")

        @shop.app.function(on=shop.Placed, name="order", retry=Retry(retries=1, delays=(HOUR,)))
        async def aorder(event: object, step: AsyncStep) -> None:
            await step.race("any", aloses, abroken)

    run = placed(stage, shop)
    worker = replace(stage.worker, threads=threads, spawn=cast(Callable[[Callable[[], None]], None], threads.submit))
    assert stage.deliver(stage.one(EventMessage, starts_order), worker) == Ack()
    assert stage.header(run).attempt == 2
    stage.client.cancel(run)
    stage.run_until_idle()
    assert stage.header(run).settled_at is not None
    may_go_on.set()
    threads.shutdown()  # when all that was left behind has ended
    assert shop.did == []
