"""Every workload still runs and yields each of its figures. Nothing is timed here: sizes are tiny, and machines differ."""

from pathlib import Path

import pytest

from benchmarks import curves
from benchmarks.charts import Curve, Point, svg
from benchmarks.figures import Figure, Result, Sample, Target, at_least, at_most
from benchmarks.pages import PAGE, README, write_part
from benchmarks.plan import PLAN, Workload
from benchmarks.sizes import TINY


@pytest.mark.parametrize("workload", PLAN, ids=lambda workload: workload.name)
def test_it_yields_every_figure_it_names(workload: Workload, tmp_path: Path) -> None:
    values = workload.measure(tmp_path, TINY)
    assert set(values) == {figure.key for figure in workload.figures}
    assert all(value >= 0 for key, value in values.items() if "marginal" not in key)


def test_no_figure_is_named_twice() -> None:
    keys = [figure.key for workload in PLAN for figure in workload.figures]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", curves.CURVES)
def test_a_curve_can_be_measured_and_drawn(name: str, tmp_path: Path) -> None:
    axis = curves.CURVES[name]
    points: list[Point] = []
    for size in (1, 2):
        folder = tmp_path / str(size)
        folder.mkdir()
        points.append(Point(x=size, f_ms=0.1, values=axis.measure(folder, size, 1)))
    curve = Curve(name=name, title=axis.title, across=axis.across, up=axis.up, points=points)
    headings, rows = curve.table()
    assert [len(row) for row in rows] == [len(headings)] * 2
    assert svg(curve).count("<polyline") == len(curve.drawn) > 0


def result(*samples: tuple[float, float], target: Target | None = None, on_disk: bool = True) -> Result:
    figure = Figure(key="a", what="a", unit="ms", target=target, on_disk=on_disk)
    return Result(figure=figure, samples=[Sample(value, f_ms) for value, f_ms in samples])


def test_rounds_on_a_slow_disk_count_only_when_there_is_no_other() -> None:
    assert (result((1, 0.1), (9, 4.0), (3, 0.3)).value, result((5, 4.0), (9, 4.0), (7, 0.4)).value) == (2, 7)


def test_a_figure_on_a_slow_disk_is_not_judged_and_one_without_a_disk_is() -> None:
    assert result((1, 4.0), target=at_most(2)).verdict == "not judged"
    assert result((1, 4.0), target=at_most(2), on_disk=False).verdict == "met"


@pytest.mark.parametrize(
    ("target", "value", "verdict"),
    [
        (at_most(2), 2.0, "met"),
        (at_most(2), 2.1, "missed"),
        (at_least(2), 1.9, "missed"),
        (Target("at most", 2, plus_f=True), 2.1, "met"),
        (Target("exactly", 2), 2.0, "met"),
        (Target("exactly", 2), 1.0, "missed"),
        (None, 1.0, ""),
    ],
)
def test_a_verdict_is_what_the_target_says(target: Target | None, value: float, verdict: str) -> None:
    assert result((value, 0.2), target=target).verdict == verdict


def test_a_part_of_a_page_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- written by x -->\nold\n<!-- end -->\nafter\n", encoding="utf-8")
    write_part(page, "x", r"new \1")
    assert page.read_text(encoding="utf-8") == "before\n<!-- written by x -->\n\nnew \\1\n\n<!-- end -->\nafter\n"
    with pytest.raises(ValueError, match="no place"):
        write_part(page, "y", "new")


@pytest.mark.parametrize(
    ("page", "part"), [(PAGE, "make bench"), (README, "make bench"), (PAGE, "make bench-peers"), (curves.PAGE, "make bench-curves")]
)
def test_the_pages_have_a_place_for_what_is_measured(page: Path, part: str) -> None:
    assert page.read_text(encoding="utf-8").count(f"<!-- written by {part} -->") == 1
