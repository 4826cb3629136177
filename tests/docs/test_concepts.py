"""What docs/concepts.md says about replay, waits and new code, as it shows it."""

from datetime import timedelta

from milepost import App, Event, Step
from milepost.testing import Sandbox


def roll(sides: int) -> int:
    return sides


def test_finally_runs_at_each_suspension_and_except_does_not_see_it() -> None:
    app = App("replay")
    said: list[str] = []

    @app.function()
    def body(sides: int, step: Step) -> int:
        said.append("begin")
        try:
            step.sleep("a day", timedelta(days=1))
            return step.run("roll", roll, sides)
        except Exception:
            said.append("never")
            raise
        finally:
            said.append("finally")

    with Sandbox(app) as box:
        run = box.invoke(body, 6)
        assert said == ["begin", "finally"]
        box.advance(timedelta(days=1))
        assert said == ["begin", "finally", "begin", "finally"]
        assert run.result == 6


def test_each_use_of_a_name_and_each_branch_has_a_path_of_its_own() -> None:
    app = App("names")

    @app.function()
    def body(sides: int, step: Step) -> int:
        first = step.run("roll", roll, sides)
        second = step.run("roll", roll, sides)
        third, _ = step.parallel("both", lambda a: a.run("roll", roll, sides), lambda b: b.run("roll", roll, sides))
        return first + second + third

    with Sandbox(app) as box:
        run = box.invoke(body, 6)
        assert [step.path for step in run.steps] == ["roll", "roll:2", "both/0/roll", "both/1/roll"]


def test_one_event_is_consumed_once_in_sequence_and_by_all_who_wait_at_the_same_time() -> None:
    app = App("waits")

    @app.event("door/rang", keys=("house",))
    class Rang(Event):
        house: int

    @app.function(waits_for=[Rang])
    def in_sequence(house: int, step: Step) -> list[bool]:
        first = step.wait_for_event("first", Rang, house=house, timeout=timedelta(hours=1))
        second = step.wait_for_event("second", Rang, house=house, timeout=timedelta(hours=1))
        return [first is not None, second is not None]

    @app.function(waits_for=[Rang])
    def at_once(house: int, step: Step) -> list[bool]:
        both = step.parallel(
            "both",
            lambda a: a.wait_for_event("ring", Rang, house=house, timeout=timedelta(hours=1)),
            lambda b: b.wait_for_event("ring", Rang, house=house, timeout=timedelta(hours=1)),
        )
        return [ring is not None for ring in both]

    with Sandbox(app) as box:
        one = box.invoke(in_sequence, 7)
        two = box.invoke(at_once, 7)
        box.send(Rang(house=7))
        assert two.result == [True, True]
        assert one.status == "waiting"
        box.advance(timedelta(hours=1))
        assert one.result == [True, False]


def test_a_step_may_be_put_between_two_others() -> None:
    is_new = False
    app = App("insert")

    @app.function()
    def body(sides: int, step: Step) -> int:
        first = step.run("first", roll, sides)
        between = step.run("between", roll, 100) if is_new else 0
        step.sleep("a day", timedelta(days=1))
        return first + between

    with Sandbox(app) as box:
        run = box.invoke(body, 6)
        is_new = True
        box.advance(timedelta(days=1))
        assert run.result == 106


def test_patched_is_true_for_runs_that_come_there_first_now() -> None:
    is_new = False
    app = App("patched")

    @app.function()
    def body(sides: int, step: Step) -> str:
        step.run("first", roll, sides)
        greeting = "bonjour" if is_new and step.patched("greet in French") else "hello"
        said = step.run(greeting, str, greeting)
        step.sleep("a day", timedelta(days=1))
        return said

    with Sandbox(app) as box:
        old = box.invoke(body, 6)
        is_new = True
        new = box.invoke(body, 6)
        box.advance(timedelta(days=1))
        assert (old.result, new.result) == ("hello", "bonjour")


def test_a_name_that_becomes_another_kind_of_step_pauses_the_run() -> None:
    is_new = False
    app = App("diverge")

    @app.function()
    def body(sides: int, step: Step) -> int:
        if is_new:
            step.sleep("first", timedelta(hours=1))
        else:
            step.run("first", roll, sides)
        step.sleep("a day", timedelta(days=1))
        return sides

    with Sandbox(app) as box:
        run = box.invoke(body, 6)
        is_new = True
        box.advance(timedelta(days=1))
        assert run.status == "paused"
        assert "'first' is recorded as 'run', the code now makes it 'sleep'" in (run.view.reason or "")
        is_new = False
        box.resume(run)
        assert run.result == 6
