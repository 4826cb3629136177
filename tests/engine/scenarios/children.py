"""Runs of runs: children that answer, fail, time out, are cancelled or detached; and what runs after a run has ended."""

from milepost import App, Completion, Failure, InvokeError, NonRetriableError, Retry, Step, WaitTimeout
from milepost.engine import keys
from milepost.engine.messages import Cancel
from tests.engine.scenarios.box import MortalBox
from tests.engine.scenarios.kit import DAY, HOUR, Kit, Ledger, Play, scenario, start


@scenario()
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


@scenario()
def children_that_may_fail(ledger: Ledger) -> tuple[App, Play]:
    """A crowd of them: they are poked for with a delay."""
    kit = Kit()

    @kit.app.function(retry=Retry(retries=0))
    def child(event: str, step: Step) -> str:
        if event == "bad":
            raise ValueError("bad child")
        return step.run("c", ledger.do, f"c {event}")

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> list[str]:
        found = step.invoke_many("many", child, ["x", "bad", "z"], policy=Completion(max_failures=1))
        return [one if isinstance(one, str) else "failed" for one in found]

    def play(box: MortalBox) -> None:
        box.limit(crowd=2)
        start(kit)(box)

    return kit.app, play


@scenario()
def children_of_children(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function()
    def grandchild(event: str, step: Step) -> str:
        step.sleep("nap", HOUR)
        return step.run("g", ledger.do, f"g {event}")

    @kit.app.function()
    def child(event: str, step: Step) -> str:
        return step.invoke("child", grandchild, event + "!")

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> str:
        return step.invoke("child", child, "x")

    return kit.app, start(kit)


@scenario()
def child_that_takes_too_long(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function()
    def child(event: str, step: Step) -> None:
        step.run("c", ledger.do, "c")
        step.sleep("nap", 2 * DAY)
        step.run("never", ledger.do, "never")

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> str:
        try:
            step.invoke("child", child, "x", timeout=HOUR)
        except WaitTimeout:
            return step.run("late", ledger.do, "late")
        return "in time"

    return kit.app, start(kit)


@scenario()
def child_that_ran_out_of_patience(ledger: Ledger) -> tuple[App, Play]:
    """A child that fails because its own wait timed out has failed: that is no time-out of the invoke."""
    kit = Kit()

    @kit.app.function()
    def grandchild(event: str, step: Step) -> None:
        step.sleep("nap", 2 * DAY)
        step.run("never", ledger.do, "never")

    @kit.app.function(retry=Retry(retries=0))
    def child(event: str, step: Step) -> None:
        step.invoke("child", grandchild, "y", timeout=HOUR)

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> str:
        try:
            step.invoke("child", child, "x", timeout=DAY)
        except InvokeError:
            return step.run("failed", ledger.do, "failed")
        return "done"

    return kit.app, start(kit)


@scenario()
def detached(ledger: Ledger) -> tuple[App, Play]:
    """One child outlives the parent's patience, the other its cancellation."""
    kit = Kit()

    @kit.app.function()
    def child(event: str, step: Step) -> str:
        step.sleep("nap", DAY)
        return step.run("c", ledger.do, f"c {event}")

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> None:
        try:
            step.invoke("first", child, "x", timeout=HOUR, on_cancel="detach")
        except WaitTimeout:
            step.run("late", ledger.do, "late")
        step.invoke("second", child, "y", on_cancel="detach")

    def play(box: MortalBox) -> None:
        [run] = box.send(kit.placed(id="o"), id="placed")
        box.advance(2 * HOUR)
        box.cancel(run)
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def cancelled_child(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function()
    def child(event: str, step: Step) -> None:
        step.sleep("nap", DAY)

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> str:
        try:
            step.invoke("child", child, "x")
        except InvokeError as error:
            return step.run("b", ledger.do, "b") + str(error)
        return "done"

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.quiet()
        [run] = box.runs(child)
        box.cancel(run)
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def tombstone(ledger: Ledger) -> tuple[App, Play]:
    """The child is cancelled before it is born."""
    kit = Kit()

    def told(event: object, step: Step, failure: Failure) -> str:
        return step.run("told", ledger.do, f"told {failure.status}")

    @kit.app.function(on_cancel=told)
    def child(event: str, step: Step) -> None:
        step.run("never", ledger.do, "never")

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> str:
        try:
            step.invoke("child", child, "x")
        except InvokeError as error:
            return step.run("b", ledger.do, "b") + str(error)
        return "done"

    def play(box: MortalBox) -> None:
        parent = keys.run_id("order", "order/placed", "placed")
        box.post(Cancel(run=keys.child_id(parent, "child"), function="child", reason="too early"))
        box.quiet()
        start(kit)(box)

    return kit.app, play


@scenario()
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


@scenario()
def failure_is_told(ledger: Ledger) -> tuple[App, Play]:
    """By a handler of the function's own, in branches, and one that fails is told to nobody."""
    kit = Kit()

    def told(event: object, step: Step, failure: Failure) -> None:
        def tells(s: Step) -> str:
            return s.run("told", ledger.do, f"told {failure.status} {failure.step}")

        step.parallel("all", tells, lambda s: s.sleep("nap", HOUR))
        raise NonRetriableError("the handler, too")

    def refuse() -> None:
        raise NonRetriableError("refused")

    @kit.app.function(on=kit.placed, on_failure=told, on_cancel=told)
    def order(event: object, step: Step) -> None:
        step.run("refuse", refuse)

    return kit.app, start(kit)


@scenario()
def failing_parent_of_living_children(ledger: Ledger) -> tuple[App, Play]:
    """Its children are cancelled, what it has done is undone, its failure is told."""
    kit = Kit()

    def undo(value: str) -> None:
        ledger.do(f"undo {value[0]}")

    def told(event: object, step: Step, failure: Failure) -> str:
        return step.run("told", ledger.do, f"told {failure.status}")

    @kit.app.function()
    def child(event: str, step: Step) -> None:
        step.sleep("nap", 2 * DAY)
        step.run("never", ledger.do, "never")

    @kit.app.function(on=kit.placed, on_failure=told, retry=Retry(retries=0))
    def order(event: object, step: Step) -> None:
        step.options(compensate=undo).run("a", ledger.do, "a")

        def refuses(s: Step) -> None:
            s.sleep("nap", HOUR)
            raise ValueError("no")

        def wins(s: Step) -> None:
            s.sleep("nap", 2 * HOUR)

        try:
            step.parallel("both", lambda s: s.race("either", lambda t: t.invoke("child", child, "x"), wins), refuses)
        except ValueError:
            step.run("b", ledger.do, "b")
        raise NonRetriableError("no")

    return kit.app, start(kit)
