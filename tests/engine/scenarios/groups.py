"""Branches: parallel, race, map, each, and all of them within each other."""

from milepost import App, Completion, RaceError, Retry, Step
from tests.engine.scenarios.box import MortalBox
from tests.engine.scenarios.kit import DAY, HOUR, Kit, Ledger, Play, scenario, start


@scenario(in_flight=2)
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

    return kit.app, start(kit)


@scenario(in_flight=2)
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

        def waits(s: Step) -> str:
            found = s.wait_for_event("approval", kit.approved, id="o", timeout=2 * DAY)
            return "nobody" if found is None else found.by

        won = step.race(
            "first",
            waits,
            lambda s: s.invoke("child", slow, "x"),
            naps,
        )
        step.sleep("after", HOUR)
        return f"{won.index} {won.value}"

    return kit.app, start(kit)


@scenario(in_flight=3)
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


@scenario()
def race_that_nobody_wins(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    @kit.app.function(on=kit.placed, retry=Retry(retries=0))
    def order(event: object, step: Step) -> str:
        def refuses(s: Step) -> None:
            s.sleep("nap", HOUR)
            raise ValueError("no")

        try:
            step.race("first", refuses, refuses)
        except RaceError as error:
            return step.run("b", ledger.do, f"b {len(error.errors)}")
        return "won"

    return kit.app, start(kit)


@scenario()
def branch_that_fails(ledger: Ledger) -> tuple[App, Play]:
    """The others go as far as they can; then the error comes out, and the run fails."""
    kit = Kit()

    def refuse() -> None:
        raise ValueError("no")

    @kit.app.function(on=kit.placed, waits_for=[kit.approved], retry=Retry(retries=0))
    def order(event: object, step: Step) -> None:
        def naps(s: Step) -> str:
            s.sleep("nap", HOUR)
            return s.run("a", ledger.do, "a")

        step.parallel(
            "all",
            naps,
            lambda s: s.run("refuse", refuse),
            lambda s: s.wait_for_event("approval", kit.approved, id="o", timeout=DAY),
        )

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.quiet()
        box.send(kit.approved(id="o"), id="approved")
        box.advance(4 * DAY)

    return kit.app, play


@scenario(in_flight=3)
def items_that_may_fail(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()

    def picky(item: str) -> str:
        if item == "bad":
            raise ValueError("bad item")
        return ledger.do(f"map {item}")

    @kit.app.function(on=kit.placed, retry=Retry(retries=0))
    def order(event: object, step: Step) -> list[str]:
        def body(s: Step, item: str) -> str:
            s.sleep("nap", HOUR)
            if item == "bad":
                raise ValueError("bad each")
            return s.run("each", ledger.do, f"each {item}")

        items = ["x", "bad", "z"]
        mapped = step.map("items", picky, items, policy=Completion(max_failures=1))
        each = step.each("each", body, items, policy=Completion(min_success=1))
        return [str(one) if isinstance(one, str) else "failed" for one in [*mapped, *each]]

    return kit.app, start(kit)


@scenario(in_flight=4)
def nested(ledger: Ledger) -> tuple[App, Play]:
    """A race within parallel branches within a race; what loses waits for an event, a callback and a sleep."""
    kit = Kit()

    @kit.app.function(on=kit.placed, waits_for=[kit.approved])
    def order(event: object, step: Step) -> str:
        def asks(s: Step) -> str:
            return s.wait_for_callback("ask", ledger.tokens.append, returns=str, timeout=2 * DAY)

        def waits(s: Step) -> str:
            s.wait_for_event("approval", kit.approved, id="o", timeout=2 * DAY)
            return s.run("never", ledger.do, "never")

        def naps(s: Step) -> str:
            s.sleep("nap", HOUR)
            return s.run("a", ledger.do, "a")

        def races(s: Step) -> str:
            return s.race("inner", asks, naps).value

        def both(s: Step) -> list[object]:
            return list(s.parallel("both", naps, races))

        won = step.race("outer", waits, both)
        step.sleep("after", HOUR)
        return f"{won.index} {won.value}"

    return kit.app, start(kit)


@scenario(in_flight=2)
def failure_in_a_branch_is_caught(ledger: Ledger) -> tuple[App, Play]:
    kit = Kit()
    tries: list[str] = []

    def flaky(what: str) -> str:
        tries.append(what)
        if len(tries) < 2:
            raise ValueError("not yet")
        return ledger.do(what)

    def refuse() -> None:
        raise ValueError("no")

    @kit.app.function(on=kit.placed, retry=Retry(retries=1))
    def order(event: object, step: Step) -> list[str]:
        def tolerant(s: Step) -> str:
            try:
                s.run("refuse", refuse)
            except ValueError:
                return s.run("caught", ledger.do, "caught")
            return "done"

        return list(step.parallel("both", tolerant, lambda s: s.run("a", flaky, "a")))

    return kit.app, start(kit)


@scenario(by_chance=("child", "first/1/child"))
def race_with_a_child(ledger: Ledger) -> tuple[App, Play]:
    """Won by an event that comes at once: before the child is started, or after, or while that is not on record."""
    kit = Kit()

    @kit.app.function()
    def child(event: str, step: Step) -> None:
        step.sleep("nap", 2 * DAY)
        step.run("never", ledger.do, "never")

    @kit.app.function(on=kit.placed, waits_for=[kit.approved])
    def order(event: object, step: Step) -> str:
        def waits(s: Step) -> str:
            found = s.wait_for_event("approval", kit.approved, id="o", timeout=DAY)
            return "nobody" if found is None else found.by

        won = step.race("first", waits, lambda s: s.invoke("child", child, "x"))
        step.sleep("after", HOUR)
        return f"{won.index} {won.value}"

    def play(box: MortalBox) -> None:
        box.send(kit.placed(id="o"), id="placed")
        box.send(kit.approved(id="o"), id="approved")
        box.advance(4 * DAY)

    return kit.app, play
