"""A service fails while branches, items or tasks go on at once: none of them sees it, and what has not begun does not."""

import asyncio
from threading import Barrier, Event

import pytest

from milepost import AsyncStep, Step
from milepost.engine.interrupts import Interrupt
from milepost.engine.ports import PortError
from tests.engine.failing import Failure, fail, finish, lent, writes_step
from tests.engine.shop import Shop, placed
from tests.engine.stage import Call, Stage, puts


@pytest.mark.parametrize("threads", [True, False], ids=["on lent threads", "one after the other"])
@pytest.mark.parametrize("kind", ["parallel", "race", "map"])
def test_branches_do_not_see_it(shop: Shop, stage: Stage, kind: str, *, threads: bool) -> None:
    seen: list[BaseException] = []

    @shop.app.function(on=shop.Placed, retries=0)
    def order(event: object, step: Step) -> str:
        def branch(step: Step) -> str:
            try:
                return step.run("do", shop.do, "x")
            except Exception as error:
                seen.append(error)
                raise

        try:
            match kind:
                case "parallel":
                    return "".join(step.parallel("many", branch, branch, branch))
                case "race":
                    return step.race("many", branch, branch, branch).value * 3
                case _:
                    return "".join(step.map("many", shop.do, ["x", "x", "x"]))
        except Exception as error:
            seen.append(error)
            raise

    def first_branch(call: Call) -> bool:
        return writes_step("many/0/do" if kind != "map" else "many/0")(call)

    run = placed(stage, shop)
    with lent(stage.worker) as worker:
        fail(stage, Failure(first_branch if kind != "race" else lambda call: "step#many" in str(call.args)), worker if threads else None)
    assert finish(stage, run) == "xxx"
    assert seen == []


def test_a_sibling_that_has_done_its_step_still_records_it(shop: Shop, stage: Stage) -> None:
    together, failed = Barrier(2, timeout=20), Event()

    @shop.app.function(on=shop.Placed, retries=0)
    def order(event: object, step: Step) -> str:
        def slow(what: str) -> str:
            if not failed.is_set():
                together.wait()
            if what == "slow":
                assert failed.wait(20)
            return shop.do(what)

        def second(step: Step) -> str:
            return step.run("do", slow, "slow") + step.run("more", shop.do, "more")

        return "".join(step.parallel("two", lambda s: s.run("do", slow, "quick"), second))

    def fails(call: Call) -> bool:
        fits: bool = puts("two/0/do")(call)
        if fits:
            failed.set()
        return fits

    run = placed(stage, shop)
    with lent(stage.worker) as worker:
        fail(stage, Failure(fails), worker)
    assert sorted(shop.did) == ["quick", "slow"]
    assert finish(stage, run) == "quickslowmore"
    assert sorted(shop.did) == ["more", "quick", "quick", "slow"]


def test_what_had_not_begun_in_a_map_does_not(shop: Shop, stage: Stage) -> None:
    @shop.app.function(on=shop.Placed, retries=0)
    def order(event: object, step: Step) -> int:
        return len(step.map("each", shop.do, ["x"] * 50, concurrency=2))

    run = placed(stage, shop)
    with lent(stage.worker) as worker:
        fail(stage, Failure(lambda call: call.method == "write_many"), worker)
    assert len(shop.did) < 20
    assert finish(stage, run) == 50


def test_tasks_of_an_async_body_do_not_see_it(shop: Shop, stage: Stage) -> None:
    seen: list[BaseException] = []

    @shop.app.function(on=shop.Placed, retries=0)
    async def order(event: object, step: AsyncStep) -> str:
        async def one(name: str) -> str:
            try:
                return await step.run(name, shop.do, name)
            except BaseException as error:
                if not isinstance(error, Interrupt):
                    seen.append(error)
                raise

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(name), name=name) for name in "abc"]
            more = await asyncio.gather(one("d"), one("e"), return_exceptions=True)
            return "".join([task.result() for task in tasks] + [str(value) for value in more])
        except Exception as error:
            seen.append(error)
            raise

    run = placed(stage, shop)
    fail(stage, Failure(writes_step("b/b")))
    fail_again = Failure(writes_step("one/d"))
    with pytest.raises(PortError):
        stage.run_until_idle(fail_again.on(stage.worker))
    assert finish(stage, run) == "abcde"
    assert seen == []


@pytest.mark.parametrize("kind", ["parallel", "race", "map"])
def test_async_branches_do_not_see_it(shop: Shop, stage: Stage, kind: str) -> None:
    seen: list[BaseException] = []

    @shop.app.function(on=shop.Placed, retries=0)
    async def order(event: object, step: AsyncStep) -> str:
        async def branch(step: AsyncStep) -> str:
            return await step.run("do", shop.do, "x")

        try:
            match kind:
                case "parallel":
                    return "".join(await step.parallel("many", branch, branch, branch))
                case "race":
                    return (await step.race("many", branch, branch, branch)).value * 3
                case _:
                    return "".join(await step.map("many", shop.do, ["x", "x", "x"]))
        except Exception as error:
            seen.append(error)
            raise

    run = placed(stage, shop)
    fail(stage, Failure(lambda call: "step#many" in str(call.args)))
    assert finish(stage, run) == "xxx"
    assert seen == []
