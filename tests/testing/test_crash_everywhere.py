"""crash_everywhere: what is right passes, and each kind of mistake is found, named and explained.

Covers: kit.everywhere
"""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from milepost import AsyncStep, Backoff, Event, Failure, NonRetriableError, Retry, Step
from milepost.testing import Sandbox, crash_everywhere
from tests.testing.shops import DAY, HOUR, Shop, same

BODY = """
  A body runs again from its beginning after each wait and each crash, and has to do the same each
  time: what reads a clock, draws a random number, or uses a global that changes belongs into a step.
"""


# ---- what is right ---------------------------------------------------------------------------------------------------


def test_an_app_whose_steps_are_idempotent_passes(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> str:
        step.sleep("cool off", DAY)
        step.run("charge", lambda: shop.bank.charge_once(event.order, Decimal("9.50"), key=f"{step.run_id}/charge"))
        return str(event.order)

    report = shop.check()
    assert report.crashes >= report.port_calls > 5
    assert report.plays == report.crashes + report.duplicates + report.reorderings == shop.plays - 2
    assert report.runs == 1
    assert str(report) == (
        f"{report.plays} plays ({report.crashes} crashes, {report.duplicates} duplicates, 0 reorderings) of 1 run and "
        f"{report.port_calls} port calls: the same runs, results and effects"
    )


def test_without_effects_runs_and_results_are_compared(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> int:
        return step.run("same", same, 1)

    report = crash_everywhere(shop.app, lambda box: box.send(shop.placed(order="o-1")) and None)
    assert str(report).endswith("the same runs and results; no effects were given")


def test_a_step_that_runs_at_most_once_passes_although_its_run_may_fail(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> None:
        step.options(once=True).run("charge", shop.bank.charge, event.order, Decimal(5))

    assert shop.check().crashes > 4


def test_every_shape_of_work_passes(shop: Shop) -> None:
    sent: list[str] = []

    def told(failure: Failure, step: Step) -> None:
        step.run("tell", sent.clear)

    handler = shop.app.function()(told)

    def flaky(event: str) -> str:
        if event == "bad":
            raise NonRetriableError("bad")
        return event

    @shop.app.function(retry=Retry(retries=0), on_failure=handler)
    def child(event: str, step: Step) -> str:
        step.sleep("nap", HOUR)
        return step.run("flaky", flaky, event)

    @shop.app.function(on=shop.placed)
    async def gathers(event: Any, step: AsyncStep) -> list[int]:
        async def answer(number: int) -> int:
            await asyncio.sleep(0)
            return number

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(step.run("answer", answer, number), name=str(number)) for number in range(3)]
        await asyncio.sleep(HOUR.total_seconds())
        return [task.result() for task in tasks]

    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> list[str]:
        found = step.invoke_many("many", child, ["x", "y"])
        won = step.race("first", lambda s: s.sleep("long", 5 * DAY), lambda s: s.run("won", same, 1))
        try:
            step.invoke("bad", child, "bad")
        except Exception as error:  # noqa: BLE001 - whatever became of it
            found.append(type(error).__name__)
        return [*found, str(won.index)]

    report = shop.check()
    assert (report.runs, report.reorderings > 0, report.duplicates > 0) == (6, True, True)


def test_a_scenario_may_crash_workers_itself_and_assert(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> int:
        return step.run("same", same, 1)

    def scenario(box: Sandbox) -> None:
        box.crash_after(1)
        [run] = box.send(shop.placed(order="o-1"))
        box.advance(HOUR)
        assert run.result == 1
        assert box.now < datetime(2026, 1, 1, 12, tzinfo=UTC)

    assert crash_everywhere(shop.app, scenario).port_calls > 3


def test_effects_are_compared_without_order(shop: Shop) -> None:
    outbox: list[str] = []

    def body(event: Any, step: Step) -> None:
        step.run("mail", lambda: outbox.append(event.order) if event.order not in outbox else None)

    shop.app.function(on=shop.placed)(body)

    def scenario(box: Sandbox) -> None:
        outbox.clear()
        box.send(shop.placed(order="a"), shop.placed(order="b"))

    assert crash_everywhere(shop.app, scenario, effects=lambda: {"mails": outbox}).reorderings == 2


# ---- steps that are not idempotent -----------------------------------------------------------------------------------


def test_what_a_step_leaves_twice_is_named(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> None:
        step.run("same", same, 1)
        step.run("charge", shop.bank.charge, event.order, Decimal("9.50"))

    assert (
        shop.report()
        == """\
step 'charge' of fulfil_order is not idempotent

  It ran twice, because the worker was killed after it had run and before its result was recorded.

  It left twice:
      charges: ('charged', 'o-1', Decimal('9.50'))

  Make it idempotent: pass a key that is the same both times, such as f"{step.run_id}/charge", to the
  service that it calls. Or use step.options(once=True): then it raises StepInterrupted instead of
  running again.

  Found in play  crash before 3 (port call 3 of 4: put step 'charge' of fulfil_order)
  Play it alone  crash_everywhere(app, scenario, only="crash before 3")"""
    )


def test_a_step_that_changes_a_number_twice_is_named(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> None:
        step.run("withdraw", shop.bank.withdraw)

    report = shop.report()
    assert report.startswith("step 'withdraw' of fulfil_order is not idempotent\n")
    assert "  The second time it changed what was right:\n      balance is 7 instead of 8\n" in report


def test_a_step_that_returns_something_else_the_second_time_is_named(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> int:
        return step.run("draw", lambda: next(shop.dice))

    report = shop.report()
    assert report.startswith("step 'draw' of fulfil_order is not idempotent\n")
    assert (
        "  So other things came of it:\n"
        "      step 'draw' of fulfil_order returned 2 instead of 1\n"
        "      fulfil_order returned 2 instead of 1\n"
    ) in report


def test_only_the_step_to_blame_is_named_of_several_that_are_written_together(shop: Shop) -> None:
    async def fine() -> int:
        return 1

    async def charge() -> None:
        await asyncio.sleep(0)
        shop.bank.charge("o-1", Decimal(1))

    @shop.app.function(on=shop.placed)
    async def fulfil_order(event: Any, step: AsyncStep) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(step.run("fine", fine))
            group.create_task(step.run("charge", charge))
            group.create_task(step.run("fine too", same, 1))

    report = shop.report()
    assert report.count("is not idempotent") == 1
    assert report.startswith("step 'charge' of fulfil_order is not idempotent\n")
    assert "(port call 2 of 3: put step 'fine too', step 'fine', step 'charge' of fulfil_order)" in report


def test_a_name_used_again_and_the_items_of_a_map_are_named_once(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> None:
        for _ in range(3):
            step.run("withdraw", shop.bank.withdraw)
        step.map("charge", lambda item: shop.bank.charge(item, Decimal(1)), ["x", "y"])

    report = shop.report()
    assert report.count("is not idempotent") == 2
    assert "step 'withdraw' of fulfil_order" in report
    assert "step 'charge/0' of fulfil_order" in report
    assert "and 2 more of " in report


def test_a_step_that_fails_twice_in_the_same_way_is_named(shop: Shop) -> None:
    def refuse() -> None:
        shop.bank.charge("o-1", Decimal(0))
        raise NonRetriableError("refused")

    async def refuse_too() -> None:
        refuse()

    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> None:
        step.run("refuse", refuse)

    @shop.app.function(on=shop.placed)
    async def post_order(event: Any, step: AsyncStep) -> None:
        await step.run("refuse", refuse_too)

    report = shop.report()
    assert "step 'refuse' of fulfil_order is not idempotent\n" in report
    assert "step 'refuse' of post_order is not idempotent\n" in report
    assert "  It left too often:\n      charges: ('charged', 'o-1', Decimal('0')), 3 times instead of 2\n" in report


def test_steps_that_are_to_blame_together_are_both_named(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    async def fulfil_order(event: Any, step: AsyncStep) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(step.run("a", shop.bank.withdraw))
            group.create_task(step.run("b", shop.bank.withdraw))

    report = shop.report(effects=lambda: {"is rich": shop.bank.balance >= 7})  # one time more is too much already
    assert "step 'a' of fulfil_order is not idempotent\n" in report
    assert "step 'b' of fulfil_order is not idempotent\n" in report


def test_a_check_that_is_called_again_is_named(shop: Shop) -> None:
    def check() -> bool:
        shop.bank.charges.append(("looked", "o-1", Decimal(0)))
        return len(shop.bank.charges) > 2

    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> None:
        step.wait_until("look", check, every=Backoff(HOUR), timeout=DAY)

    assert shop.report().startswith("step 'look' of fulfil_order is not idempotent\n")


# ---- bodies ----------------------------------------------------------------------------------------------------------


def test_chance_outside_of_a_step_is_found_by_the_arguments_of_a_step(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> int:
        return step.run("price", same, next(shop.dice))

    assert shop.report().startswith(
        f"""\
the body of fulfil_order is not deterministic

  It called step 'price' with other arguments when it ran again:
      the first time:   (1)
      the second time:  (2)
{BODY}
"""
    )


def test_state_that_is_kept_in_a_global_is_found(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> int:
        replays = next(shop.dice)
        step.sleep("nap", DAY)
        step.run("same", same, 1)
        return replays

    assert shop.report().startswith(
        f"""\
the body of fulfil_order is not deterministic

  This is different from the calm play:
      fulfil_order returned 3 instead of 2
{BODY.rstrip()}
  Or is something due within two minutes? That is what a crash takes by the box's clock.

"""
    )


def test_what_a_body_does_outside_of_steps_is_found(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> None:
        shop.bank.charge(event.order, Decimal(1))
        step.run("same", same, 1)

    report = shop.report()
    assert report.startswith("fulfil_order does something outside of its steps\n")
    assert "      charges: ('charged', 'o-1', Decimal('1')), 2 times instead of 1\n" in report


def test_a_run_that_a_body_starts_outside_of_a_step_is_found(shop: Shop) -> None:
    @shop.app.event("shop/order.shipped")
    class Shipped(Event):
        order: str

    @shop.app.function(on=Shipped)
    def bill(event: Any, step: Step) -> str:
        return str(event.order)

    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> None:
        shop.app.send(Shipped(order=event.order))
        step.run("same", same, 1)

    report = shop.report()
    assert report.startswith("bill was started outside of a step\n")
    assert "there is one more run of bill" in report


def test_a_run_that_does_not_end_is_found(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> None:
        step.sleep("nap", HOUR if next(shop.dice) == 1 else 300 * DAY)
        step.run("same", same, 1)

    report = shop.report()
    assert report.startswith("fulfil_order did not end as it should\n")
    assert "fulfil_order did not end: it is waiting for step 'nap'" in report


def test_runs_that_depend_on_their_order_are_found(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> int:
        return step.run("number", lambda: numbers.setdefault(event.order, len(numbers)))

    numbers: dict[str, int] = {}

    def scenario(box: Sandbox) -> None:
        numbers.clear()
        box.send(shop.placed(order="a"), shop.placed(order="b"))

    with pytest.raises(AssertionError) as caught:
        crash_everywhere(shop.app, scenario)
    assert str(caught.value).startswith("the outcome depends on the order in which messages come\n")
    assert str(caught.value).count("Found in play") == 1
