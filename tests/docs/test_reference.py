"""docs/reference is what the docstrings say now: complete, up to date, and of use when something went wrong."""

import inspect
from pathlib import Path

import pytest

import milepost
from docs.generate import REFERENCE, pages, stale, write
from docs.generators.api import markdown
from milepost import MilepostError


def test_the_committed_pages_are_up_to_date() -> None:
    assert stale() == [], "run `make docs` and commit what it writes"


def test_a_page_that_was_changed_by_hand_is_found_and_mended(tmp_path: Path) -> None:
    assert write(tmp_path) == sorted(pages())
    assert stale(tmp_path) == []
    page = tmp_path / "steps.md"
    page.write_text(page.read_text(encoding="utf-8").replace("at least once", "perhaps"), encoding="utf-8")
    (tmp_path / "old.md").write_text("nobody writes this any more", encoding="utf-8")
    assert write(tmp_path) == ["old.md", "steps.md"]
    assert stale(tmp_path) == []


def test_every_error_says_what_to_do() -> None:
    errors = [value for value in vars(milepost).values() if isinstance(value, type) and issubclass(value, MilepostError)]
    assert len(errors) > 20
    assert [error.__name__ for error in errors if "What to do:" not in (error.__doc__ or "")] == []


def test_every_public_method_is_explained() -> None:
    classes = [value for name in milepost.__all__ if isinstance(value := getattr(milepost, name), type)]
    silent = [
        f"{cls.__name__}.{name}"
        for cls in classes
        if cls is not milepost.Log  # its methods are those of every logger
        for name, value in vars(cls).items()
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)) and not inspect.getdoc(value)
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("doc", "expected"),
    [
        ("Take ``x``.", "Take `x`."),
        ("* one\n* two", "- one\n- two"),
        ("A tree:\n\n    a\n    └── b\n\nThe end.", "A tree:\n\n```text\na\n└── b\n```\n\nThe end."),
    ],
)
def test_docstrings_become_markdown(doc: str, expected: str) -> None:
    assert markdown(doc) == expected


def test_what_the_reference_shows_of_a_step() -> None:
    page = (REFERENCE / "steps.md").read_text(encoding="utf-8")
    assert "run(name: str, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R" in page
    assert "- `run_id: str`:" in page  # inherited from a protocol that is not public
    assert "AnyStep" not in page
