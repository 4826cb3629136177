"""A child that its branch, its join or its task may abandon is recorded before it is started: whoever lets go of it knows of it.

Each play kills the worker between the two, or after both. What comes after that starts the child once more, which changes
nothing, or cancels it, born or not.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from milepost import AsyncStep, InvokeError, Retry, RunStatus, Step
from milepost.engine import keys
from milepost.engine.messages import Cancel, EventMessage, Poke, Start, decode
from milepost.engine.ports import Outgoing
from milepost.testing.crashes import WorkerKilled
from tests.engine.shop import DAY, Shop, is_signal, placed, starts_order
from tests.engine.stage import LEASE, SECOND, Call, Moment, Stage, sends

HOUR = timedelta(hours=1)


def dies(stage: Stage, moment: Moment) -> None:
    """The worker that is given the start is killed at this moment; its lease runs out."""

    def die() -> None:
        raise WorkerKilled

    with pytest.raises(WorkerKilled):
        stage.deliver(stage.one(EventMessage, starts_order), stage.overtaken(moment, die))
    stage.pass_time(LEASE + 1)


def right_after(moment: Moment) -> Moment:
    """The call that follows."""
    seen: list[Call] = []

    def fits(call: Call) -> bool:
        has_come = bool(seen)
        if moment(call):
            seen.append(call)
        return has_come

    return fits


def approved(stage: Stage, shop: Shop) -> None:
    """The event comes, and is given to whoever waits for it."""
    stage.send(shop.Approved(order_id="o-1", by="ada"))
    stage.deliver(stage.one(EventMessage, is_signal))


def told(stage: Stage, kind: type[Start | Cancel]) -> list[str]:
    """The runs that such messages in the hand are for."""
    messages = [decode(one.body) for one in stage.take()]
    return [message.run for message in messages if isinstance(message, kind)]


def sent_by(stage: Stage, deliver: Callable[[Callable[[Call], None]], object]) -> list[str]:
    """The runs whose starts are sent meanwhile."""
    runs: list[str] = []

    def watch(call: Call) -> None:
        if call.method == "send":
            found: list[Outgoing] = list(call.args[0])
            runs.extend(message.run for one in found if isinstance(message := decode(one.body), Start))

    deliver(watch)
    return runs


def races(shop: Shop, *, is_async: bool = False) -> None:
    """An event against a child that naps for a day."""

    @shop.app.function()
    def child(event: str, step: Step) -> str:
        step.sleep("nap", DAY)
        return step.run("c", shop.do, "c")

    if is_async:

        @shop.app.function(on=shop.Placed, waits_for=[shop.Approved], name="order")
        async def async_order(event: object, step: AsyncStep) -> object:
            won = await step.race(
                "first",
                lambda s: s.wait_for_event("approval", shop.Approved, order_id="o-1", timeout=9 * DAY),
                lambda s: s.invoke("child", child, "x"),
            )
            await step.sleep("after", 30 * DAY)
            return won.index

    else:

        @shop.app.function(on=shop.Placed, waits_for=[shop.Approved])
        def order(event: object, step: Step) -> object:
            won = step.race(
                "first",
                lambda s: s.wait_for_event("approval", shop.Approved, order_id="o-1", timeout=9 * DAY),
                lambda s: s.invoke("child", child, "x"),
            )
            step.sleep("after", 30 * DAY)
            return won.index


both = pytest.mark.parametrize("is_async", [False, True], ids=["def", "async"])
between = pytest.mark.parametrize("is_born", [False, True], ids=["unborn", "born"])


@both
@between
def test_a_child_is_cancelled_that_was_recorded_by_a_worker_that_died(shop: Shop, stage: Stage, is_born: bool, is_async: bool) -> None:
    races(shop, is_async=is_async)
    run = placed(stage, shop)
    dies(stage, right_after(sends(Start)) if is_born else sends(Start))
    child = keys.child_id(run, "first/1/child")
    approved(stage, shop)
    assert told(stage, Cancel) == []
    stage.run_until_idle()
    assert stage.header(child).status is RunStatus.CANCELLED
    stage.pass_time(31 * 86_400 * SECOND)
    stage.run_until_idle()
    assert stage.run(run).result == 0
    assert shop.did == []


@both
@between
def test_a_child_is_started_again_by_each_slice_until_one_has_suspended(shop: Shop, stage: Stage, is_born: bool, is_async: bool) -> None:
    races(shop, is_async=is_async)
    run = placed(stage, shop)
    dies(stage, right_after(sends(Start)) if is_born else sends(Start))
    child = keys.child_id(run, "first/1/child")

    def drive(id: str) -> list[str]:
        return sent_by(stage, lambda watch: stage.deliver(stage.message(Poke(run=run), id=id), stage.watching(watch)))

    assert drive("second") == [child]
    assert drive("third") == []
    stage.run_until_idle()
    stage.pass_time(86_401 * SECOND)
    stage.run_until_idle()
    assert shop.did == ["c"]


def test_a_child_is_started_though_the_slice_after_the_crash_did_not_come_to_it(shop: Shop, stage: Stage) -> None:
    """It failed before, and is tried again: that suspends, and so covers what it has not seen."""
    tries: list[int] = []

    @shop.app.function()
    def child(event: str, step: Step) -> str:
        return step.run("c", shop.do, "c")

    @shop.app.function(on=shop.Placed, retry=Retry(retries=2))
    def order(event: object, step: Step) -> str:
        tries.append(step.attempt)
        if len(tries) == 2:
            raise ConnectionError("again, please")
        return str(list(step.parallel("all", lambda s: s.invoke("child", child, "x"))))

    run = placed(stage, shop)
    dies(stage, sends(Start))
    stage.run_until_idle()
    assert shop.did == []
    stage.pass_time(3_600 * SECOND)
    stage.run_until_idle()
    assert tries[:3] == [1, 1, 2]
    assert shop.did == ["c"]
    assert stage.run(run).result == "['c']"


def test_no_child_is_started_twice_for_a_hand_over(shop: Shop, stage: Stage) -> None:
    """What a slice that handed over has recorded it has started."""

    @shop.app.function()
    def child(event: int, step: Step) -> int:
        return event

    @shop.app.function(on=shop.Placed)
    def order(event: object, step: Step) -> int:
        return sum(map(int, step.each("each", lambda s, item: s.invoke("child", child, item), range(150), concurrency=150)))

    run = placed(stage, shop)
    slow = stage.overtaken(sends(Start), lambda: stage.pass_time(56 * SECOND))
    starts = sent_by(stage, lambda watch: stage.deliver(stage.one(EventMessage, starts_order), stage.watching(watch, slow)))
    assert len(starts) == 100
    assert stage.header(run).said == 1
    starts += sent_by(stage, lambda watch: stage.run_until_idle(stage.watching(watch)))
    assert len(starts) == len(set(starts)) == 150
    stage.run_until_idle()
    assert stage.run(run).result == sum(range(150))


def test_the_children_of_a_join_that_has_failed_are_cancelled_after_a_crash(shop: Shop, stage: Stage) -> None:
    """Before, the starts came first: one child failed, the replay failed with it, and did not come to the others."""

    @shop.app.function(retry=Retry(retries=0))
    def child(event: int, step: Step) -> None:
        if event == 0:
            raise ValueError("no")
        step.sleep("nap", DAY)
        step.run("c", shop.do, "c")

    @shop.app.function(on=shop.Placed)
    def order(event: object, step: Step) -> str:
        try:
            step.invoke_many("children", child, [0, 1, 2])
        except InvokeError:
            step.sleep("after", 30 * DAY)
        return "done"

    run = placed(stage, shop)
    dies(stage, right_after(sends(Start)))
    failing = keys.child_id(run, "children/0")
    stage.deliver(stage.one(Start, lambda start: start.run == failing))
    stage.run_until_idle()
    children = [stage.header(keys.child_id(run, f"children/{index}")).status for index in range(3)]
    assert children == [RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.CANCELLED]
    assert shop.did == []
