"""The app whose runs the protocol tests drive: small bodies, one for each shape of waiting."""

from datetime import timedelta

from milepost import App, Event, Failure, InvokeError, Retry, Step
from milepost.engine import keys
from milepost.engine.messages import EventMessage
from tests.engine.stage import Stage

DAY = timedelta(days=1)
HOUR_MS = 3_600_000


class Shop:
    """An app of its own for each test, with what its steps have done."""

    def __init__(self) -> None:
        self.app = app = App("shop")
        self.did: list[str] = []

        @app.event("shop/order.placed", keys=("order_id",))
        class OrderPlaced(Event):
            order_id: str
            note: str = ""

        @app.event("shop/order.approved", keys=("order_id",))
        class OrderApproved(Event):
            order_id: str
            by: str = "ada"

        @app.event("shop/order.cancelled", keys=("order_id",))
        class OrderCancelled(Event):
            order_id: str

        self.Placed, self.Approved, self.Cancelled = OrderPlaced, OrderApproved, OrderCancelled

    def do(self, what: str) -> str:
        """A step that leaves a trace."""
        self.did.append(what)
        return what

    def two_steps(self) -> None:
        @self.app.function(on=self.Placed)
        def order(event: object, step: Step) -> str:
            return step.run("a", self.do, "a") + step.run("b", self.do, "b")

    def waits(self) -> None:
        @self.app.function(on=self.Placed, waits_for=[self.Approved])
        def order(event: object, step: Step) -> str:
            step.run("a", self.do, "a")
            approval = step.wait_for_event("approval", self.Approved, order_id="o-1", timeout=DAY)
            step.run("b", self.do, "b")
            return "nobody" if approval is None else approval.by

    def waits_twice(self) -> None:
        @self.app.function(on=self.Placed, waits_for=[self.Approved])
        def order(event: object, step: Step) -> list[str]:
            first = step.wait_for_event("first", self.Approved, order_id="o-1", timeout=DAY)
            second = step.wait_for_event("second", self.Approved, order_id="o-1", timeout=DAY)
            return ["nobody" if one is None else one.by for one in (first, second)]

    def waits_and_sleeps(self) -> None:
        @self.app.function(on=self.Placed, waits_for=[self.Approved])
        def order(event: object, step: Step) -> str:
            approval, _ = step.parallel(
                "both",
                lambda s: s.wait_for_event("approval", self.Approved, order_id="o-1", timeout=2 * DAY),
                lambda s: s.sleep("nap", timedelta(hours=1)),
            )
            step.run("b", self.do, "b")
            return "nobody" if approval is None else approval.by

    def sleeps(self) -> None:
        @self.app.function(on=self.Placed)
        def order(event: object, step: Step) -> str:
            step.run("a", self.do, "a")
            step.sleep("nap", timedelta(hours=1))
            return step.run("b", self.do, "b")

    def cancellable(self) -> None:
        @self.app.function(on=self.Placed, cancel_on=[self.Cancelled])
        def order(event: object, step: Step) -> str:
            step.run("a", self.do, "a")
            step.sleep("nap", timedelta(hours=1))
            return step.run("b", self.do, "b")

    def parent_and_child(self) -> None:
        app = self.app

        @app.function()
        def child(event: str, step: Step) -> str:
            step.run("c", self.do, "c")
            step.sleep("nap", timedelta(hours=1))
            if event == "bad":
                raise ValueError("bad child")
            return step.run("d", self.do, "d")

        def told(event: object, step: Step, failure: Failure) -> None:
            step.run("told", self.do, f"told {failure.status}")

        @app.function(on=self.Placed, on_failure=told, on_cancel=told, retry=Retry(retries=0))
        def order(event: object, step: Step) -> str:
            step.run("a", self.do, "a")
            try:
                return step.invoke("child", child, getattr(event, "note", ""))
            except InvokeError as error:
                return f"child: {error}"

        self.child = child


def placed(stage: Stage, shop: Shop, note: str = "") -> str:
    """Send the event; returns the id of the run that will be."""
    stage.send(shop.Placed(order_id="o-1", note=note), id="placed")
    return keys.run_id("order", "shop/order.placed", "placed")


def starts_order(message: EventMessage) -> bool:
    return message.target == "order"


def is_signal(message: EventMessage) -> bool:
    return message.target.startswith("~signal:")
