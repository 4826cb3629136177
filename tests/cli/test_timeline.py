"""How a run's steps become lines: branches together, groups that have no record, crowds."""

from datetime import UTC, datetime, timedelta

import msgspec

from milepost.cli.shapes import StepShape
from milepost.cli.timeline import rows
from milepost.runs import StepStatus

START = datetime(2026, 1, 1, tzinfo=UTC)


def step(path: str, at: int, status: StepStatus = "completed") -> StepShape:
    *scope, name = path.split("/")
    return StepShape(
        path=path,
        scope=scope,
        name=name,
        kind="run",
        status=status,
        attempts=1,
        started_at=START + timedelta(seconds=at),
        ended_at=START + timedelta(seconds=at + 1) if status != "pending" else None,
        due_at=None,
        result=msgspec.Raw(b"null"),
        error=None,
        child=None,
    )


def lines(*steps: StepShape, whole: bool = False) -> list[str]:
    return ["  " * row.depth + row.label for row in rows(steps, whole=whole)]


def test_steps_stand_in_the_order_in_which_they_began() -> None:
    assert lines(step("b", 2), step("a", 1), step("a:2", 3)) == ["a", "b", "a:2"]


def test_branches_are_given_a_line_and_each_stays_together() -> None:
    found = lines(step("first", 0), step("p/0/a", 1), step("p/1/a", 1), step("p/0/b", 2), step("p/1/b", 2), step("last", 4))
    assert found == ["first", "p", "  0/a", "  0/b", "  1/a", "  1/b", "last"]


def test_branches_are_over_when_all_of_them_are() -> None:
    [group, *_] = rows([step("p/0/a", 1), step("p/1/a", 2, "pending")], whole=False)
    assert group.step is not None
    assert (group.step.status, group.step.ended_at) == ("pending", None)
    [group, *_] = rows([step("p/0/a", 1), step("p/1/a", 2)], whole=False)
    assert group.step is not None
    assert (group.step.status, group.step.ended_at) == ("completed", START + timedelta(seconds=3))


def test_what_lies_deeper_stands_under_the_nearest_step() -> None:
    assert lines(step("m", 0), step("m/0", 1), step("m/0/x", 2), step("m/1", 3)) == ["m", "  0", "    x", "  1"]


def test_of_a_crowd_the_first_are_shown_and_those_of_interest() -> None:
    crowd = [step("m", 0), *(step(f"m/{number}", number, "failed" if number == 77 else "completed") for number in range(100))]
    found = lines(*crowd)
    assert found == ["m", *(f"  {number}" for number in range(8)), "  91 more (--all)", "  77"]
    assert len(lines(*crowd, whole=True)) == 101


def test_a_name_with_a_slash_is_one_name() -> None:
    odd = msgspec.structs.replace(step("x", 1), path="a/b", scope=[], name="a/b")
    assert lines(odd) == ["a/b"]
