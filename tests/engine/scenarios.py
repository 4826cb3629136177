"""One small app per shape of durable work, and what a test does with it: what the crash sweep runs again and again."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from milepost import App, Backoff, CancelOn, Event, Failure, InvokeError, NonRetriableError, Retry, Step, WaitFor
from milepost.testing import Sandbox

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Ledger:
    """What the steps have done: each execution leaves another value, so a step that is done again is seen."""

    did: list[str] = field(default_factory=list[str])
    returned: set[str] = field(default_factory=set[str])
    tokens: list[str] = field(default_factory=list[str])

    def do(self, what: str) -> str:
        self.did.append(what)
        value = f"{what}#{self.did.count(what)}"
        self.returned.add(value)
        return value

    def counts(self) -> Counter[str]:
        return Counter(self.did)


Play = Callable[[Sandbox], None]
Scenario = Callable[[Ledger], tuple[App, Play]]
SCENARIOS: dict[str, Scenario] = {}


def scenario(build: Scenario) -> Scenario:
    SCENARIOS[build.__name__] = build
    return build


class Kit:
    """An app with the three events that all scenarios speak of."""

    def __init__(self) -> None:
        self.app = app = App("shop")

        @app.event("order/placed", keys=("id",))
        class Placed(Event):
            id: str

        @app.event("order/approved", keys=("id",))
        class Approved(Event):
            id: str
            by: str = "ada"

        @app.event("order/withdrawn", keys=("id",))
        class Withdrawn(Event):
            id: str

        self.placed, self.approved, self.withdrawn = Placed, Approved, Withdrawn


def start(kit: Kit) -> Play:
    """Send the event, and let all its time pass."""

    def play(box: Sandbox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.advance(4 * DAY)

    return play


@scenario
def sequential(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> list[str]:
        return [step.run(name, ledger.do, name) for name in ("a", "b", "c")]

    return kit.app, start(kit)


@scenario
def large_values(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    def large(what: str) -> str:
        return ledger.do(what) + "." * 2_000

    @kit.app.function()
    def order(event: str, step: Step) -> str:
        first = step.run("a", large, "a")
        step.sleep("nap", HOUR)
        return first + event[:1]

    def play(box: Sandbox) -> None:
        box.invoke(order, "x" * 2_000, id="large")
        box.advance(DAY)

    return kit.app, play


@scenario
def sleeps(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> list[str]:
        first = step.run("a", ledger.do, "a")
        step.sleep("nap", HOUR)
        second = step.run("b", ledger.do, "b")
        step.sleep("long nap", DAY)
        return [first, second]

    return kit.app, start(kit)


@scenario
def event_after(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved])
    def order(event: object, step: Step) -> str:
        step.run("a", ledger.do, "a")
        approval = step.wait_for_event("approval", kit.approved, id="o", timeout=2 * DAY)
        step.run("b", ledger.do, "b")
        return "nobody" if approval is None else approval.by

    def play(box: Sandbox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.send(kit.approved(id="o"), id="approved")
        box.advance(4 * DAY)

    return kit.app, play


@scenario
def event_before(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved])
    def order(event: object, step: Step) -> list[str]:
        step.sleep("nap", HOUR)
        found = [
            step.wait_for_event("first", kit.approved, id="o", timeout=2 * DAY),
            step.wait_for_event("second", kit.approved, id="o", timeout=2 * DAY, where=lambda event: event.by != "eve"),
        ]
        return ["nobody" if one is None else one.by for one in found]

    def play(box: Sandbox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        for by in ("ada", "eve", "bob"):
            box.send(kit.approved(id="o", by=by), id=f"by {by}")
        box.advance(4 * DAY)

    return kit.app, play


@scenario
def wait_timeout(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved, kit.withdrawn])
    def order(event: object, step: Step) -> str:
        found = step.wait_for_any("either", WaitFor(kit.approved, id="o"), WaitFor(kit.withdrawn, id="o"), timeout=HOUR)
        return step.run("late", ledger.do, "late") if found is None else "found"

    return kit.app, start(kit)


@scenario
def parallel(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved])
    def order(event: object, step: Step) -> list[str]:
        def naps(s: Step) -> str:
            s.sleep("nap", HOUR)
            return s.run("a", ledger.do, "a")

        def waits(s: Step) -> str:
            found = s.wait_for_event("approval", kit.approved, id="o", timeout=DAY)
            return s.run("b", ledger.do, "b") if found is None else found.by

        return list(step.parallel("all", naps, waits, lambda s: s.run("c", ledger.do, "c")))

    def play(box: Sandbox) -> None:
        start(kit)(box)
        assert box.runs("order")[0].status == "completed"

    return kit.app, play


@scenario
def race(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function()
    def slow(event: str, step: Step) -> str:
        step.sleep("nap", 2 * DAY)
        return step.run("never", ledger.do, "never")

    @kit.app.function(on=kit.placed, waits_for=[kit.approved])
    def order(event: object, step: Step) -> str:
        def naps(s: Step) -> str:
            s.sleep("nap", HOUR)
            return s.run("won", ledger.do, "won")

        won = step.race(
            "first",
            lambda s: s.wait_for_event("approval", kit.approved, id="o", timeout=2 * DAY) and "",
            lambda s: s.invoke("child", slow, "x"),
            naps,
        )
        step.sleep("after", HOUR)
        return f"{won.index} {won.value}"

    return kit.app, start(kit)


@scenario
def maps(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> list[str]:
        items = step.map("items", ledger.do, ["x", "y", "z"])

        def body(s: Step, item: str) -> str:
            s.sleep("nap", HOUR)
            return s.run("each", ledger.do, f"each {item[0]}")

        return [*items, *step.each("each", body, items)]

    return kit.app, start(kit)


@scenario
def invokes(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(retry=Retry(retries=0))
    def child(event: str, step: Step) -> str:
        step.sleep("nap", HOUR)
        if event == "bad":
            raise ValueError("bad child")
        return step.run("c", ledger.do, f"c {event}")

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> list[str]:
        results = step.invoke_many("many", child, ["x", "y"])
        try:
            step.invoke("bad", child, "bad")
        except InvokeError as error:
            results.append(str(error.cause))
        return results

    return kit.app, start(kit)


@scenario
def cancelled_by_event(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    def told(event: object, step: Step, failure: Failure) -> str:
        return step.run("told", ledger.do, f"told {failure.status}")

    @kit.app.function()
    def child(event: str, step: Step) -> None:
        step.sleep("nap", 2 * DAY)
        step.run("never", ledger.do, "never")

    @kit.app.function(on=kit.placed, waits_for=[kit.approved], cancel_on=[CancelOn(kit.withdrawn, match={"id": "id"})], on_cancel=told)
    def order(event: object, step: Step) -> None:
        step.run("a", ledger.do, "a")
        step.parallel(
            "both",
            lambda s: s.invoke("child", child, "x"),
            lambda s: s.wait_for_event("approval", kit.approved, id="o", timeout=DAY),
        )

    def play(box: Sandbox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.send(kit.withdrawn(id="o"), id="withdrawn")
        box.advance(4 * DAY)

    return kit.app, play


@scenario
def cancelled_by_hand(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function()
    def child(event: str, step: Step) -> None:
        step.sleep("nap", 2 * DAY)
        step.run("never", ledger.do, "never")

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> None:
        step.run("a", ledger.do, "a")
        step.invoke("child", child, "x")

    def play(box: Sandbox) -> None:
        [run] = box.send(kit.placed(id="o"), id="placed")
        box.cancel(run)
        box.advance(4 * DAY)

    return kit.app, play


@scenario
def fails(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function()
    def alarm(failure: Failure, step: Step) -> str:
        step.sleep("nap", HOUR)
        return step.run("told", ledger.do, f"told {failure.function} {failure.step}")

    def refuse() -> None:
        ledger.do("refuse")
        raise NonRetriableError("refused")

    @kit.app.function(on=kit.placed, on_failure=alarm)
    def order(event: object, step: Step) -> None:
        step.run("a", ledger.do, "a")
        step.run("refuse", refuse)

    return kit.app, start(kit)


@scenario
def retries(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()
    failed: list[str] = []

    def flaky(what: str) -> str:
        if what not in failed:
            failed.append(what)
            raise ValueError("not yet")
        return ledger.do(what)

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> list[str]:
        first = step.run("a", flaky, "a")
        if step.attempt == 1:
            raise ValueError("the body, too")
        return [first, step.run("b", flaky, "b")]

    return kit.app, start(kit)


@scenario
def compensates(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    def undo(value: str) -> None:
        ledger.do(f"undo {value[0]}")

    @kit.app.function(on=kit.placed, retry=Retry(retries=0))
    def order(event: object, step: Step) -> None:
        for name in ("a", "b"):
            step.options(compensate=undo).run(name, ledger.do, name)
        step.sleep("nap", HOUR)
        raise ValueError("no")

    return kit.app, start(kit)


@scenario
def callbacks(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> str:
        answer = step.wait_for_callback("ask", ledger.tokens.append, returns=str, timeout=2 * DAY, heartbeat=DAY)
        return step.run("b", ledger.do, "b") + answer

    def play(box: Sandbox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        assert len(set(ledger.tokens)) == 1
        kit.app.callback(ledger.tokens[0]).succeed("yes")
        kit.app.callback(ledger.tokens[0]).succeed("no")
        box.advance(4 * DAY)

    return kit.app, play


@scenario
def polls_and_sends(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()
    polls: list[int] = []

    def check() -> str | None:
        polls.append(1)
        return "ready" if len(polls) > 3 else None

    @kit.app.function(on=kit.approved)
    def hears(event: Any, step: Step) -> str:
        return step.run("hear", ledger.do, f"hear {event.by}")

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> list[str]:
        found = step.wait_until("ready", check, every=Backoff(timedelta(minutes=10)), timeout=DAY)
        return [found, *step.send_event("tell", kit.approved(id="o", by="x"), kit.approved(id="o", by="y"))]

    return kit.app, start(kit)


@scenario
def reruns(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> list[str]:
        first = step.run("a", ledger.do, "a")
        step.sleep("nap", HOUR)
        return [first, step.run("b", ledger.do, "b"), step.run("c", ledger.do, "c")]

    def play(box: Sandbox) -> None:
        [run] = box.send(kit.placed(id="o"), id="placed")
        box.advance(DAY)
        box.rerun(run, from_step="b", input=["edited"])
        box.advance(DAY)

    return kit.app, play
