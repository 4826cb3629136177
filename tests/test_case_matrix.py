"""Every promise has a case, every case names its promises, and the printed matrix is true."""

from pathlib import Path

import pytest

from tests import case_matrix
from tests.case_matrix import Case
from tests.cases.rows import ROWS


def test_every_row_is_covered() -> None:
    assert case_matrix.uncovered(case_matrix.cases()) == [], "write a case in tests/cases whose docstring says `Covers: <row>`"


def test_every_tag_is_a_row() -> None:
    assert case_matrix.unknown(case_matrix.cases()) == [], "a tag is the id of a row in tests/cases/rows.py"


def test_every_case_is_tagged_and_claims_something() -> None:
    read = {path.name: case_matrix.read_case(path) for path in case_matrix.files()}
    assert [name for name, case in read.items() if case is None or not case.claim] == []


def test_the_page_is_up_to_date() -> None:
    assert case_matrix.PAGE.read_text(encoding="utf-8") == case_matrix.page(case_matrix.cases()), "run: make docs"


def test_an_uncovered_row_is_found() -> None:
    covered = Case(path="tests/cases/test_all.py", claim="All of it.", rows=tuple(ROWS)[1:])
    assert case_matrix.uncovered([covered]) == [next(iter(ROWS))]


def test_an_unknown_tag_is_found() -> None:
    assert case_matrix.unknown([Case(path="tests/cases/test_some.py", claim="Some.", rows=("sleep", "slep"))]) == [
        "tests/cases/test_some.py: 'slep'"
    ]


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("It sleeps.\n\nCovers: sleep, sleep-until\n", Case(path="test_it.py", claim="It sleeps.", rows=("sleep", "sleep-until"))),
        ("It\nsleeps.\n\nCovers: sleep,\nsleep-until\n", Case(path="test_it.py", claim="It sleeps.", rows=("sleep", "sleep-until"))),
        ("It sleeps.\n", None),
    ],
)
def test_tags_are_read_from_the_docstring(tmp_path: Path, docstring: str, expected: Case | None) -> None:
    file = tmp_path / "test_it.py"
    file.write_text(f'"""{docstring}"""\n', encoding="utf-8")
    assert case_matrix.read_case(file, tmp_path) == expected
