"""crash_everywhere: what a scenario may be, how one is refused, and how one play is played again."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from milepost import Step, UsageError
from milepost.testing import Sandbox, crash_everywhere
from milepost.testing.faults import Calm, Crash, Duplicate, Fault, Kill, Last, NewestFirst, fault_named
from tests.testing.shops import HOUR, Bank, Shop, same


def test_an_assertion_that_fails_in_a_play_is_the_cause(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> int:
        return step.run("same", same, 1)

    def scenario(box: Sandbox) -> None:
        box.send(shop.placed(order="o-1"))
        assert box.now.minute == 0, "it took a minute"

    with pytest.raises(AssertionError) as caught:
        crash_everywhere(shop.app, scenario)
    assert str(caught.value).startswith(
        "the scenario failed\n\n  It raised, in a play with a fault:\n      AssertionError: it took a minute"
    )
    assert isinstance(caught.value.__cause__, AssertionError)


def test_a_scenario_that_fails_for_what_a_step_did_twice_names_the_step(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> None:
        step.run("withdraw", shop.bank.withdraw)

    def scenario(box: Sandbox) -> None:
        shop.place(box)
        assert shop.bank.balance == 8

    with pytest.raises(AssertionError) as caught:
        crash_everywhere(shop.app, scenario)
    assert str(caught.value).startswith("step 'withdraw' of fulfil_order is not idempotent\n")
    assert "  So the scenario failed:\n      AssertionError: " in str(caught.value)


def test_an_assertion_that_fails_without_any_fault_is_raised_as_it_is(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> None: ...

    def scenario(box: Sandbox) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        crash_everywhere(shop.app, scenario)


def reads_a_clock_in_a_step(_kept: Counter[str], step: Step) -> object:
    return step.run("now", time.perf_counter)


def reads_a_clock_in_its_body(_kept: Counter[str], _step: Step) -> object:
    return time.perf_counter()


def is_never_emptied(kept: Counter[str], step: Step) -> object:
    return step.run("mail", lambda: kept.update(["mails"]))


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (reads_a_clock_in_a_step, r'(?s)step .now. of fulfil_order returned .* box.stub\("fulfil_order", "now", \.\.\.\)'),
        (reads_a_clock_in_its_body, r"(?s)fulfil_order returned .* this comes from the body"),
        (is_never_emptied, r"(?s)mails is 2 instead of 1.*empty them, at the beginning"),
    ],
)
def test_a_scenario_that_is_not_repeatable_is_refused(shop: Shop, work: Callable[[Counter[str], Step], object], said: str) -> None:
    kept: Counter[str] = Counter()

    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> object:
        return work(kept, step)

    with pytest.raises(UsageError, match=said):
        shop.check(effects=lambda: kept)


def test_what_is_due_soon_after_the_scenario_is_waited_for(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> None:
        step.sleep("nap", HOUR / 4)
        step.run("withdraw", shop.bank.withdraw)

    def scenario(box: Sandbox) -> object:
        shop.bank = Bank()
        box.send(shop.placed(order="o-1"))
        return shop.bank

    with pytest.raises(AssertionError, match="step 'withdraw' of fulfil_order is not idempotent"):
        crash_everywhere(shop.app, scenario)


def test_what_is_due_much_later_is_not(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> None:
        step.sleep("nap", HOUR)
        step.run("withdraw", shop.bank.withdraw)

    assert crash_everywhere(shop.app, lambda box: box.send(shop.placed(order="o-1")) and shop.bank).runs == 1


def test_one_play_can_be_played_alone(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> None:
        step.run("withdraw", shop.bank.withdraw)

    assert "Found in play  crash before 2 (" in shop.report(only="crash before 2")
    shop.plays = 0
    assert shop.check(only="crash after 2").plays == 1
    assert shop.plays == 2


def test_two_workers_may_die_in_a_play(shop: Shop) -> None:
    @shop.app.function(on=shop.placed)
    def fulfil_order(event: Any, step: Step) -> None:
        step.sleep("nap", HOUR)
        step.run("same", same, 1)

    assert shop.check(pairs=5).crashes == shop.check().crashes + 5


def test_what_cannot_be_played_is_refused(shop: Shop) -> None:
    with pytest.raises(UsageError, match="app 'shop' has no functions: import the modules"):
        shop.check()

    @shop.app.function()
    def fulfil_order(event: Any, step: Step) -> None: ...

    async def scenario(box: Sandbox) -> None:
        await asyncio.sleep(0)

    with pytest.raises(UsageError, match="the scenario did nothing with its box"):
        crash_everywhere(shop.app, lambda _box: None)
    with pytest.raises(UsageError, match="the scenario started no run"):
        shop.check()
    with pytest.raises(UsageError, match="the scenario is an async def: write a def"):
        crash_everywhere(shop.app, scenario)
    with pytest.raises(UsageError, match="only='crash 7' is the name of no play"):
        shop.check(only="crash 7")
    with pytest.raises(UsageError, match="pairs is a number of plays, not -1"):
        shop.check(pairs=-1)


@pytest.mark.parametrize(
    "fault",
    [
        Calm(),
        Crash(Kill(is_before=True, call=7)),
        Crash(Kill(is_before=False, call=7), Kill(is_before=True, call=12)),
        Duplicate(3, is_late=False),
        Duplicate(3, is_late=True),
        Last(2),
        NewestFirst(),
    ],
    ids=str,
)
def test_a_fault_is_found_by_its_name(fault: Fault) -> None:
    assert fault_named(str(fault)) == fault
