"""What is done to runs from outside: cancelled, paused, resumed, run again; from a test, by events, and from steps."""

from milepost import App, CancelOn, Failure, Step
from milepost.engine import keys
from tests.engine.scenarios.box import MortalBox
from tests.engine.scenarios.kit import DAY, HOUR, MINUTE, Kit, Ledger, Play, scenario


@scenario(in_flight=2)
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

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.quiet()
        box.send(kit.withdrawn(id="o"), id="withdrawn")
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
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

    def play(box: MortalBox) -> None:
        [run] = box.send(kit.placed(id="o"), id="placed")
        box.quiet()
        box.cancel(run)
        box.advance(4 * DAY)

    return kit.app, play


@scenario(by_chance=("a",), is_small=True)
def cancelled_by_event_at_once(ledger: Ledger) -> tuple[App, Play]:
    """Before the run begins, or in its first step, or later: it never gets over its nap."""
    kit = Kit()

    def told(event: object, step: Step, failure: Failure) -> str:
        return step.run("told", ledger.do, f"told {failure.status}")

    @kit.app.function(on=kit.placed, cancel_on=[kit.withdrawn], on_cancel=told)
    def order(event: object, step: Step) -> None:
        step.run("a", ledger.do, "a")
        step.sleep("nap", HOUR)
        step.run("never", ledger.do, "never")

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), kit.withdrawn(id="o"), id="both")
        box.advance(4 * DAY)

    return kit.app, play


@scenario(in_flight=2)
def cancelled_by_event_in_the_midst(ledger: Ledger) -> tuple[App, Play]:
    """With a child, a wait, a callback and something to undo: all of it is let go of, whoever dies meanwhile."""
    kit = Kit()

    def undo(value: str) -> None:
        ledger.do(f"undo {value[0]}")

    @kit.app.function()
    def child(event: str, step: Step) -> None:
        step.sleep("nap", 2 * DAY)
        step.run("never", ledger.do, "never")

    @kit.app.function(on=kit.placed, waits_for=[kit.approved], cancel_on=[kit.withdrawn])
    def order(event: object, step: Step) -> None:
        step.options(compensate=undo).run("a", ledger.do, "a")
        step.parallel(
            "all",
            lambda s: s.invoke("child", child, "x"),
            lambda s: s.wait_for_event("approval", kit.approved, id="o", timeout=DAY),
            lambda s: s.wait_for_callback("ask", ledger.tokens.append, timeout=DAY),
        )

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.quiet()
        box.send(kit.withdrawn(id="o"), id="withdrawn")
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def cancelled_too_late(ledger: Ledger) -> tuple[App, Play]:
    """An event of another key, and one after its time, cancel nothing."""
    kit = Kit()

    @kit.app.function(on=kit.placed, cancel_on=[CancelOn(kit.withdrawn, match={"id": "id"}, within=HOUR)])
    def order(event: object, step: Step) -> str:
        step.run("a", ledger.do, "a")
        step.sleep("nap", DAY)
        return step.run("b", ledger.do, "b")

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.send(kit.withdrawn(id="other"), id="other")
        box.advance(2 * HOUR)
        box.send(kit.withdrawn(id="o"), id="withdrawn")
        box.advance(4 * DAY)

    return kit.app, play


@scenario(is_small=True)
def paused_and_resumed(ledger: Ledger) -> tuple[App, Play]:
    """What it waits for happens while it is paused."""
    kit = Kit()

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> str:
        step.sleep("nap", HOUR)
        return step.run("b", ledger.do, "b")

    def play(box: MortalBox) -> None:
        [run] = box.send(kit.placed(id="o"), id="placed")
        box.quiet()
        box.pause(run)
        box.advance(2 * HOUR)
        assert ledger.did == []
        box.resume(run)
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def paused_at_once(ledger: Ledger) -> tuple[App, Play]:
    """Under the lease of a worker that died, perhaps; an event comes while it is paused, and cannot wake it."""
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved])
    def order(event: object, step: Step) -> str:
        step.run("a", ledger.do, "a")
        found = step.wait_for_event("approval", kit.approved, id="o", timeout=DAY)
        return step.run("b", ledger.do, "b") + ("nobody" if found is None else found.by)

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        paused = [run for run in box.runs() if kit.app.pause(run)]
        box.send(kit.approved(id="o"), id="approved")
        box.quiet()
        for run in paused:
            box.resume(run)
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def pulled_about_by_steps(ledger: Ledger) -> tuple[App, Play]:
    """A step of one run pauses another; a second step resumes it, and a third cancels a third run."""
    kit = Kit()

    @kit.app.function()
    def puppet(event: str, step: Step) -> str:
        step.sleep("nap", 3 * HOUR)
        return step.run("p", ledger.do, f"p {event}")

    def pause(run: str) -> str:
        kit.app.pause(run)
        return ledger.do("pause")

    def resume(run: str) -> str:
        kit.app.resume(run)
        return ledger.do("resume")

    def cancel(run: str) -> str:
        kit.app.cancel(run)
        return ledger.do("cancel")

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> None:
        first, second = keys.run_id("puppet", "~invoke", "x"), keys.run_id("puppet", "~invoke", "y")
        step.run("pause", pause, first)
        step.sleep("nap", HOUR)
        step.run("resume", resume, first)
        step.run("cancel", cancel, second)

    def play(box: MortalBox) -> None:
        box.invoke(puppet, "x", id="x")
        box.invoke(puppet, "y", id="y")
        box.quiet()
        box.send(kit.placed(id="o"), id="placed")
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def sends_by_a_door(ledger: Ledger) -> tuple[App, Play]:
    """From within a step, under an id: however often the step is done, the event starts one run; and one later."""
    kit = Kit()

    @kit.app.function(on=kit.approved)
    def hears(event: object, step: Step) -> str:
        return step.run("hear", ledger.do, "hear")

    @kit.app.function(on=kit.withdrawn)
    def hears_later(event: object, step: Step) -> str:
        return step.run("hear", ledger.do, "hear later")

    def send() -> str:
        kit.app.send(kit.approved(id="o"), id="by step")
        return ledger.do("send")

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> str:
        return step.run("send", send)

    def play(box: MortalBox) -> None:
        box.send(kit.withdrawn(id="o"), id="later", at=box.now + 10 * MINUTE)
        box.send(kit.placed(id="o"), id="placed")
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def reruns(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> list[str]:
        first = step.run("a", ledger.do, "a")
        step.sleep("nap", HOUR)
        return [first, step.run("b", ledger.do, "b"), step.run("c", ledger.do, "c")]

    def play(box: MortalBox) -> None:
        [run] = box.send(kit.placed(id="o"), id="placed")
        box.advance(DAY)
        box.rerun(run, from_step="b", input=["edited"])
        box.advance(DAY)

    return kit.app, play


@scenario()
def reruns_from_the_start(ledger: Ledger) -> tuple[App, Play]:
    """With other data; then the rerun itself from a step, to which it comes after an event."""
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved])
    def order(event: object, step: Step) -> list[str]:
        first = step.run("a", ledger.do, f"a {getattr(event, 'note', '')}")
        found = step.wait_for_event("approval", kit.approved, id="o", timeout=DAY)
        return [first, "nobody" if found is None else found.by, step.run("b", ledger.do, "b")]

    def play(box: MortalBox) -> None:
        [run] = box.send(kit.placed(id="o"), id="placed")
        box.quiet()
        box.send(kit.approved(id="o"), id="approved")
        box.quiet()
        second = box.rerun(run, input=kit.placed(id="o", note="edited"))
        box.quiet()
        box.rerun(second, from_step="b")
        box.advance(4 * DAY)

    return kit.app, play
