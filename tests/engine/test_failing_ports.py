"""A service beneath fails: the slice ends there, the message comes back, and the run knows nothing of it.

Each test ends with what a run comes to whose services never failed.
"""

import pytest

from milepost import AsyncStep, Step, StepError, StepInterrupted
from milepost.engine.deliver import Ack, Later
from milepost.engine.messages import EventMessage
from milepost.engine.ports import PortError
from tests.engine.failing import ERRORS, Failure, fail, finish, writes_step
from tests.engine.shop import Shop, placed
from tests.engine.stage import LEASE, Stage, puts

# ---- a step's record -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("has_effect", [False, True], ids=["nothing happened", "it happened all the same"])
def test_a_body_does_not_see_that_its_step_could_not_be_recorded(shop: Shop, stage: Stage, error: Exception, *, has_effect: bool) -> None:
    seen: list[BaseException] = []

    @shop.app.function(on=shop.Placed, retries=0)
    def order(event: object, step: Step) -> str:
        try:
            first = step.run("a", shop.do, "a")
        except Exception as caught:  # noqa: BLE001
            seen.append(caught)
            first = "?"
        return first + step.run("b", shop.do, "b")

    run = placed(stage, shop)
    fail(stage, Failure(puts("a"), error, has_effect=has_effect))
    assert finish(stage, run) == "ab"
    assert shop.did == (["a", "b"] if has_effect else ["a", "a", "b"])
    assert seen == []


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("has_effect", [False, True], ids=["nothing happened", "it happened all the same"])
def test_an_async_body_does_not_either(shop: Shop, stage: Stage, error: Exception, *, has_effect: bool) -> None:
    seen: list[BaseException] = []

    @shop.app.function(on=shop.Placed, retries=0)
    async def order(event: object, step: AsyncStep) -> str:
        try:
            first = await step.run("a", shop.do, "a")
        except Exception as caught:  # noqa: BLE001
            seen.append(caught)
            first = "?"
        return first + await step.run("b", shop.do, "b")

    run = placed(stage, shop)
    fail(stage, Failure(writes_step("a"), error, has_effect=has_effect))
    assert finish(stage, run) == "ab"
    assert shop.did == (["a", "b"] if has_effect else ["a", "a", "b"])
    assert seen == []


def test_the_message_stays_ours_and_comes_back_when_the_lease_ends(shop: Shop, stage: Stage) -> None:
    shop.two_steps()
    run = placed(stage, shop)
    message = stage.one(EventMessage)
    with pytest.raises(PortError):
        stage.deliver(message, Failure(puts("a")).on(stage.worker))
    assert stage.header(run).owner == message.id
    [again] = stage.hand
    assert stage.deliver(again) == Later(stage.clock.now_ms() + LEASE + 1)
    stage.pass_time(LEASE + 1)
    assert stage.deliver(stage.hand[0]) == Ack()
    assert stage.run(run).result == "ab"


def test_what_a_step_function_raises_is_its_own_failure_as_before(shop: Shop, stage: Stage) -> None:
    @shop.app.function(on=shop.Placed, retries=0)
    def order(event: object, step: Step) -> str:
        def throttled() -> str:
            raise PortError("of a client of the user's own")

        try:
            return step.run("a", throttled)
        except StepError as error:
            return f"{error}"

    run = placed(stage, shop)
    assert "of a client of the user's own" in finish(stage, run)


@pytest.mark.parametrize("where", ["step", "body"])
def test_a_door_of_the_app_raises_in_the_code_that_uses_it(shop: Shop, stage: Stage, where: str) -> None:
    @shop.app.function(on=shop.Placed, retries=0)
    def order(event: object, step: Step) -> str:
        def tell() -> str:
            try:
                shop.app.send(shop.Approved(order_id="o-1"))
            except PortError as error:
                return f"not told: {error}"
            return "told"

        return step.run("tell", tell) if where == "step" else tell()

    run = placed(stage, shop)
    failure = Failure(lambda call: call.port == "bus")
    assert finish(stage, run, failure.on(stage.worker)) == "not told: throttled"


def test_a_door_of_the_app_raises_in_an_async_step_too(shop: Shop, stage: Stage) -> None:
    @shop.app.function(on=shop.Placed, retries=0)
    async def order(event: object, step: AsyncStep) -> str:
        async def tell() -> str:
            try:
                shop.app.send(shop.Approved(order_id="o-1"))
            except PortError as error:
                return f"not told: {error}"
            return "told"

        return await step.run("tell", tell)

    run = placed(stage, shop)
    failure = Failure(lambda call: call.port == "bus")
    assert finish(stage, run, failure.on(stage.worker)) == "not told: throttled"


def test_an_event_that_the_bus_did_not_take_is_sent_again_and_no_attempt_is_counted(shop: Shop, stage: Stage) -> None:
    @shop.app.function(on=shop.Placed, retries=0)
    def order(event: object, step: Step) -> str:
        step.send_event("tell", shop.Approved(order_id="o-1"))
        return "told"

    run = placed(stage, shop)
    fail(stage, Failure(lambda call: call.port == "bus"))
    assert finish(stage, run) == "told"
    record = stage.record(run, "tell")
    assert record is not None
    assert record.attempts <= 1


# ---- the body goes on all the same -----------------------------------------------------------------------------------


def test_finally_runs_but_begins_nothing(shop: Shop, stage: Stage) -> None:
    @shop.app.function(on=shop.Placed, retries=0)
    def order(event: object, step: Step) -> str:
        try:
            return step.run("a", shop.do, "a")
        finally:
            step.run("b", shop.do, "b")

    run = placed(stage, shop)
    fail(stage, Failure(puts("a")))
    assert shop.did == ["a"]
    assert finish(stage, run) == "a"
    assert shop.did == ["a", "a", "b"]


def test_finally_of_an_async_body_begins_nothing(shop: Shop, stage: Stage) -> None:
    @shop.app.function(on=shop.Placed, retries=0)
    async def order(event: object, step: AsyncStep) -> str:
        try:
            return await step.run("a", shop.do, "a")
        finally:
            await step.run("b", shop.do, "b")

    run = placed(stage, shop)
    fail(stage, Failure(writes_step("a")))
    assert shop.did == ["a"]
    assert finish(stage, run) == "a"
    assert shop.did == ["a", "a", "b"]


@pytest.mark.parametrize("begins", [True, False], ids=["and asks for more", "and returns"])
def test_a_body_that_catches_even_that_changes_nothing(shop: Shop, stage: Stage, *, begins: bool) -> None:
    @shop.app.function(on=shop.Placed, retries=0)
    def order(event: object, step: Step) -> str:
        try:
            first = step.run("a", shop.do, "a")
        except BaseException:  # noqa: BLE001
            first = "?"
        return first + step.run("b", shop.do, "b") if begins else first

    run = placed(stage, shop)
    fail(stage, Failure(puts("a")))
    assert shop.did == ["a"]
    assert finish(stage, run) == ("ab" if begins else "a")


# ---- no step is blamed -----------------------------------------------------------------------------------------------


def test_a_step_whose_record_cannot_be_put_has_not_killed_its_worker(shop: Shop, stage: Stage) -> None:
    """After a crash each step is noted before it begins; one that is noted and has no record counts as one that killed."""

    @shop.app.function(on=shop.Placed, retries=0)
    def order(event: object, step: Step) -> str:
        return step.run("a", shop.do, "a")

    run = placed(stage, shop)
    for _ in range(stage.worker.settings.max_deaths + 2):
        fail(stage, Failure(puts("a")))
        assert stage.header(run).doing is None
        stage.pass_time(LEASE + 1)
    assert finish(stage, run) == "a"
    assert not stage.header(run).deaths


@pytest.mark.parametrize("has_effect", [False, True], ids=["nothing happened", "it happened all the same"])
def test_a_step_that_is_made_once_is_not_made_after_a_note_that_may_have_been_written(
    shop: Shop, stage: Stage, *, has_effect: bool
) -> None:
    @shop.app.function(on=shop.Placed, retries=0)
    def order(event: object, step: Step) -> str:
        try:
            return step.options(once=True).run("a", shop.do, "a")
        except StepInterrupted:
            return "interrupted"

    run = placed(stage, shop)
    fail(stage, Failure(puts("a"), has_effect=has_effect))
    assert shop.did == []
    assert finish(stage, run) == ("interrupted" if has_effect else "a")
    assert shop.did == ([] if has_effect else ["a"])
