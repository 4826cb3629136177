"""Waiting: for time, for events that come before, after, or never, for the answer to a callback."""

from typing import Any

from milepost import App, Lookback, Step, StepError, WaitFor, WaitTimeout
from tests.engine.scenarios.box import MortalBox
from tests.engine.scenarios.kit import DAY, HOUR, MINUTE, Kit, Ledger, Play, scenario, start


@scenario()
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


@scenario(is_small=True)
def sleeps_until(ledger: Ledger) -> tuple[App, Play]:
    """Until an instant to come, and one that is over."""
    kit = Kit()

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> str:
        step.sleep_until("over", step.event.at - HOUR)
        step.sleep_until("to come", step.event.at + HOUR)
        return step.run("a", ledger.do, "a")

    return kit.app, start(kit)


@scenario()
def event_after(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved])
    def order(event: object, step: Step) -> str:
        step.run("a", ledger.do, "a")
        approval = step.wait_for_event("approval", kit.approved, id="o", timeout=2 * DAY)
        step.run("b", ledger.do, "b")
        return "nobody" if approval is None else approval.by

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.send(kit.approved(id="o"), id="approved")
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
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

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        for by in ("ada", "eve", "bob"):
            box.send(kit.approved(id="o", by=by), id=f"by {by}")
        box.advance(4 * DAY)

    return kit.app, play


@scenario(is_small=True)
def wait_timeout(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved, kit.withdrawn])
    def order(event: object, step: Step) -> str:
        found = step.wait_for_any("either", WaitFor(kit.approved, id="o"), WaitFor(kit.withdrawn, id="o"), timeout=HOUR)
        return step.run("late", ledger.do, "late") if found is None else "found"

    return kit.app, start(kit)


@scenario()
def judged_by_predicate(ledger: Ledger) -> tuple[App, Play]:
    """Events that do not please are passed over, before and after the wait was registered."""
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved])
    def order(event: object, step: Step) -> str:
        step.sleep("nap", HOUR)
        found = step.wait_for_event("approval", kit.approved, id="o", timeout=DAY, where=lambda event: event.by == "bob")
        step.run("b", ledger.do, "b")
        return "nobody" if found is None else found.by

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        for by in ("eve", "mallory", "bob", "ada"):
            box.send(kit.approved(id="o", by=by), id=f"by {by}")
            box.advance(30 * MINUTE)
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def two_in_a_row(ledger: Ledger) -> tuple[App, Play]:
    """Each wait gets an event of its own; the producer repeats itself; a third wait gets none."""
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved])
    def order(event: object, step: Step) -> list[str]:
        names = ("first", "second", "third")
        found = [step.wait_for_event(name, kit.approved, id="o", timeout=DAY) for name in names]
        return ["nobody" if one is None else one.by for one in found]

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        for by in ("ada", "ada", "bob", "ada"):
            box.send(kit.approved(id="o", by=by), id=f"by {by}")
            box.quiet()
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def broadcast(ledger: Ledger) -> tuple[App, Play]:
    """One event wakes every run that waits for it, and every wait that is pending."""
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved])
    def order(event: Any, step: Step) -> list[str]:
        def waits(s: Step) -> str:
            found = s.wait_for_event("approval", kit.approved, id="o", timeout=DAY)
            return "nobody" if found is None else found.by

        both = step.parallel("both", waits, waits)
        return [*both, step.run("b", ledger.do, f"b {event.note}")]

    def play(box: MortalBox) -> None:
        for number in range(2):
            box.send(kit.placed(id="o", note=str(number)), id=f"placed {number}")
        box.quiet()
        box.send(kit.approved(id="o"), id="approved")
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def any_of_two(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved, kit.withdrawn])
    def order(event: object, step: Step) -> list[object]:
        found: list[object] = []
        for name in ("first", "second"):
            one = step.wait_for_any(name, WaitFor(kit.approved, id="o"), WaitFor(kit.withdrawn, id="o"), timeout=DAY)
            found.append(None if one is None else one.index)
        return [*found, step.run("b", ledger.do, "b")]

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.quiet()
        box.send(kit.withdrawn(id="o"), id="withdrawn")
        box.quiet()
        box.send(kit.approved(id="o"), id="approved")
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def looks_back(ledger: Ledger) -> tuple[App, Play]:
    """As far as it is told, and since the trigger: an event of before that is not seen."""
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved])
    def order(event: object, step: Step) -> list[str]:
        step.sleep("nap", HOUR)
        far = step.wait_for_event("far", kit.approved, id="o", timeout=HOUR, lookback=2 * DAY)
        near = step.wait_for_event("near", kit.approved, id="o", timeout=HOUR, lookback=Lookback.SINCE_TRIGGER)
        step.run("b", ledger.do, "b")
        return ["nobody" if one is None else one.by for one in (far, near)]

    def play(box: MortalBox) -> None:
        for by in ("eve", "ada"):
            box.send(kit.approved(id="o", by=by), id=f"by {by}")
            box.quiet()
        start(kit)(box)

    return kit.app, play


@scenario(is_small=True)
def event_at_once(ledger: Ledger) -> tuple[App, Play]:
    """Right after the start, and nothing else happens."""
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved])
    def order(event: object, step: Step) -> str:
        approval = step.wait_for_event("approval", kit.approved, id="o", timeout=DAY)
        return "nobody" if approval is None else approval.by

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), kit.approved(id="o"), id="both")
        box.advance(4 * DAY)

    return kit.app, play


@scenario(is_small=True)
def event_that_does_not_fit(ledger: Ledger) -> tuple[App, Play]:
    """It is skipped, and whoever waits goes on waiting."""
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved])
    def order(event: object, step: Step) -> str:
        approval = step.wait_for_event("approval", kit.approved, id="o", timeout=DAY)
        return "nobody" if approval is None else approval.by

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.put("order/approved", '{"id": "o", "by": 7}', id="misfit")
        box.advance(HOUR)
        box.send(kit.approved(id="o"), id="approved")
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def callbacks(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> str:
        answer = step.wait_for_callback("ask", ledger.tokens.append, returns=str, timeout=2 * DAY, heartbeat=DAY)
        return step.run("b", ledger.do, "b") + answer

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.quiet()
        assert len(set(ledger.tokens)) == 1
        kit.app.callback(ledger.tokens[0]).heartbeat()
        kit.app.callback(ledger.tokens[0]).succeed("yes")
        kit.app.callback(ledger.tokens[0]).succeed("no")
        box.advance(4 * DAY)

    return kit.app, play


@scenario(by_chance=("ask~submit",))
def callback_answered_at_once(ledger: Ledger) -> tuple[App, Play]:
    """By the very step that hands the token out: before the submit is recorded, and before the wait is."""
    kit = Kit()

    def ask(token: str) -> None:
        ledger.do("ask")
        kit.app.callback(token).succeed("yes")

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> str:
        answer = step.wait_for_callback("ask", ask, returns=str, timeout=DAY)
        return step.run("b", ledger.do, "b") + answer

    return kit.app, start(kit)


@scenario()
def callback_fails(ledger: Ledger) -> tuple[App, Play]:
    """One is answered by an error, one by nobody in spite of its heartbeats."""
    kit = Kit()

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> list[str]:
        told: list[str] = []
        for name in ("first", "second"):
            try:
                step.wait_for_callback(name, ledger.tokens.append, returns=str, timeout=DAY, heartbeat=12 * HOUR)
            except WaitTimeout as error:
                told.append(str(error))
            except StepError as error:
                told.append(str(error))
        step.run("b", ledger.do, "b")
        return told

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.quiet()
        kit.app.callback(ledger.tokens[0]).fail("no")
        box.quiet()
        for _ in range(3):
            kit.app.callback(ledger.tokens[-1]).heartbeat()
            box.advance(11 * HOUR)
        box.advance(4 * DAY)

    return kit.app, play
