"""What must not pass a type checker. Checked by mypy and pyright, never run.

Each wrong line is excused for both; both are told to complain about an excuse that is not needed, so a line that stops
failing is itself an error.
"""

# ruff: noqa: B018, F841, RUF059 - what is wrong here stands alone on its line

from datetime import datetime, timedelta
from decimal import Decimal

from milepost import (
    App,
    Backoff,
    CancelOn,
    Completion,
    Cron,
    CronTick,
    EventInfo,
    EventOf,
    Function,
    Lookback,
    Matched,
    Retry,
    RetryAfterError,
    Run,
    Step,
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
    label,
    refund,
    refund_approved,
    refund_payment,
    ship,
    undo,
)

WEEK = timedelta(days=7)


@app.function(on=OrderPlaced)
def fulfil(event: OrderPlaced, step: Step) -> Receipt:
    raise NotImplementedError


@app.function()
def make_receipt(order: Payment, step: Step) -> Receipt:
    raise NotImplementedError


def events(placed: OrderPlaced) -> None:
    OrderPlaced("1", "c", Decimal(1))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    OrderPlaced(order_id="1", customer_id="c")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    OrderPlaced(order_id=1, customer_id="c", total=Decimal(1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    OrderPlaced(order_id="1", customer_id="c", total=1.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    OrderPlaced(order_id="1", customer_id="c", total=Decimal(1), colour="red")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    placed.order_id = "2"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    placed.oder_id  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    EventOf(OrderApproved, OrderCancelled("1")).data.by  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    EventOf(OrderNoted, OrderNoted(order_id=1))  # type: ignore[typeddict-item]  # pyright: ignore[reportArgumentType]
    Trigger("shop/order.placed")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Trigger(OrderPlaced, {"total": [1]})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Trigger(OrderPlaced, where=["total"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Cron()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Cron("0 9 * * *", "UTC")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Cron("0 9 * * *", jitter=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    CancelOn(OrderCancelled, match=["order_id"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    CancelOn(OrderCancelled, within=60)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    CancelOn("shop/order.cancelled")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    WaitFor(OrderApproved, order_id=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    WaitFor(OrderApproved, where=lambda event: event.colour)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]
    WaitFor(OrderApproved, order_id=["1"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def values(info: EventInfo, match: Matched[OrderApproved], won: Won[int], run: Run[Receipt]) -> None:
    info.id = "2"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    match.index = 1  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    won.value = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    run.result.nothing  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    run.status = "waiting"  # type: ignore[assignment, misc]  # pyright: ignore[reportAttributeAccessIssue]
    run.result = Receipt("1")  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def wrong_event(event: OrderApproved, step: Step) -> None: ...


def no_step(event: OrderPlaced) -> None: ...


def three(event: OrderPlaced, step: Step, more: int) -> None: ...


def string_step(event: OrderPlaced, step: str) -> None: ...


def tick(event: CronTick, step: Step) -> None: ...


def functions(step: Step, event: OrderPlaced) -> None:
    app.function(on=OrderPlaced)(wrong_event)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced)(no_step)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced)(three)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced)(string_step)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced)(tick)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=Trigger(OrderApproved))(ship)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=Cron("0 9 * * *"))(ship)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on="shop/order.placed")(ship)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(OrderPlaced)(ship)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    app.function(on=OrderPlaced, retires=4)(ship)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    app.function(on=OrderPlaced, retries="4")(ship)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced, retry=4)(ship)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced, name=1)(ship)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced, worker=None)(ship)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced, concurrency=3)(ship)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    app.function(on=OrderPlaced, waits_for=OrderApproved)(ship)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced, waits_for=["shop/order.approved"])(ship)  # type: ignore[list-item]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced, cancel_on=[OrderCancelled("1")])(ship)  # type: ignore[list-item]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced, on_failure=refund_approved)(ship)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced, on_failure=ship)(ship)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderPlaced, on_failure=fulfil)(ship)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.event("shop/x", ("order_id",))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    app.event("shop/x", keys=[1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    App()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    App(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    fulfil(event)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    fulfil(OrderCancelled("1"), step)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    fulfil.name = "other"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    narrower: Function[OrderPlaced, Payment] = fulfil  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType, reportUnusedVariable]
    other: Function[OrderApproved, Receipt] = fulfil  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType, reportUnusedVariable]


def steps(step: Step, event: OrderPlaced, at: datetime) -> None:
    step.run("charge")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    step.run(charge, "1", Decimal(1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    step.run("charge", charge, "1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    step.run("charge", charge, 1, Decimal(1))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.run("charge", charge, "1", Decimal(1), rush="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.run("charge", charge, "1", Decimal(1), colour="red")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    step.run("charge", charge("1", Decimal(1)))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    step.run(name="charge", fn=charge)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    payment: Receipt = step.run("charge", charge, "1", Decimal(1))  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType, reportUnusedVariable]
    step.options(retry=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    step.options(timeout=30)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    step.options(retries=3)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    step.options(compensate=refund_payment).run("label", label, "a")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.options(compensate=charge)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    step.sleep("a", 60)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.sleep(WEEK)  # type: ignore[arg-type, call-arg]  # pyright: ignore[reportCallIssue]
    step.sleep("a", duration=WEEK)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    step.sleep_until("a", WEEK)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.sleep_until("a", "2026-01-01")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.wait_for_event("a", OrderApproved, order_id="1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    step.wait_for_event("a", OrderApproved, order_id="1", timeout=60)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.wait_for_event("a", OrderApproved, order_id=None, timeout=WEEK)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.wait_for_event("a", "shop/order.approved", order_id="1", timeout=WEEK)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.wait_for_event("a", OrderApproved, order_id="1", timeout=WEEK, where=lambda event: event.colour == "red")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]
    step.wait_for_event("a", OrderApproved, order_id="1", timeout=WEEK, lookback=60)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.wait_for_event("a", OrderApproved, order_id="1", timeout=WEEK).by  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    step.wait_for_any("a", OrderApproved, timeout=WEEK)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    step.wait_for_any("a", WaitFor(OrderApproved, order_id="1"))  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    step.wait_for_any("a", timeout=WEEK)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    step.wait_for_any("a", WaitFor(OrderApproved, order_id="1"), timeout=WEEK).index  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    step.wait_for_callback("a", undo, timeout=WEEK)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.wait_for_callback("a", label)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    step.wait_for_callback("a", label, returns="Payment", timeout=WEEK)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    step.wait_until("a", undo, timeout=WEEK)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    step.wait_until("a", label, every=Backoff(WEEK), timeout=WEEK)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.wait_until("a", undo, every=WEEK, timeout=WEEK)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.invoke("a", fulfil, OrderCancelled("1"))  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    step.invoke("a", ship, event)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.invoke("a", fulfil, event, on_cancel="ignore")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.invoke("a", fulfil, event, timeout=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.invoke_many("a", make_receipt, [event])  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    step.invoke_many("a", make_receipt, Payment("1", Decimal(1)))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    step.invoke_many("a", make_receipt, [], policy=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    step.map("a", label, [1, 2])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.map("a", label, 7)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    step.map("a", label, ["a"], concurrency="8")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    step.map("a", label, ["a"], policy=Completion(min_success=1))[0].bit_length()  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    step.each("a", label, ["a"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.each("a", lambda s: s.run_id, ["a"])  # type: ignore[arg-type, misc]  # pyright: ignore[reportArgumentType]
    step.parallel("a")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    step.parallel("a", undo)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.parallel("a", "b")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    step.race("a", undo)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    first, second = step.parallel("a", lambda s: s.run("x", label, "y"))  # type: ignore[misc]  # pyright: ignore[reportAssignmentType, reportUnknownVariableType, reportUnusedVariable]
    step.race("a", lambda s: s.run("x", label, "y")).value.upper()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    step.send_event(OrderShipped("1"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    step.patched()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    step.run_id = "2"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    step.log.info(message="charged")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    step.log.critical("charged")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def options() -> None:
    Retry(4)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Retry(retries="4")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Retry(delays=[5])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    Retry(delays=WEEK)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Retry(give_up_on=ValueError)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Retry(give_up_on=(BaseException,))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Retry().retries = 3  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    Backoff(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Backoff()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Backoff(WEEK, limit=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Completion(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Completion(min_success="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    RetryAfterError(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Lookback("since trigger").SINCE  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def handlers() -> None:
    app.function(on=OrderApproved, on_failure=refund)(wrong_event)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    app.function(on=OrderApproved, on_cancel=lambda event, step, failure: event.colour)(wrong_event)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownLambdaType, reportUnknownMemberType]
