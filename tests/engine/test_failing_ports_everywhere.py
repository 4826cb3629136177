"""Whatever the call is that fails, the slice ends there: blobs, waits, the header, the end of a run."""

import asyncio
from typing import Any

import pytest

from milepost import AsyncStep, Step
from milepost.engine.ports import PortError
from milepost.runs import RunStatus
from tests.engine.failing import DAY_MS, LARGE, Failure, fail, finish, finish_after_a_day, large
from tests.engine.shop import DAY, Shop, placed
from tests.engine.stage import LEASE, Stage, commits, queries, writes

# ---- blobs, waits, the guard -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["put", "get"])
def test_a_blob_that_cannot_be_had_now_is_had_later(shop: Shop, stage: Stage, method: str) -> None:
    seen: list[BaseException] = []

    @shop.app.function(on=shop.Placed, retries=0)
    def order(event: object, step: Step) -> int:
        try:
            text = step.run("large", large)
        except Exception as error:
            seen.append(error)
            raise
        step.sleep("rest", DAY)
        return len(text)

    run = placed(stage, shop)
    failure = Failure(lambda call: call.port == "blobs" and call.method == method)
    if method == "get":
        stage.run_until_idle()
        stage.pass_time(DAY_MS)
    fail(stage, failure)
    assert finish(stage, run) == LARGE if method == "get" else finish_after_a_day(stage, run) == LARGE
    assert seen == []


@pytest.mark.parametrize("method", ["put", "get"])
def test_a_blob_of_an_async_body_too(shop: Shop, stage: Stage, method: str) -> None:
    seen: list[object] = []

    @shop.app.function(on=shop.Placed, retries=0)
    async def order(event: object, step: AsyncStep) -> int:
        async def get(name: str, seed: int) -> str:
            return await step.run(name, large, seed)

        results = await asyncio.gather(get("one", 1), get("two", 2), return_exceptions=True)
        text = await step.run("large", large, 3)
        seen.extend(result for result in results if not isinstance(result, str))
        await step.sleep("rest", DAY)
        return len(text)

    run = placed(stage, shop)
    if method == "get":
        stage.run_until_idle()
        stage.pass_time(DAY_MS)
    for number in (1, 2, 3):
        nth = iter(range(1, 100))
        failure = Failure(lambda call, nth=nth, number=number: call.port == "blobs" and call.method == method and next(nth) == number)  # type: ignore[misc]
        fail(stage, failure)
        stage.pass_time(LEASE + 1)
    assert finish(stage, run) == LARGE if method == "get" else finish_after_a_day(stage, run) == LARGE
    assert seen == []


@pytest.mark.parametrize("when", [queries("event#"), writes("wait#")], ids=["look-back", "registration"])
@pytest.mark.parametrize("has_effect", [False, True], ids=["nothing happened", "it happened all the same"])
def test_a_wait_that_could_not_look_back_looks_again(shop: Shop, stage: Stage, when: Any, *, has_effect: bool) -> None:
    shop.waits()
    run = placed(stage, shop)
    stage.send(shop.Approved(order_id="o-1"), id="early")
    fail(stage, Failure(when, has_effect=has_effect))
    assert finish(stage, run) == "ada"
    assert shop.did == ["a", "b"]


def test_a_header_that_cannot_be_read_before_a_step_ends_the_slice(shop: Shop, stage: Stage) -> None:
    @shop.app.function(on=shop.Placed, retries=0)
    def order(event: object, step: Step) -> str:
        def slow() -> str:
            stage.pass_time(3_000)
            return shop.do("a")

        try:
            return step.run("a", slow) + step.run("b", shop.do, "b")
        except Exception:  # noqa: BLE001
            return "seen"

    run = placed(stage, shop)
    fail(stage, Failure(lambda call: call.method == "get" and call.args[0].sk == "run" and stage.clock.now_ms() > 0 and "a" in shop.did))
    assert finish(stage, run) == "ab"
    assert shop.did == ["a", "b"]


# ---- the end ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["waiting", "completed"])
@pytest.mark.parametrize("has_effect", [False, True], ids=["nothing happened", "it happened all the same"])
def test_a_header_that_could_not_be_written_is_written_later(shop: Shop, stage: Stage, status: str, *, has_effect: bool) -> None:
    shop.waits()
    run = placed(stage, shop)
    if status == "completed":
        stage.send(shop.Approved(order_id="o-1"), id="early")
    fail(stage, Failure(commits(status), has_effect=has_effect))
    if status == "waiting":
        stage.run_until_idle()
        stage.send(shop.Approved(order_id="o-1"), id="late")
    assert finish(stage, run) == "ada"
    assert shop.did == ["a", "b"]


@pytest.mark.parametrize("number", range(1, 30))
@pytest.mark.parametrize("has_effect", [False, True], ids=["nothing happened", "it happened all the same"])
def test_any_call_of_a_parent_and_its_child_may_fail(shop: Shop, stage: Stage, number: int, *, has_effect: bool) -> None:
    """The calls of settling among them."""
    shop.parent_and_child()
    run = placed(stage, shop)
    nth = iter(range(1, 1_000))
    failure = Failure(lambda _call: next(nth) == number, has_effect=has_effect)
    try:
        stage.run_until_idle(failure.on(stage.worker))
    except PortError as error:
        assert error is failure.error  # noqa: PT017
    for _ in range(3):
        stage.run_until_idle()
        stage.pass_time(LEASE + 1)
    assert stage.run(run).status is RunStatus.WAITING or stage.run(run).status is RunStatus.COMPLETED
    stage.pass_time(10 * DAY_MS)
    stage.run_until_idle()
    assert stage.run(run).status.is_terminal
    assert stage.header(run).settled_at is not None


def test_a_compensation_whose_history_cannot_be_read_runs_later(shop: Shop, stage: Stage) -> None:
    @shop.app.function(on=shop.Placed, retries=0)
    def order(event: object, step: Step) -> None:
        def undo(what: str) -> None:
            shop.do(f"undo {what}")

        step.options(compensate=undo).run("a", shop.do, "a")
        raise LookupError

    run = placed(stage, shop)
    reads = iter(range(1, 1_000))
    fail(stage, Failure(lambda call: "undo" not in str(call.args) and queries(f"run#{run}")(call) and next(reads) == 2))
    stage.run_until_idle()
    assert stage.run(run).status is RunStatus.FAILED
    assert shop.did == ["a", "undo a"]
