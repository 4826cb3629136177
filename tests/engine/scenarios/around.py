"""What happens around runs: the same event again, deploys, another worker group, crons, chains, the sweeper."""

from datetime import timedelta
from typing import Any

from milepost import App, Cron, CronTick, Step
from tests.engine.scenarios.box import MortalBox
from tests.engine.scenarios.kit import DAY, HOUR, Kit, Ledger, Play, scenario, start


@scenario(is_small=True)
def same_id_again(ledger: Ledger) -> tuple[App, Play]:
    """The producer repeats itself, with other data: the event that came first is the one that runs."""
    kit = Kit()

    @kit.app.function(on=kit.placed)
    def order(event: Any, step: Step) -> str:
        step.sleep("nap", HOUR)
        return step.run("a", ledger.do, f"a {event.note}")

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o", note="first"), id="placed")
        box.quiet()
        box.send(kit.placed(id="o", note="second"), id="placed")
        box.advance(4 * DAY)
        box.send(kit.placed(id="o", note="third"), id="placed")
        box.advance(HOUR)

    return kit.app, play


@scenario()
def two_functions_of_one_event(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed)
    def mail(event: object, step: Step) -> str:
        return step.run("mail", ledger.do, "mail")

    @kit.app.function(on=kit.placed, waits_for=[kit.placed])
    def order(event: object, step: Step) -> str:
        found = step.wait_for_event("another", kit.placed, id="o", timeout=DAY)
        return step.run("order", ledger.do, "order") + ("nobody" if found is None else "somebody")

    return kit.app, start(kit)


def two_naps(kit: Kit, ledger: Ledger, worker: str = "default") -> None:
    @kit.app.function(on=kit.placed, waits_for=[kit.approved], worker=worker)
    def order(event: object, step: Step) -> list[str]:
        first = step.run("a", ledger.do, "a")
        step.sleep("nap", HOUR)
        second = step.run("b", ledger.do, "b")
        found = step.wait_for_event("approval", kit.approved, id="o", timeout=DAY)
        return [first, second, "nobody" if found is None else found.by]


@scenario()
def function_goes_and_comes_back(ledger: Ledger) -> tuple[App, Play]:
    """A deploy without it pauses its run, the next one with it resumes it: the sweeper finds that."""
    kit = Kit()
    two_naps(kit, ledger)

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.quiet()
        box.deploy(App("shop"), "2")
        box.advance(2 * HOUR)
        box.sweep()
        assert [run.status for run in box.runs("order")] == ["paused"]
        box.deploy(kit.app, "3")
        box.sweep()
        box.quiet()
        box.sweep()
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def born_without_its_function(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()
    two_naps(kit, ledger)

    def play(box: MortalBox) -> None:
        box.deploy(App("shop"), "2")
        box.send(kit.placed(id="o"), id="placed")
        box.quiet()
        box.deploy(kit.app, "3")
        box.sweep()
        box.quiet()
        box.sweep()
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def mismatch_and_its_repair(ledger: Ledger) -> tuple[App, Play]:
    """New code makes another kind of step under a recorded name: the run is paused until a deploy that fits."""
    kit, wrong = Kit(), Kit()
    two_naps(kit, ledger)

    @wrong.app.function(on=wrong.placed)
    def order(event: object, step: Step) -> None:
        step.sleep("a", HOUR)

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.quiet()
        box.deploy(wrong.app, "2")
        box.advance(2 * HOUR)
        assert [run.status for run in box.runs("order")] == ["paused"]
        box.deploy(kit.app, "3")
        box.sweep()
        box.quiet()
        box.sweep()
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def moves_to_another_group(ledger: Ledger) -> tuple[App, Play]:
    """While it naps, the function is deployed to another worker group; an event finds the wait there."""
    kit, moved = Kit(), Kit()
    two_naps(kit, ledger)
    two_naps(moved, ledger, worker="heavy")

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.quiet()
        box.deploy(moved.app, "2")
        box.advance(2 * HOUR)
        box.route(moved.app)
        box.send(kit.approved(id="o"), id="approved")
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def born_in_another_group(ledger: Ledger) -> tuple[App, Play]:
    kit, moved = Kit(), Kit()
    two_naps(kit, ledger)
    two_naps(moved, ledger, worker="heavy")

    def play(box: MortalBox) -> None:
        box.deploy(moved.app, "2")
        start(kit)(box)

    return kit.app, play


@scenario()
def crons(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=Cron("0 12 * * *"))
    def daily(event: CronTick, step: Step) -> str:
        step.sleep("nap", HOUR)
        return step.run("a", ledger.do, f"a {event.scheduled_at:%d}")

    def play(box: MortalBox) -> None:
        box.advance(2 * DAY)

    return kit.app, play


@scenario()
def chain_of_events(ledger: Ledger) -> tuple[App, Play]:
    """Two functions that feed each other are taken for a loop."""
    kit = Kit()

    @kit.app.function(on=kit.approved)
    def answer(event: object, step: Step) -> None:
        step.run("answer", ledger.do, "answer")
        step.send_event("back", kit.placed(id="o"))

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> None:
        step.run("order", ledger.do, "order")
        step.send_event("on", kit.approved(id="o"))

    def play(box: MortalBox) -> None:
        box.limit(max_hops=3)
        start(kit)(box)

    return kit.app, play


@scenario()
def chain_of_children(ledger: Ledger) -> tuple[App, Play]:
    """A function that invokes itself fails at the bound, and so do all its parents."""
    kit = Kit()

    @kit.app.function(retries=0)
    def child(event: int, step: Step) -> int:
        step.run("c", ledger.do, f"c {event}")
        return step.invoke("child", child, event + 1)

    def play(box: MortalBox) -> None:
        box.limit(max_hops=3)
        box.invoke(child, 0, id="first")
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
def swept(ledger: Ledger) -> tuple[App, Play]:
    """All timers are lost, and the sweeper dies too."""
    kit = Kit()

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> str:
        first = step.run("a", ledger.do, "a")
        step.sleep("nap", HOUR)
        return first + step.run("b", ledger.do, "b")

    def play(box: MortalBox) -> None:
        for number in range(2):
            box.send(kit.placed(id="o"), id=f"placed {number}")
        box.quiet()
        box.lose_messages()
        box.advance(2 * HOUR)
        box.sweep()
        box.quiet()
        box.sweep()
        box.advance(DAY)

    return kit.app, play


@scenario()
def kept_for_months(ledger: Ledger) -> tuple[App, Play]:
    """A run that waits, and one that is paused, take what they have recorded with them."""
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved], cancel_on=[kit.withdrawn])
    def order(event: Any, step: Step) -> str:
        first = step.run("a", ledger.do, "a")
        found = step.wait_for_event("approval", kit.approved, id="o", timeout=timedelta(days=200))
        return first + ("nobody" if found is None else found.by)

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="waits")
        [paused] = box.send(kit.placed(id="o"), id="is paused")
        box.quiet()
        box.pause(paused)
        for _ in range(3):
            box.advance(timedelta(days=25))
            box.sweep()
            box.expire()
        box.resume(paused)
        box.quiet()
        box.send(kit.approved(id="o"), id="approved")
        box.advance(DAY)

    return kit.app, play
