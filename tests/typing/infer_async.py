"""What must be inferred of async functions and their steps, without a word from the user. Checked by mypy and pyright, never run."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, assert_type

from milepost import (
    SINCE_TRIGGER,
    AsyncFunction,
    AsyncStep,
    AsyncStepOptions,
    AsyncUndoableStep,
    Backoff,
    Completion,
    Cron,
    CronTick,
    DefFunction,
    EventInfo,
    EventOf,
    Failure,
    Function,
    InvokeError,
    Matched,
    Retry,
    Step,
    StepError,
    Trigger,
    WaitFor,
    Won,
)
from tests.typing.shop import (
    OrderApproved,
    OrderCancelled,
    OrderNoted,
    OrderPlaced,
    OrderShipped,
    Payment,
    Receipt,
    app,
    charge,
    charge_async,
    label,
    label_async,
    refund,
    refund_async,
    refund_payment,
    ship,
    undo,
    undo_async,
)

WEEK = timedelta(days=7)


# ---- functions -------------------------------------------------------------------------------------------------------


@app.function(on=OrderPlaced, retries=4, waits_for=[OrderApproved], cancel_on=[OrderCancelled], on_failure=refund_async, on_cancel=refund)
async def fulfil(event: OrderPlaced, step: AsyncStep) -> Receipt:
    assert_type(event.items[0], str)
    raise NotImplementedError


@app.function(on=Trigger(OrderPlaced, where={"total": [{"numeric": [">", 100]}]}))
async def check(event: OrderPlaced, step: AsyncStep) -> None: ...


@app.function(on=Cron("0 9 * * MON-FRI"))
async def digest(event: CronTick, step: AsyncStep) -> int:
    assert_type(event.scheduled_at, datetime)
    return 1


@app.function(on=[OrderPlaced, OrderApproved])
async def either(event: OrderPlaced | OrderApproved, step: AsyncStep) -> str:
    return event.order_id


@app.function()
async def make_receipt(order: Payment, step: AsyncStep) -> Receipt:
    raise NotImplementedError


@app.function()
def make_receipt_in_a_def(order: Payment, step: Step) -> Receipt:
    raise NotImplementedError


@app.function()
async def alert(failure: Failure, step: AsyncStep) -> None: ...


async def functions(step: AsyncStep, def_step: Step, event: OrderPlaced) -> None:
    assert_type(fulfil, AsyncFunction[OrderPlaced, Receipt])
    assert_type(fulfil.name, str)
    _ = assert_type(fulfil(event, step), Coroutine[object, object, Receipt])
    assert_type(await fulfil(event, step), Receipt)
    assert_type(check, AsyncFunction[OrderPlaced, None])
    assert_type(digest, AsyncFunction[CronTick, int])
    assert_type(either, AsyncFunction[OrderPlaced | OrderApproved, str])
    assert_type(make_receipt, AsyncFunction[Payment, Receipt])
    assert_type(alert, AsyncFunction[Failure, None])
    assert_type(app.function(on=OrderPlaced, on_failure=alert)(ship), DefFunction[OrderPlaced, Receipt])
    assert_type(app.function(on=OrderPlaced, on_failure=refund_async)(ship), DefFunction[OrderPlaced, Receipt])
    as_function: Function[OrderPlaced, Receipt] = fulfil
    wider: Function[OrderPlaced, object] = fulfil
    assert_type(as_function.name, str)
    assert_type(wider.name, str)
    assert_type(def_step.invoke("a", fulfil, event), Receipt)


# ---- steps -----------------------------------------------------------------------------------------------------------


def the_step_itself(step: AsyncStep) -> None:
    assert_type(step.run_id, str)
    assert_type(step.attempt, int)
    assert_type(step.event, EventInfo)
    assert_type(step.log.info("charged", order="1"), None)


async def run(step: AsyncStep, event: OrderPlaced) -> None:
    coroutine: Coroutine[object, object, Payment] = step.run("charge", charge_async, event.order_id)
    assert_type(await coroutine, Payment)
    assert_type(await step.run("charge", charge_async, event.order_id), Payment)
    assert_type(await step.run("charge", charge_async, order_id=event.order_id), Payment)
    assert_type(await step.run("charge", charge, event.order_id, event.total), Payment)
    assert_type(await step.run("charge", charge, event.order_id, total=event.total, rush=True), Payment)
    assert_type(await step.run("label", lambda: 7), int)
    assert_type(await step.run("receipt", Receipt, "1"), Receipt)
    assert_type(await step.run("undo", undo), None)
    assert_type(await step.run("undo", undo_async), None)
    assert_type(await step.run("method", event.order_id.upper), str)


async def options(step: AsyncStep, event: OrderPlaced) -> None:
    assert_type(step.options(), AsyncStepOptions)
    assert_type(step.options(retry=Retry(retries=2), once=True, timeout=WEEK), AsyncStepOptions)
    assert_type(await step.options(once=True).run("charge", charge, "1", event.total), Payment)
    assert_type(await step.options(once=True).run("charge", charge_async, "1"), Payment)
    assert_type(step.options(compensate=undo), AsyncStepOptions)
    assert_type(step.options(compensate=undo_async), AsyncStepOptions)
    assert_type(await step.options(compensate=undo).run("charge", charge_async, "1"), Payment)
    assert_type(step.options(compensate=refund_payment), AsyncUndoableStep[Payment])
    assert_type(await step.options(compensate=refund_payment).run("charge", charge_async, "1"), Payment)
    assert_type(await step.options(compensate=refund_payment).run("charge", charge, "1", event.total), Payment)


async def at_the_same_time(step: AsyncStep, event: OrderPlaced) -> None:
    payment, count = await asyncio.gather(step.run("charge", charge_async, "1"), step.run("label", label, "a"))
    assert_type(payment, Payment)
    assert_type(count, int)
    slept, approval = await asyncio.gather(step.sleep("a", WEEK), step.wait_for_event("b", OrderApproved, order_id="1", timeout=WEEK))
    assert_type(slept, None)
    assert_type(approval, OrderApproved | None)
    assert_type(await asyncio.gather(*[step.run("label", label_async, item) for item in event.items]), list[int])
    first, *_ = await asyncio.gather(step.run("charge", charge_async, "1"), step.run("label", label, "a"), return_exceptions=True)
    assert_type(first, Payment | BaseException)
    async with asyncio.TaskGroup() as group:
        charged = group.create_task(step.run("charge", charge_async, "1"))
        woken = group.create_task(step.sleep("a", WEEK), name="waker")
        receipt = group.create_task(step.invoke("receipt", make_receipt, payment))
    _ = assert_type(charged, asyncio.Task[Payment])
    assert_type(charged.result(), Payment)
    assert_type(woken.result(), None)
    assert_type(receipt.result(), Receipt)
    assert_type(await asyncio.create_task(step.run("label", label, "a")), int)
    assert_type(await asyncio.wait_for(step.run("label", label_async, "a"), timeout=5), int)
    async with asyncio.timeout(5):
        assert_type(await step.patched("b"), bool)
    done, _ = await asyncio.wait([charged], return_when=asyncio.FIRST_COMPLETED)
    assert_type(done, set[asyncio.Task[Payment]])
    for coming in asyncio.as_completed([asyncio.create_task(step.run("label", label, "a"))]):
        assert_type(await coming, int)


async def sleeps(step: AsyncStep, at: datetime) -> None:
    _ = assert_type(step.sleep("a", WEEK), Coroutine[object, object, None])
    _ = assert_type(step.sleep_until("b", at), Coroutine[object, object, None])


async def waits(step: AsyncStep) -> None:
    assert_type(await step.wait_for_event("a", OrderApproved, order_id="1", timeout=WEEK), OrderApproved | None)
    assert_type(await step.wait_for_event("a", OrderShipped, order_id="1", timeout=WEEK, lookback=WEEK), OrderShipped | None)
    assert_type(await step.wait_for_event("a", OrderApproved, order_id="1", timeout=WEEK, lookback=SINCE_TRIGGER), OrderApproved | None)
    assert_type(
        await step.wait_for_event("a", OrderApproved, timeout=WEEK, where=lambda e: e.by == "ada", order_id="1"), OrderApproved | None
    )
    approved, cancelled, shipped = (
        WaitFor(OrderApproved, order_id="1"),
        WaitFor(OrderCancelled, order_id="1"),
        WaitFor(OrderShipped, order_id="1"),
    )
    assert_type(await step.wait_for_any("b", approved, timeout=WEEK), Matched[OrderApproved] | None)
    assert_type(
        await step.wait_for_any("b", approved, cancelled, shipped, timeout=WEEK),
        Matched[OrderApproved | OrderCancelled | OrderShipped] | None,
    )
    match = await step.wait_for_any("b", approved, cancelled, timeout=WEEK)
    assert match is not None
    assert_type(match.index, int)
    assert_type(match.event, OrderApproved | OrderCancelled)
    a = approved
    assert_type(await step.wait_for_any("b", a, a, a, a, a, a, a, a, timeout=WEEK), Matched[OrderApproved] | None)
    assert_type(await step.wait_for_any("b", a, a, a, a, a, a, a, a, a, a, a, timeout=WEEK), Matched[OrderApproved] | None)


def find() -> Payment | None:
    raise NotImplementedError


async def find_async() -> Payment | None:
    raise NotImplementedError


async def outside(step: AsyncStep) -> None:
    assert_type(await step.wait_for_callback("a", label, returns=Payment, timeout=WEEK), Payment)
    assert_type(await step.wait_for_callback("a", label_async, returns=Payment, timeout=WEEK, heartbeat=WEEK), Payment)
    assert_type(await step.wait_for_callback("a", label, timeout=WEEK), Any)
    assert_type(await step.wait_until("b", find, every=Backoff(WEEK), timeout=WEEK), Payment)
    assert_type(await step.wait_until("b", find_async, every=Backoff(WEEK), timeout=WEEK), Payment)
    assert_type(await step.wait_until("b", lambda: "x" if step.attempt else None, every=Backoff(WEEK, 1.5, WEEK), timeout=WEEK), str)


async def children(step: AsyncStep, event: OrderPlaced, payment: Payment) -> None:
    assert_type(await step.invoke("a", fulfil, event), Receipt)
    assert_type(await step.invoke("a", make_receipt, payment, timeout=WEEK, on_cancel="detach"), Receipt)
    assert_type(await step.invoke("a", make_receipt_in_a_def, payment), Receipt)
    assert_type(await step.invoke_many("b", make_receipt, [payment, payment]), list[Receipt])
    assert_type(await step.invoke_many("b", make_receipt, (p for p in [payment]), policy=None), list[Receipt])
    assert_type(await step.invoke_many("b", make_receipt, [payment], policy=Completion(min_success=1)), list[Receipt | InvokeError])


async def each_item(step: AsyncStep, item: str) -> bytes:
    raise NotImplementedError


async def many(step: AsyncStep, event: OrderPlaced) -> None:
    assert_type(await step.map("a", label, event.items), list[int])
    assert_type(await step.map("a", label_async, event.items), list[int])
    assert_type(await step.map("a", label_async, {"x", "y"}, concurrency=4), list[int])
    assert_type(await step.map("a", label, event.items, policy=Completion(max_failures=1)), list[int | StepError])
    assert_type(await step.map("a", label_async, event.items, policy=Completion(max_failures=1)), list[int | StepError])
    assert_type(await step.map("a", lambda item: item.encode(), event.items), list[bytes])
    assert_type(await step.each("b", each_item, event.items), list[bytes])
    assert_type(await step.each("b", lambda s, item: s.run("x", label, item), event.items), list[int])
    assert_type(await step.each("b", each_item, event.items, concurrency=2, policy=Completion()), list[bytes | StepError])


async def charging(step: AsyncStep) -> Payment:
    raise NotImplementedError


async def labelling(step: AsyncStep) -> int:
    raise NotImplementedError


async def noting(step: AsyncStep) -> None: ...


async def branches(step: AsyncStep) -> None:
    assert_type(await step.parallel("a", charging), tuple[Payment])
    assert_type(await step.parallel("a", charging, labelling), tuple[Payment, int])
    assert_type(await step.parallel("a", charging, labelling, noting), tuple[Payment, int, None])
    assert_type(await step.parallel("a", charging, lambda s: s.run("x", label, "y")), tuple[Payment, int])
    assert_type(await step.parallel("a", charging, labelling, charging, labelling), tuple[Payment, int, Payment, int])
    assert_type(
        await step.parallel("a", charging, labelling, charging, labelling, charging, labelling, charging, noting),
        tuple[Payment, int, Payment, int, Payment, int, Payment, None],
    )
    b = labelling
    assert_type(await step.parallel("a", b, b, b, b, b, b, b, b, b), tuple[int, ...])
    assert_type(await step.parallel("a", b, b, b, b, b, b, b, b, b, b, b, b), tuple[int, ...])
    stock, mail = await step.parallel("prepare", lambda s: s.run("reserve", label_async, "a"), lambda s: s.run("mail", undo))
    assert_type(stock, int)
    assert_type(mail, None)
    assert_type(await step.race("b", charging), Won[Payment])
    assert_type(await step.race("b", charging, labelling), Won[Payment | int])
    assert_type((await step.race("b", charging, labelling, noting)).value, Payment | int | None)
    assert_type((await step.race("b", charging, labelling)).index, int)
    assert_type(await step.race("b", b, b, b, b, b, b, b, b, b, b), Won[int])
    assert_type(await step.race("b", lambda s: s.sleep("x", WEEK), charging), Won[Payment | None])


async def sending(step: AsyncStep) -> None:
    assert_type(await step.send_event("a", OrderShipped(order_id="1"), EventOf(OrderNoted, {"order_id": "1"})), list[str])
    assert_type(await step.patched("b"), bool)


async def amounts(step: AsyncStep) -> Decimal:
    return (await step.run("charge", charge_async, "1")).amount
