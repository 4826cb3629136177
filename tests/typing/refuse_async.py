"""What of async functions and their steps must not pass a type checker. Checked by mypy and pyright, never run.

Each wrong line is excused for both; both are told to complain about an excuse that is not needed, so a line that stops
failing is itself an error.
"""

# ruff: noqa: B018, F841, RUF059 - what is wrong here stands alone on its line

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal

from milepost import AsyncFunction, AsyncStep, Backoff, Completion, Cron, CronTick, Failure, Function, Step, Trigger, WaitFor
from tests.typing.shop import (
    OrderApproved,
    OrderCancelled,
    OrderPlaced,
    OrderShipped,
    Payment,
    Receipt,
    app,
    charge,
    charge_async,
    label,
    label_async,
    refund_approved_async,
    refund_payment,
    ship_async,
    undo,
    undo_async,
)

WEEK = timedelta(days=7)


@app.function(on=OrderPlaced)
async def fulfil(event: OrderPlaced, step: AsyncStep) -> Receipt:
    raise NotImplementedError


@app.function()
async def make_receipt(order: Payment, step: AsyncStep) -> Receipt:
    raise NotImplementedError


async def wrong_event(event: OrderApproved, step: AsyncStep) -> None: ...


async def wrong_step(event: OrderPlaced, step: Step) -> Receipt:
    raise NotImplementedError


def wrong_def(event: OrderPlaced, step: AsyncStep) -> Receipt:
    raise NotImplementedError


async def no_step(event: OrderPlaced) -> None: ...


async def three(event: OrderPlaced, step: AsyncStep, more: int) -> None: ...


async def string_step(event: OrderPlaced, step: str) -> None: ...


async def tick(event: CronTick, step: AsyncStep) -> None: ...


async def string_step_handler(event: OrderPlaced, step: str, failure: Failure) -> None: ...


async def functions(step: AsyncStep, def_step: Step, event: OrderPlaced) -> None:
    app.function(on=OrderPlaced)(wrong_event)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced)(wrong_def)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced)(no_step)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced)(three)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced)(string_step)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced)(tick)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=Trigger(OrderApproved))(ship_async)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=Cron("0 9 * * *"))(ship_async)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function()(wrong_def)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced, on_failure=refund_approved_async)(ship_async)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced, on_failure=ship_async)(ship_async)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced, on_failure=string_step_handler)(ship_async)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced, on_failure=fulfil)(ship_async)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await step.invoke("a", app.function(on=OrderPlaced)(wrong_step), event)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    as_function: Function[OrderPlaced, Receipt] = app.function(on=OrderPlaced)(wrong_step)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType, reportUnusedVariable]
    await app.function(on=OrderPlaced)(wrong_step)(event, step)  # type: ignore[operator]  # pyright: ignore[reportCallIssue]
    await fulfil(event)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await fulfil(event, def_step)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await fulfil(OrderCancelled("1"), step)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    fulfil(event, step).id  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    narrower: AsyncFunction[OrderPlaced, Payment] = fulfil  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType, reportUnusedVariable]
    other: Function[OrderApproved, Receipt] = fulfil  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType, reportUnusedVariable]


async def steps(step: AsyncStep, event: OrderPlaced, at: datetime) -> None:
    step.run("label", label, "a")  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]
    step.sleep("a", WEEK)  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]
    step.options(once=True).run("label", label, "a")  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]
    step.run("charge", charge_async, "1").amount  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    await step.run("charge")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await step.run(charge_async, "1")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await step.run("charge", charge_async)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await step.run("charge", charge_async, 1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await step.run("charge", charge_async, "1", colour="red")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await step.run("charge", charge, "1", Decimal(1), rush="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await step.run("charge", charge_async("1"))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await step.run(name="charge", fn=charge_async)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    payment: Receipt = await step.run("charge", charge_async, "1")  # type: ignore[call-overload]  # pyright: ignore[reportAssignmentType, reportUnusedVariable]
    unawaited: Payment = step.run("charge", charge_async, "1")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType, reportUnusedVariable]
    step.options(retry=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    step.options(timeout=30)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    step.options(retries=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await step.options(compensate=refund_payment).run("label", label_async, "a")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await step.options(compensate=refund_payment).run("label", label, "a")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await step.sleep("a", 60)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await step.sleep(WEEK)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]
    await step.sleep("a", duration=WEEK)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await step.sleep_until("a", WEEK)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await step.sleep_until("a", "2026-01-01")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await step.wait_for_event("a", OrderApproved, order_id="1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await step.wait_for_event("a", OrderApproved, order_id="1", timeout=60)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await step.wait_for_event("a", OrderApproved, order_id=None, timeout=WEEK)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await step.wait_for_event("a", "shop/order.approved", order_id="1", timeout=WEEK)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await step.wait_for_event("a", OrderApproved, order_id="1", timeout=WEEK, where=lambda event: event.colour == "red")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]
    (await step.wait_for_event("a", OrderApproved, order_id="1", timeout=WEEK)).by  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    await step.wait_for_any("a", OrderApproved, timeout=WEEK)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    await step.wait_for_any("a", WaitFor(OrderApproved, order_id="1"))  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await step.wait_for_any("a", timeout=WEEK)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    (await step.wait_for_any("a", WaitFor(OrderApproved, order_id="1"), timeout=WEEK)).index  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    await step.wait_for_callback("a", undo_async, timeout=WEEK)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await step.wait_for_callback("a", label_async)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await step.wait_for_callback("a", label_async, returns="Payment", timeout=WEEK)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await step.wait_until("a", undo_async, timeout=WEEK)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await step.wait_until("a", label_async, every=Backoff(WEEK), timeout=WEEK)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await step.wait_until("a", undo_async, every=WEEK, timeout=WEEK)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await step.invoke("a", fulfil, OrderCancelled("1"))  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    await step.invoke("a", ship_async, event)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await step.invoke("a", fulfil, event, on_cancel="ignore")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await step.invoke("a", fulfil, event, timeout=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await step.invoke_many("a", make_receipt, [event])  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    await step.invoke_many("a", make_receipt, Payment("1", Decimal(1)))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    await step.invoke_many("a", make_receipt, [], policy=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await step.map("a", label_async, [1, 2])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await step.map("a", label_async, 7)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await step.map("a", label_async, ["a"], concurrency="8")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    (await step.map("a", label_async, ["a"], policy=Completion(min_success=1)))[0].bit_length()  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    await step.each("a", label_async, ["a"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await step.each("a", lambda s, item: s.run_id, ["a"])  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    await step.parallel("a")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await step.parallel("a", undo_async)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await step.parallel("a", lambda s: s.run_id)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    await step.race("a", undo_async)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await step.race("a", lambda s: 7)  # type: ignore[arg-type, return-value]  # pyright: ignore[reportArgumentType]
    first, second = await step.parallel("a", lambda s: s.run("x", label, "y"))  # type: ignore[misc]  # pyright: ignore[reportAssignmentType, reportUnknownVariableType, reportUnusedVariable]
    (await step.race("a", lambda s: s.run("x", label, "y"))).value.upper()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    await step.send_event(OrderShipped("1"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await step.patched()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    step.run_id = "2"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


async def at_the_same_time(step: AsyncStep) -> None:
    first, second = await asyncio.gather(step.run("charge", charge_async, "1"), step.run("label", label, "a"))
    first.bit_length()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    second.amount  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    async with asyncio.TaskGroup() as group:
        task = group.create_task(step.run("charge", charge_async, "1"))
        group.create_task(step.run("undo", undo).result)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType]
    task.result().colour  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    await asyncio.gather(step.run_id)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]


def no_protocol_for_the_other(step: AsyncStep, def_step: Step) -> None:
    as_def: Step = step  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType, reportUnusedVariable]
    as_async: AsyncStep = def_step  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType, reportUnusedVariable]
