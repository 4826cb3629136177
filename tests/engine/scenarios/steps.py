"""Steps that do something: in a row, large, again, at most once, deadly, undone."""

import hashlib
from datetime import timedelta
from typing import Any

from milepost import App, Backoff, NonRetriableError, Retry, RetryAfterError, Step, StepError, StepInterrupted, WorkerCrashed
from milepost.testing.crashes import WorkerKilled
from tests.engine.scenarios.box import MortalBox
from tests.engine.scenarios.kit import DAY, HOUR, MINUTE, SECOND, Kit, Ledger, Play, scenario, start

NOISE = "".join(hashlib.sha512(str(number).encode()).hexdigest() for number in range(3_300))
"""More than a row holds, squeezed."""


@scenario(is_small=True)
def sequential(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> list[str]:
        return [step.run(name, ledger.do, name) for name in ("a", "b", "c")]

    return kit.app, start(kit)


@scenario()
def large_values(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    def large(what: str) -> str:
        return ledger.do(what) + "." * 2_000

    @kit.app.function()
    def order(event: str, step: Step) -> str:
        first = step.run("a", large, "a")
        step.sleep("nap", HOUR)
        return first + event[:1]

    def play(box: MortalBox) -> None:
        box.invoke(order, "x" * 2_000, id="large")
        box.advance(DAY)

    return kit.app, play


@scenario()
def blobs(ledger: Ledger) -> tuple[App, Play]:
    """Too large for a row, however it is squeezed: the event, a result, the run's result."""
    kit = Kit()

    def noise(what: str) -> str:
        return f"{ledger.do(what)}.{NOISE}"

    @kit.app.function()
    def order(event: str, step: Step) -> str:
        first = step.run("a", noise, "a")
        step.sleep("nap", HOUR)
        return first + step.run("b", ledger.do, "b") + event[:9]

    def play(box: MortalBox) -> None:
        box.invoke(order, NOISE, id="large")
        box.advance(DAY)

    return kit.app, play


@scenario()
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


@scenario()
def retries_near(ledger: Ledger) -> tuple[App, Play]:
    """A retry that is due within two seconds is waited for in the slice."""
    kit = Kit()
    tries: list[str] = []

    def flaky(what: str) -> str:
        tries.append(what)
        if tries.count(what) < 3:
            raise ValueError("not yet")
        return ledger.do(what)

    @kit.app.function(on=kit.placed, retry=Retry(retries=9, delays=[SECOND]))
    def order(event: object, step: Step) -> list[str]:
        return [step.run("a", flaky, "a"), step.run("b", flaky, "b")]

    def play(box: MortalBox) -> None:
        box.waits_in_slices()
        start(kit)(box)

    return kit.app, play


@scenario()
def retry_after(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()
    tries: list[str] = []

    def busy(what: str) -> str:
        tries.append(what)
        if len(tries) < 3:
            raise RetryAfterError(HOUR, "busy")
        return ledger.do(what)

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> str:
        return step.run("a", busy, "a")

    return kit.app, start(kit)


@scenario(is_small=True)
def retries_in_vain(ledger: Ledger) -> tuple[App, Play]:
    """A step that has failed for good is caught; the next fails the run."""
    kit = Kit()

    def refuse() -> None:
        raise ValueError("no")

    def refuse_for_good() -> None:
        raise NonRetriableError("never")

    @kit.app.function(on=kit.placed, retry=Retry(retries=2, delays=[MINUTE]))
    def order(event: object, step: Step) -> None:
        try:
            step.run("refuse", refuse)
        except StepError as error:
            step.run("caught", ledger.do, f"caught {error.step}")
        step.run("refuse for good", refuse_for_good)

    return kit.app, start(kit)


@scenario(by_chance=("wire", "by hand"))
def once(ledger: Ledger) -> tuple[App, Play]:
    """Done once or not known to be done, and never twice."""
    kit = Kit()

    def wire() -> str:
        assert "wire" not in ledger.did
        return ledger.do("wire")

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> str:
        step.run("a", ledger.do, "a")
        try:
            step.options(once=True).run("wire", wire)
        except StepInterrupted:
            step.sleep("by hand", HOUR)
        return step.run("b", ledger.do, "b")

    return kit.app, start(kit)


@scenario()
def deadly(ledger: Ledger) -> tuple[App, Play]:
    """A step in which every worker dies fails with WorkerCrashed, and the run goes on."""
    kit = Kit()

    def explode() -> None:
        raise WorkerKilled

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> str:
        step.run("a", ledger.do, "a")
        try:
            step.run("explode", explode)
        except WorkerCrashed as error:
            return step.run("b", ledger.do, f"b after {error.step}")
        return "survived"

    return kit.app, start(kit)


@scenario(is_small=True)
def patched(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> list[object]:
        first = step.run("a", ledger.do, "a")
        new = step.patched("new")
        step.sleep("nap", HOUR)
        return [first, new, step.patched("new"), step.run("b", ledger.do, "b")]

    return kit.app, start(kit)


@scenario()
def slices_out_of_time(ledger: Ledger) -> tuple[App, Play]:
    """Each step takes the better part of an invocation: a slice hands over after each."""
    kit = Kit()

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> list[str]:
        return [step.run(name, ledger.do_slowly, name) for name in ("a", "b", "c")]

    return kit.app, start(kit)


@scenario()
def step_longer_than_its_lease(ledger: Ledger) -> tuple[App, Play]:
    """The platform would have killed it; a process that froze and thawed goes on."""
    kit = Kit()

    def freeze() -> str:
        ledger.lasts(2 * MINUTE)
        return ledger.do("a")

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> list[str]:
        return [step.run("a", freeze), step.run("b", ledger.do, "b")]

    return kit.app, start(kit)


@scenario()
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


@scenario(in_flight=2)
def compensates_when_cancelled(ledger: Ledger) -> tuple[App, Play]:
    """What branches have done is undone, too; a compensation is tried again."""
    kit = Kit()
    refused: list[str] = []

    def undo(value: str) -> None:
        if value[0] not in refused:
            refused.append(value[0])
            raise ValueError("not yet")
        ledger.do(f"undo {value[0]}")

    @kit.app.function(on=kit.placed)
    def order(event: object, step: Step) -> None:
        step.parallel(
            "both",
            lambda s: s.options(compensate=undo).run("a", ledger.do, "a"),
            lambda s: s.options(compensate=undo).run("b", ledger.do, "b"),
        )
        step.sleep("nap", DAY)

    def play(box: MortalBox) -> None:
        [run] = box.send(kit.placed(id="o"), id="placed")
        box.quiet()
        box.cancel(run)
        box.advance(4 * DAY)

    return kit.app, play


@scenario()
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


@scenario()
def polls_in_vain(ledger: Ledger) -> tuple[App, Play]:
    """A check that raises is tried again; one that is never true times out."""
    kit = Kit()

    def check() -> str | None:
        return None

    @kit.app.function(on=kit.placed, retry=Retry(retries=0))
    def order(event: object, step: Step) -> None:
        step.run("a", ledger.do, "a")
        step.wait_until("never", check, every=Backoff(timedelta(hours=5), factor=1), timeout=DAY)

    return kit.app, start(kit)
