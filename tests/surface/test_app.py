"""Registration: what an app knows after its modules are imported, and every mistake that is an error at import."""

import functools
import sys
import textwrap
import types
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypedDict

import msgspec
import pytest

from milepost import (
    App,
    AsyncFunction,
    AsyncStep,
    CancelOn,
    Cron,
    CronTick,
    DefFunction,
    DefinitionError,
    Event,
    EventError,
    Failure,
    Function,
    FunctionNotFound,
    Retry,
    Step,
    Trigger,
)
from milepost.codec import NATIVE

if TYPE_CHECKING:
    from milepost import Step as LaterStep


class OrderPlaced(Event):
    order_id: str
    customer_id: str
    total: Decimal


class OrderApproved(Event):
    order_id: str
    by: str


class Nested(Event):
    order: OrderPlaced
    orders: list[OrderPlaced]


class OrderCancelled(Event):
    order_id: str
    number: int = 0


class Keyless(Event):
    order_id: str


class Stranger(Event):
    order_id: str


@dataclass(frozen=True)
class Receipt:
    id: str


def placed(event: OrderPlaced, step: Step) -> Receipt:
    return Receipt(event.order_id)


def plain(event: Any, step: Step) -> None: ...


@pytest.fixture
def app() -> App:
    app = App("shop")
    app.event("shop/order.placed", keys=("order_id",))(OrderPlaced)
    app.event("shop/order.approved", keys=("order_id",))(OrderApproved)
    app.event("shop/order.cancelled", keys=("order_id",))(OrderCancelled)
    app.event("shop/keyless")(Keyless)
    app.event("shop/nested")(Nested)
    return app


# ---- what is known ---------------------------------------------------------------------------------------------------


def test_a_function_is_known_and_stays_callable(app: App) -> None:
    fulfil = app.function(on=OrderPlaced)(placed)
    assert isinstance(fulfil, DefFunction)
    assert fulfil.name == "placed"
    assert fulfil.__doc__ == placed.__doc__
    assert fulfil(OrderPlaced(order_id="o-1", customer_id="c", total=Decimal(1)), None) == Receipt("o-1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    definition = app.definitions.function("placed")
    assert definition is fulfil.definition
    assert definition.body is placed
    assert definition.result.annotation is Receipt
    assert definition.retry == Retry()
    assert definition.worker == "default"
    assert definition.data is None
    assert definition.source_file == __file__
    assert repr(fulfil) == "<DefFunction 'placed'>"
    assert repr(app) == "App('shop')"


async def async_placed(event: OrderPlaced, step: AsyncStep) -> Receipt:
    return Receipt(event.order_id)


def test_an_async_function_is_known_and_stays_callable(app: App) -> None:
    fulfil = app.function(on=OrderPlaced)(async_placed)
    assert isinstance(fulfil, AsyncFunction)
    assert fulfil.definition.is_async
    assert app.definitions.function("async_placed").body is async_placed
    assert fulfil.definition.result.annotation is Receipt
    assert repr(fulfil) == "<AsyncFunction 'async_placed'>"
    coroutine = fulfil(OrderPlaced(order_id="o-1", customer_id="c", total=Decimal(1)), None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(StopIteration) as ended:
        coroutine.send(None)
    assert ended.value.value == Receipt("o-1")


def test_a_def_is_not_async(app: App) -> None:
    assert not app.function(on=OrderPlaced)(placed).definition.is_async


def test_a_step_that_is_not_annotated_or_not_known_yet_is_whatever_the_body_needs(app: App) -> None:
    async def bare(event: Any, step) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]

    async def later(event: Any, step: "LaterStep") -> None: ...

    def any_step(event: Any, step: "Step | AsyncStep") -> None: ...

    made: list[Any] = [app.function()(body) for body in (bare, later, any_step)]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    assert [function.definition.is_async for function in made] == [True, True, False]


def test_the_annotation_of_the_step_sees_the_decorating_frame_and_the_closure(app: App) -> None:
    from milepost import AsyncStep as Closed
    from milepost import Step as Framed

    async def of_the_frame(event: Any, step: "Framed") -> None: ...

    def of_the_closure() -> Any:
        def closing(event: Any, step: "Closed") -> Any:
            return Closed

        return closing

    with pytest.raises(DefinitionError, match="an async body takes an AsyncStep: write async def of_the_frame"):
        app.function()(of_the_frame)
    with pytest.raises(DefinitionError, match="only an async body takes an AsyncStep: write async def closing"):
        decorated_elsewhere(app, of_the_closure())


def decorated_elsewhere(app: App, body: Any) -> None:
    """In a frame that does not know the names of the body's own."""
    app.function()(body)


def test_options(app: App) -> None:
    fulfil = app.function(
        on=OrderPlaced, name="fulfil-order", retries=9, waits_for=[OrderApproved, OrderApproved], cancel_on=[OrderCancelled], worker="heavy"
    )(plain)
    definition = fulfil.definition
    assert definition.name == "fulfil-order"
    assert definition.retry == Retry(retries=9)
    assert [event.name for event in definition.waits_for] == ["shop/order.approved"]
    assert definition.cancel_on[0].match == {"order_id": "order_id"}
    assert app.definitions.groups() == ("heavy",)
    assert app.definitions.awaited("heavy") == {"shop/order.approved", "shop/order.cancelled"}
    assert app.definitions.awaited("default") == frozenset()
    assert app.function(on=OrderPlaced, retry=Retry(retries=1))(placed).definition.retry.retries == 1


def test_patterns(app: App) -> None:
    definition = app.function(on=[OrderPlaced, Trigger(OrderApproved, where={"by": ["ada"]}), Cron("0 9 * * *")])(plain).definition
    first, second, third = definition.triggers
    assert first.pattern() == {"detail-type": ["shop/order.placed"]}
    assert second.pattern() == {"detail-type": ["shop/order.approved"], "detail": {"by": ["ada"]}}
    assert third.event.name == "milepost/cron.tick"
    assert third.cron == Cron("0 9 * * *")
    with pytest.raises(ValueError, match="schedule"):
        third.pattern()


def test_the_event_is_decoded_by_its_name(app: App) -> None:
    definition = app.function(on=[OrderPlaced, OrderApproved])(plain).definition
    assert definition.decode_event("shop/order.approved", '{"order_id": "a", "by": "ada"}') == OrderApproved(order_id="a", by="ada")
    with pytest.raises(EventError, match="by: is missing"):
        definition.decode_event("shop/order.approved", '{"order_id": "a"}')
    with pytest.raises(EventError, match=r"plain does not take 'shop/keyless' events; it takes 'shop/order.placed', 'shop/order.approved'"):
        definition.decode_event("shop/keyless", "{}")


def test_a_function_that_is_only_invoked_takes_what_its_annotation_says(app: App) -> None:
    @app.function()
    def make(order: Receipt, step: Step) -> int:
        raise NotImplementedError

    definition = make.definition
    assert definition.triggers == ()
    assert definition.data is not None
    assert definition.data.annotation is Receipt
    assert definition.decode_event("anything", '{"id": "a"}') == Receipt("a")
    with pytest.raises(EventError, match="the data of make is not Receipt: id: is missing"):
        definition.decode_event("anything", "{}")
    assert app.function(name="any")(plain).definition.data is NATIVE


def test_annotations_see_the_decorating_frame(app: App) -> None:
    class Local(msgspec.Struct):
        x: int

    @app.function()
    def make(order: "Local", step: Step) -> "list[Local]":
        raise NotImplementedError

    assert make.definition.data is not None
    assert make.definition.data.annotation is Local
    assert make.definition.result.annotation == list[Local]


def test_a_name_that_the_module_defines_later(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("later_module")
    monkeypatch.setitem(sys.modules, "later_module", module)
    namespace = vars(module)
    source = """
    from __future__ import annotations
    from dataclasses import dataclass
    from milepost import App, Step
    app = App("shop")
    @app.function()
    def make(order: Order, step: Step) -> Receipt: ...
    @dataclass
    class Order: id: str
    @dataclass
    class Receipt: id: str
    """
    exec(compile(textwrap.dedent(source), "later_module.py", "exec", dont_inherit=True), namespace)
    definition = namespace["make"].definition
    assert definition.result.annotation is namespace["Receipt"]
    assert definition.data.annotation is namespace["Order"]


class Typed(TypedDict):
    x: int


class Packed(msgspec.Struct):
    x: int


@pytest.mark.parametrize("cls", [OrderPlaced, Receipt, Packed, Typed])
def test_classes_stay_as_they_are(cls: type[Any]) -> None:
    app = App("shop")
    before = set(vars(cls))
    assert app.event("x")(cls) is cls
    assert set(vars(cls)) - before <= {"__msgspec_cache__"}
    assert app.definitions.event_type(cls).name == "x"
    assert app.definitions.event_named("x").cls is cls


def test_a_plain_class_becomes_a_frozen_dataclass() -> None:
    app = App("shop")

    @app.event("shop/plain", keys=("id",))
    class Plain:
        id: str
        count: int = 0

    made: Any = Plain
    assert made(id="a") == made(id="a", count=0)
    with pytest.raises(FrozenInstanceError):
        made(id="a").id = "b"
    assert app.definitions.event_type(Plain).keys == ("id",)


def test_event_types_of_instances_and_of_ticks(app: App) -> None:
    assert app.definitions.event_type(Keyless(order_id="a")).name == "shop/keyless"
    assert app.definitions.event_type(CronTick).name == "milepost/cron.tick"
    assert app.definitions.event_named("milepost/cron.tick").cls is CronTick
    assert list(app.definitions.events) == [
        "shop/order.placed",
        "shop/order.approved",
        "shop/order.cancelled",
        "shop/keyless",
        "shop/nested",
    ]


def test_unknown_names_suggest_near_ones(app: App) -> None:
    app.function(on=OrderPlaced, name="fulfil_order")(plain)
    with pytest.raises(FunctionNotFound, match=r"app 'shop' has no function 'fulfill_order'. Did you mean 'fulfil_order'\?"):
        app.definitions.function("fulfill_order")
    with pytest.raises(EventError, match=r"no event 'shop/order.plced'. Did you mean 'shop/order.placed'"):
        app.definitions.event_named("shop/order.plced")
    with pytest.raises(
        EventError, match=r"Stranger is no event of app 'shop': put @app.event\(...\) above the class".replace("...", '"..."')
    ):
        app.definitions.event_type(Stranger(order_id="a"))
    with pytest.raises(EventError, match="send a TypedDict as EventOf"):
        app.definitions.event_type({"order_id": "a"})
    with pytest.raises(FunctionNotFound, match="There are none"):
        App("empty").definitions.function("x")


# ---- handlers --------------------------------------------------------------------------------------------------------


def refund(event: OrderPlaced, step: Step, failure: Failure) -> None: ...


def test_handlers_are_functions_of_their_own(app: App) -> None:
    fulfil = app.function(on=OrderPlaced, retries=7, waits_for=[OrderApproved], worker="heavy", on_failure=refund, on_cancel=refund)(placed)
    handler = app.definitions.function("placed.on_failure")
    assert handler is fulfil.definition.on_failure
    assert app.definitions.function("placed.on_cancel") is fulfil.definition.on_cancel
    assert (handler.worker, handler.retry.retries, handler.triggers, handler.takes_failure) == ("heavy", 7, (), True)
    assert handler.waits_for == fulfil.definition.waits_for
    assert handler.on_failure is None
    assert handler.decode_event("shop/order.placed", '{"order_id":"a","customer_id":"c","total":1}').order_id == "a"


async def async_refund(event: OrderPlaced, step: AsyncStep, failure: Failure) -> None: ...


class Refund:
    async def __call__(self, event: OrderPlaced, step: AsyncStep, failure: Failure) -> None: ...


@pytest.mark.parametrize("handler", [async_refund, functools.partial(async_refund), Refund(), Refund().__call__])
def test_a_handler_is_async_or_not_by_itself(app: App, handler: Any) -> None:
    one = app.function(on=OrderPlaced, on_failure=handler)(placed)
    other = app.function(on=OrderPlaced, on_failure=handler, on_cancel=refund)(async_placed)
    assert one.definition.on_failure is not None
    assert other.definition.on_failure is not None
    assert other.definition.on_cancel is not None
    assert (one.definition.is_async, one.definition.on_failure.is_async) == (False, True)
    assert (other.definition.on_failure.is_async, other.definition.on_cancel.is_async) == (True, False)


def test_a_handler_of_an_invoked_function_takes_its_data(app: App) -> None:
    @app.function(on_failure=lambda event, step, failure: None)
    def make(order: Receipt, step: Step) -> None: ...

    assert make.definition.on_failure is not None
    assert make.definition.on_failure.decode_event("x", '{"id": "a"}') == Receipt("a")


def test_a_durable_function_of_a_failure_can_handle_several(app: App) -> None:
    @app.function()
    def alert(failure: Failure, step: Step) -> None: ...

    one = app.function(on=OrderPlaced, on_failure=alert)(placed)
    two = app.function(on=OrderPlaced, on_failure=alert)(plain)
    assert one.definition.on_failure is two.definition.on_failure is alert.definition
    assert sorted(app.definitions.functions) == ["alert", "placed", "plain"]


async def async_handler(event: OrderPlaced, step: Step, failure: Failure) -> None: ...


def handler_of_async_steps(event: OrderPlaced, step: AsyncStep, failure: Failure) -> None: ...


async def generator_handler(event: OrderPlaced, step: AsyncStep, failure: Failure) -> Any:
    yield 1


def too_short(event: OrderPlaced, step: Step) -> None: ...


def test_handlers_that_cannot_be(app: App) -> None:
    @app.function()
    def no_failure(event: Receipt, step: Step) -> None: ...

    foreign = App("other").function()(plain)
    cases: list[tuple[Any, str]] = [
        (
            async_handler,
            (
                r"an async body takes an AsyncStep: write async def async_handler\(event, step: AsyncStep, failure\), "
                r"or def async_handler\(event, step: Step, failure\) \(.*test_app.py:\d+\)"
            ),
        ),
        (handler_of_async_steps, "only an async body takes an AsyncStep: write async def handler_of_async_steps"),
        (functools.partial(handler_of_async_steps), "only an async body takes an AsyncStep"),
        (generator_handler, "the body is an async generator"),
        (too_short, "the body takes 3 positional arguments"),
        (no_failure, "no_failure takes no Failure"),
        (foreign, "plain is a function of another app"),
        (OrderPlaced, "on_failure= takes a def"),
        ("refund", "on_failure= takes a def"),
    ]
    for handler, message in cases:
        with pytest.raises(DefinitionError, match=message):
            app.function(on=OrderPlaced, on_failure=handler)(placed)
    assert "placed" not in app.definitions.functions


# ---- mistakes --------------------------------------------------------------------------------------------------------


async def with_steps(event: OrderPlaced, step: Step) -> None: ...


async def with_quoted_steps(event: OrderPlaced, step: "Step") -> None: ...


async def with_annotated_steps(event: OrderPlaced, step: Annotated[Step, "mine"]) -> None: ...


class MyStep(Step, Protocol): ...


async def with_steps_of_mine(event: OrderPlaced, step: MyStep) -> None: ...


def with_async_steps(event: OrderPlaced, step: AsyncStep) -> None: ...


def with_quoted_async_steps(event: OrderPlaced, step: "AsyncStep") -> None: ...


async def async_short(event: OrderPlaced) -> None: ...


async def async_bad_result(event: OrderPlaced, step: AsyncStep) -> list[Callable[[], int]]:
    raise NotImplementedError


async def async_generator_body(event: OrderPlaced, step: AsyncStep) -> Any:
    yield 1


def generator_body(event: OrderPlaced, step: Step) -> Any:
    yield 1


def short(event: OrderPlaced) -> None: ...


def long(event: OrderPlaced, step: Step, more: int) -> None: ...


def bad_result(event: OrderPlaced, step: Step) -> list[Callable[[], int]]:
    raise NotImplementedError


nameless: Callable[[Any, Any], None] = lambda event, step: None  # noqa: E731 - its name is what is wrong with it

BODIES: list[tuple[Any, str]] = [
    (
        with_steps,
        (
            r"@app.function 'with_steps': an async body takes an AsyncStep: write async def with_steps\(event, step: AsyncStep\), "
            r"or def with_steps\(event, step: Step\) \(.*test_app.py:\d+\)"
        ),
    ),
    (with_quoted_steps, "an async body takes an AsyncStep"),
    (with_annotated_steps, "an async body takes an AsyncStep"),
    (with_steps_of_mine, "an async body takes an AsyncStep"),
    (
        with_async_steps,
        (
            r"only an async body takes an AsyncStep: write async def with_async_steps\(event, step: AsyncStep\), "
            r"or def with_async_steps\(event, step: Step\) \(.*test_app.py:\d+\)"
        ),
    ),
    (with_quoted_async_steps, "only an async body takes an AsyncStep"),
    (async_generator_body, r"the body is an async generator; it must be a plain async def async_generator_body\(event, step\)"),
    (async_short, r"takes 2 positional arguments: async def async_short\(event, step\), not \(event"),
    (async_bad_result, "cannot be stored"),
    (generator_body, "the body is a generator"),
    (short, r"takes 2 positional arguments: def short\(event, step\), not \(event"),
    (long, "takes 2 positional arguments"),
    (bad_result, "cannot be stored"),
    (functools.partial(placed), "a durable function is a def"),
    (Receipt, "a durable function is a def"),
    (nameless, "the durable function '<lambda>'"),
]


@pytest.mark.parametrize(
    ("body", "message"),
    BODIES,
)
def test_bodies_that_cannot_be(app: App, body: Any, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        app.function(on=OrderPlaced)(body)
    assert not app.definitions.functions


def test_a_durable_function_is_not_decorated_again(app: App) -> None:
    fulfil = app.function(on=OrderPlaced)(placed)
    with pytest.raises(DefinitionError, match="placed is a durable function already"):
        app.function(on=OrderPlaced)(fulfil)


OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"on": Stranger}, r"on= Stranger is no event of app 'shop': put @app.event\(\"...\"\) above the class"),
    ({"on": Trigger(Stranger)}, "on= Stranger is no event"),
    ({"on": "shop/order.placed"}, "on= takes an event class, a Trigger, a Cron, or a list of them, not 'shop/order.placed'"),
    ({"on": ["x"]}, "on= takes an event class"),
    ({"on": []}, "1 to 10 triggers, not 0"),
    ({"on": [OrderPlaced] * 11}, "1 to 10 triggers, not 11"),
    ({"on": [OrderPlaced, OrderPlaced]}, "'shop/order.placed' twice"),
    ({"on": CronTick}, "on=CronTick says no time"),
    ({"on": OrderPlaced, "retires": 3}, "there is no option retires"),
    ({"on": OrderPlaced, "concurrency": 3}, "there is no option concurrency"),
    ({"on": OrderPlaced, "retries": -1}, "retries= is at least 0, not -1"),
    ({"on": OrderPlaced, "retries": True}, "retries= is an int, not True"),
    ({"on": OrderPlaced, "retries": 3, "retry": Retry()}, "not both"),
    ({"on": OrderPlaced, "retry": 3}, "retry= is a Retry, not 3"),
    ({"on": OrderPlaced, "name": "a b"}, "the durable function 'a b': a name has 1 to 64 letters"),
    ({"on": OrderPlaced, "name": "a.on_failure"}, "a name has"),
    ({"on": OrderPlaced, "name": "x" * 65}, "a name has"),
    ({"on": OrderPlaced, "worker": "a/b"}, "worker 'a/b': a name has"),
    ({"on": OrderPlaced, "waits_for": [Stranger]}, "waits_for= Stranger is no event"),
    ({"on": OrderPlaced, "waits_for": [Keyless]}, "waits_for= Keyless has no keys, so it can start functions but not be awaited"),
    ({"on": OrderPlaced, "waits_for": OrderApproved}, r"waits_for= takes a list: waits_for=\[OrderApproved\]"),
    ({"on": OrderPlaced, "waits_for": ["shop/order.approved"]}, "waits_for= takes an event class, not 'shop/order.approved'"),
    ({"on": OrderPlaced, "cancel_on": [Keyless]}, "cancel_on= Keyless has no keys"),
    ({"on": OrderPlaced, "cancel_on": [Stranger]}, "cancel_on= Stranger is no event"),
    ({"on": OrderPlaced, "cancel_on": CancelOn(OrderCancelled)}, "takes a list"),
    (
        {"on": Nested, "cancel_on": [OrderCancelled]},
        r"Nested has no field 'order_id' to .* \(it has order, orders\); say .*: CancelOn\(OrderCancelled, match=\{'order_id': \"...\"\}\)",
    ),
    ({"on": [OrderPlaced, Nested], "cancel_on": [OrderCancelled]}, "Nested has no field 'order_id'"),
    ({"on": Nested, "cancel_on": [CancelOn(OrderCancelled, match={"order_id": "orders.order_id"})]}, "no field 'orders.order_id'"),
    (
        {"on": OrderPlaced, "cancel_on": [CancelOn(OrderCancelled, match={"order_id": "total"})]},
        "'total' of OrderPlaced is Decimal, the key 'order_id' is str",
    ),
    (
        {"on": OrderPlaced, "cancel_on": [CancelOn(OrderCancelled, match={"id": "order_id"})]},
        r"match= names \['id'\], the keys are \['order_id'\]",
    ),
    ({"on": Cron("0 9 * * *"), "cancel_on": [OrderCancelled]}, "CronTick has no field 'order_id'"),
]


@pytest.mark.parametrize(("options", "message"), OPTIONS, ids=[message[:40] for _, message in OPTIONS])
def test_options_that_cannot_be(app: App, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        app.function(**options)(plain)
    assert not app.definitions.functions


def test_cancel_on_a_field_path(app: App) -> None:
    cancel = CancelOn(OrderCancelled, match={"order_id": "order.order_id"}, within=timedelta(days=1))
    (definition,) = app.function(on=Nested, cancel_on=[cancel])(plain).definition.cancel_on
    assert definition.match == {"order_id": "order.order_id"}
    assert definition.within == timedelta(days=1)


def test_cancel_on_of_a_function_that_is_only_invoked(app: App) -> None:
    @app.function(cancel_on=[OrderCancelled])
    def make(order: OrderPlaced, step: Step) -> None: ...

    assert make.definition.cancel_on[0].match == {"order_id": "order_id"}
    with pytest.raises(DefinitionError, match="Receipt has no field 'order_id'"):

        @app.function(cancel_on=[OrderCancelled])
        def other(order: Receipt, step: Step) -> None: ...


def test_two_of_one_name_are_refused_naming_both_places(app: App) -> None:
    app.function(on=OrderPlaced, name="one")(placed)
    here = rf"{__file__}:\d+".replace(".", r"\.")
    with pytest.raises(DefinitionError, match=rf"two functions of 'shop' are named 'one': one at {here}, one at {here}; rename one"):
        app.function(on=OrderPlaced, name="one")(plain)
    with pytest.raises(DefinitionError, match=rf"two events of 'shop' are named 'shop/keyless': one at {here}, one at {here}"):
        app.event("shop/keyless")(Stranger)
    with pytest.raises(DefinitionError, match=rf"Keyless is the event 'shop/keyless' already \({here}\)"):
        app.event("shop/other")(Keyless)
    assert app.definitions.function("one").body is placed
    assert "shop/other" not in app.definitions.events


@pytest.mark.parametrize(
    ("name", "keys", "cls", "message"),
    [
        ("milepost/x", (), Stranger, "milepost's own"),
        ("", (), Stranger, "1 to 128"),
        ("shop/x", ("oder_id",), Stranger, "'oder_id' is not a field"),
        ("shop/x", "order_id", Stranger, r"keys=\('order_id',\)"),
        ("shop/x", (), 7, "stands above a class, not 7"),
        ("shop/x", (), int, "a class with fields"),
        (Stranger, (), Stranger, "give the event a name"),
    ],
    ids=str,
)
def test_events_that_cannot_be(name: Any, keys: Any, cls: Any, message: str) -> None:
    app = App("shop")
    with pytest.raises(DefinitionError, match=message):
        app.event(name, keys=keys)(cls)
    assert not app.definitions.events


@pytest.mark.parametrize("name", ["", "a b", "-a", "x" * 65, 7, "a/b", "é"])
def test_names_of_apps_that_cannot_be(name: Any) -> None:
    with pytest.raises(DefinitionError, match=r"App .*: a name has"):
        App(name)


# ---- code version ----------------------------------------------------------------------------------------------------


def test_the_code_version_changes_with_the_source(tmp_path: Path) -> None:
    def version(body: str) -> str:
        file = tmp_path / "shop.py"
        file.write_text(
            f"from milepost import App\napp = App('shop')\n@app.function()\ndef make(event, step): return {body}\n", encoding="utf-8"
        )
        namespace: dict[str, Any] = {"__name__": "shop"}
        exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), namespace)
        first: str = namespace["app"].definitions.code_version()
        assert namespace["app"].definitions.code_version() == first
        return first

    assert version("1") == version("1")
    assert version("1") != version("2")
    assert len(version("1")) == 12


def test_a_function_is_a_function() -> None:
    made: Function[Any, Any] = App("shop").function()(plain)
    assert isinstance(made, Function)
