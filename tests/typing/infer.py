"""What must be inferred, without a word from the user. Checked by mypy and pyright, never run."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, assert_type

from milepost import (
    SINCE_TRIGGER,
    App,
    Backoff,
    CancelOn,
    Completion,
    Cron,
    CronTick,
    DefFunction,
    ErrorInfo,
    Event,
    EventInfo,
    EventOf,
    Failure,
    Function,
    InvokeError,
    KeyValue,
    Lookback,
    Matched,
    RaceError,
    Retry,
    RetryAfterError,
    Run,
    RunNotCompleted,
    RunStatus,
    Step,
    StepError,
    StepInterrupted,
    StepRecord,
    Trigger,
    WaitFor,
    Won,
)
from milepost.step import StepOptions, UndoableStep
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
    refund_payment,
    ship,
    undo,
)

WEEK = timedelta(days=7)


# ---- events ----------------------------------------------------------------------------------------------------------


def events(placed: OrderPlaced) -> None:
    assert_type(OrderPlaced(order_id="1", customer_id="c", total=Decimal(1)), OrderPlaced)
    assert_type(placed.order_id, str)
    assert_type(placed.total, Decimal)
    assert_type(OrderApproved(order_id="1", by="ada").by, str)
    assert_type(OrderShipped(order_id="1"), OrderShipped)
    assert_type(OrderCancelled("1").order_id, str)
    assert_type(EventOf(OrderNoted, OrderNoted(order_id="1")), EventOf[OrderNoted])
    assert_type(EventOf(OrderNoted, OrderNoted(order_id="1")).data, OrderNoted)
    assert_type(Trigger(OrderPlaced), Trigger[OrderPlaced])
    assert_type(Trigger(OrderPlaced, where={"total": [1]}).where, Mapping[str, Any] | None)
    assert_type(Cron("0 9 * * *").event, type[CronTick])
    assert_type(Cron("0 9 * * *", tz="UTC").jitter, timedelta)
    assert_type(CancelOn(OrderCancelled), CancelOn[OrderCancelled])
    assert_type(WaitFor(OrderApproved, order_id="1"), WaitFor[OrderApproved])
    assert_type(WaitFor(OrderApproved, where=lambda event: event.by == "ada", order_id="1"), WaitFor[OrderApproved])
    assert_type(SINCE_TRIGGER, Literal[Lookback.SINCE_TRIGGER])


class Base(Event):
    order_id: str


class Derived(Base):
    by: str


def inherited_events() -> None:
    assert_type(Derived(order_id="1", by="ada").order_id, str)


# ---- functions -------------------------------------------------------------------------------------------------------


@app.function(on=OrderPlaced, retries=4, waits_for=[OrderApproved], cancel_on=[OrderCancelled], on_failure=refund)
def fulfil(event: OrderPlaced, step: Step) -> Receipt:
    assert_type(event.items[0], str)
    raise NotImplementedError


@app.function(on=Trigger(OrderPlaced, where={"total": [{"numeric": [">", 100]}]}))
def check(event: OrderPlaced, step: Step) -> None: ...


@app.function(on=Cron("0 9 * * MON-FRI", tz="Europe/Paris"))
def digest(event: CronTick, step: Step) -> int:
    assert_type(event.scheduled_at, datetime)
    assert_type(event.previous_at, datetime | None)
    return 1


@app.function(on=[OrderPlaced, OrderApproved])
def either(event: OrderPlaced | OrderApproved, step: Step) -> str:
    return event.order_id


@app.function()
def make_receipt(order: Payment, step: Step) -> Receipt:
    raise NotImplementedError


@app.function()
def alert(failure: Failure, step: Step) -> None:
    assert_type(failure.status, Literal["failed", "cancelled"])
    assert_type(failure.error, ErrorInfo | None)
    assert_type(failure.step, str | None)


def functions(step: Step, event: OrderPlaced) -> None:
    assert_type(fulfil, DefFunction[OrderPlaced, Receipt])
    assert_type(fulfil.name, str)
    assert_type(fulfil(event, step), Receipt)
    assert_type(check, DefFunction[OrderPlaced, None])
    assert_type(digest, DefFunction[CronTick, int])
    assert_type(either, DefFunction[OrderPlaced | OrderApproved, str])
    assert_type(make_receipt, DefFunction[Payment, Receipt])
    assert_type(alert, DefFunction[Failure, None])
    assert_type(app.function(on=OrderPlaced, on_failure=alert)(ship), DefFunction[OrderPlaced, Receipt])
    assert_type(app.function(on=OrderPlaced, on_cancel=lambda e, _, f: (e.order_id, f.run_id))(ship), DefFunction[OrderPlaced, Receipt])
    assert_type(app.function(on=OrderPlaced, retry=Retry(retries=9), worker="heavy", name="x")(ship), DefFunction[OrderPlaced, Receipt])
    assert_type(app.function(on=OrderPlaced, cancel_on=[CancelOn(OrderCancelled, within=WEEK)])(ship), DefFunction[OrderPlaced, Receipt])
    as_function: Function[OrderPlaced, Receipt] = fulfil
    wider: Function[OrderPlaced, object] = fulfil
    assert_type(as_function.name, str)
    assert_type(wider.name, str)
    assert_type(App("other").name, str)


# ---- steps -----------------------------------------------------------------------------------------------------------


def the_step_itself(step: Step) -> None:
    assert_type(step.run_id, str)
    assert_type(step.attempt, int)
    assert_type(step.event, EventInfo)
    assert_type(step.event.at, datetime)
    assert_type(step.log.info("charged", order="1"), None)


def run(step: Step, event: OrderPlaced) -> None:
    assert_type(step.run("charge", charge, event.order_id, event.total), Payment)
    assert_type(step.run("charge", charge, event.order_id, total=event.total, rush=True), Payment)
    assert_type(step.run("label", lambda: 7), int)
    assert_type(step.run("receipt", Receipt, "1"), Receipt)
    assert_type(step.run("undo", undo), None)
    assert_type(step.run("method", event.order_id.upper), str)


def options(step: Step, event: OrderPlaced) -> None:
    assert_type(step.options(), StepOptions)
    assert_type(step.options(retry=Retry(retries=2), once=True, timeout=WEEK), StepOptions)
    assert_type(step.options(once=True).run("charge", charge, "1", event.total), Payment)
    assert_type(step.options(compensate=undo), StepOptions)
    assert_type(step.options(compensate=undo).run("charge", charge, "1", event.total), Payment)
    assert_type(step.options(compensate=refund_payment), UndoableStep[Payment])
    assert_type(step.options(compensate=refund_payment).run("charge", charge, "1", event.total), Payment)


def sleeps(step: Step, at: datetime) -> None:
    assert_type(step.sleep("a", WEEK), None)
    assert_type(step.sleep_until("b", at), None)


def waits(step: Step) -> None:
    assert_type(step.wait_for_event("a", OrderApproved, order_id="1", timeout=WEEK), OrderApproved | None)
    assert_type(step.wait_for_event("a", OrderShipped, order_id="1", timeout=WEEK, lookback=WEEK), OrderShipped | None)
    assert_type(step.wait_for_event("a", OrderApproved, order_id="1", timeout=WEEK, lookback=SINCE_TRIGGER), OrderApproved | None)
    assert_type(step.wait_for_event("a", OrderApproved, timeout=WEEK, where=lambda e: e.by == "ada", order_id="1"), OrderApproved | None)
    approved, cancelled, shipped = (
        WaitFor(OrderApproved, order_id="1"),
        WaitFor(OrderCancelled, order_id="1"),
        WaitFor(OrderShipped, order_id="1"),
    )
    assert_type(step.wait_for_any("b", approved, timeout=WEEK), Matched[OrderApproved] | None)
    assert_type(step.wait_for_any("b", approved, cancelled, timeout=WEEK), Matched[OrderApproved | OrderCancelled] | None)
    assert_type(
        step.wait_for_any("b", approved, cancelled, shipped, timeout=WEEK), Matched[OrderApproved | OrderCancelled | OrderShipped] | None
    )
    match = step.wait_for_any("b", approved, cancelled, timeout=WEEK)
    assert match is not None
    assert_type(match.index, int)
    assert_type(match.event, OrderApproved | OrderCancelled)
    assert_type(match.event.order_id, str)
    a = approved
    assert_type(step.wait_for_any("b", a, a, a, a, a, a, a, a, timeout=WEEK), Matched[OrderApproved] | None)
    assert_type(step.wait_for_any("b", a, a, a, a, a, a, a, a, a, a, a, timeout=WEEK), Matched[OrderApproved] | None)


def find() -> Payment | None:
    raise NotImplementedError


def outside(step: Step) -> None:
    assert_type(step.wait_for_callback("a", label, returns=Payment, timeout=WEEK), Payment)
    assert_type(step.wait_for_callback("a", label, returns=Payment, timeout=WEEK, heartbeat=WEEK), Payment)
    assert_type(step.wait_for_callback("a", label, timeout=WEEK), Any)
    assert_type(step.wait_until("b", find, every=Backoff(WEEK), timeout=WEEK), Payment)
    assert_type(step.wait_until("b", lambda: "x" if step.attempt else None, every=Backoff(WEEK, 1.5, WEEK), timeout=WEEK), str)


def children(step: Step, event: OrderPlaced, payment: Payment) -> None:
    assert_type(step.invoke("a", fulfil, event), Receipt)
    assert_type(step.invoke("a", make_receipt, payment, timeout=WEEK, on_cancel="detach"), Receipt)
    assert_type(step.invoke_many("b", make_receipt, [payment, payment]), list[Receipt])
    assert_type(step.invoke_many("b", make_receipt, (p for p in [payment]), policy=None), list[Receipt])
    assert_type(step.invoke_many("b", make_receipt, [payment], policy=Completion(min_success=1)), list[Receipt | InvokeError])


def each_item(step: Step, item: str) -> bytes:
    raise NotImplementedError


def many(step: Step, event: OrderPlaced) -> None:
    assert_type(step.map("a", label, event.items), list[int])
    assert_type(step.map("a", label, {"x", "y"}, concurrency=4), list[int])
    assert_type(step.map("a", label, event.items, policy=Completion(max_failures=1)), list[int | StepError])
    assert_type(step.map("a", lambda item: item.encode(), event.items), list[bytes])
    assert_type(step.each("b", each_item, event.items), list[bytes])
    assert_type(step.each("b", lambda s, item: s.run("x", label, item), event.items), list[int])
    assert_type(step.each("b", each_item, event.items, concurrency=2, policy=Completion()), list[bytes | StepError])


def charging(step: Step) -> Payment:
    raise NotImplementedError


def labelling(step: Step) -> int:
    raise NotImplementedError


def noting(step: Step) -> None: ...


def branches(step: Step) -> None:
    assert_type(step.parallel("a", charging), tuple[Payment])
    assert_type(step.parallel("a", charging, labelling), tuple[Payment, int])
    assert_type(step.parallel("a", charging, labelling, noting), tuple[Payment, int, None])
    assert_type(step.parallel("a", charging, lambda s: s.run("x", label, "y")), tuple[Payment, int])
    assert_type(step.parallel("a", charging, labelling, charging, labelling), tuple[Payment, int, Payment, int])
    assert_type(
        step.parallel("a", charging, labelling, charging, labelling, charging, labelling, charging, noting),
        tuple[Payment, int, Payment, int, Payment, int, Payment, None],
    )
    b = labelling
    assert_type(step.parallel("a", b, b, b, b, b, b, b, b, b), tuple[int, ...])
    assert_type(step.parallel("a", b, b, b, b, b, b, b, b, b, b, b, b), tuple[int, ...])
    stock, mail = step.parallel("prepare", lambda s: s.run("reserve", label, "a"), lambda s: s.run("mail", undo))
    assert_type(stock, int)
    assert_type(mail, None)
    assert_type(step.race("b", charging), Won[Payment])
    assert_type(step.race("b", charging, labelling), Won[Payment | int])
    assert_type(step.race("b", charging, labelling, noting).value, Payment | int | None)
    assert_type(step.race("b", charging, labelling).index, int)
    assert_type(step.race("b", b, b, b, b, b, b, b, b, b, b), Won[int])


def sending(step: Step) -> None:
    assert_type(step.send_event("a", OrderShipped(order_id="1"), EventOf(OrderNoted, {"order_id": "1"})), list[str])
    assert_type(step.patched("b"), bool)


# ---- runs and errors -------------------------------------------------------------------------------------------------


def runs(run: Run[Receipt]) -> None:
    assert_type(run.id, str)
    assert_type(run.status, RunStatus)
    assert_type(run.result, Receipt)
    assert_type(run.steps, list[StepRecord])
    assert_type(run.error, ErrorInfo | None)
    assert_type(run.created_at, datetime)
    assert_type(run.ended_at, datetime | None)
    assert_type(run.status == "waiting", bool)
    any_run(run)


def any_run(run: Run[object]) -> None:
    assert_type(run.result, object)


def errors() -> None:
    try:
        raise NotImplementedError
    except StepInterrupted as interrupted:
        assert_type(interrupted.info, ErrorInfo)
    except StepError as failed:
        assert_type(failed.step, str)
        assert_type(failed.info.message, str)
    except InvokeError as child:
        assert_type(child.run_id, str)
        assert_type(child.cause, StepError | None)
    except RaceError as race:
        assert_type(race.errors, tuple[Exception, ...])
    except RetryAfterError as later:
        assert_type(later.when, timedelta | datetime)
    except RunNotCompleted as early:
        assert_type(early.status, str)
        assert_type(early.error, ErrorInfo | None)


def keys(value: KeyValue) -> None:
    assert_type(value, str | int | float | bool)
