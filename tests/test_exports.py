"""`milepost.__all__` is the promise: sorted, complete, importable, and each name explained in docs/reference."""

import re
from pathlib import Path
from types import ModuleType

import milepost

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"


def order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions; each by name: the order the linter keeps (RUF022)."""
    rank = 0 if name.isupper() else 1 if name[0].isupper() else 2
    return rank, name


def undocumented(names: list[str], reference: Path) -> list[str]:
    """The names that no page of the reference says in code type."""
    said = {word for page in sorted(reference.glob("**/*.md")) for word in re.findall(r"\w+", code_of(page.read_text(encoding="utf-8")))}
    return [name for name in names if name not in said]


def code_of(page: str) -> str:
    """What stands between backticks, in a line or a block; headings and prose do not explain a name by chance."""
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", page, flags=re.DOTALL))


def test_names_are_sorted_and_said_once() -> None:
    assert sorted(set(milepost.__all__), key=order) == list(milepost.__all__)


def test_every_name_is_there() -> None:
    missing = [name for name in milepost.__all__ if not hasattr(milepost, name)]
    assert not missing


def test_nothing_public_is_left_out() -> None:
    names = [name for name, value in vars(milepost).items() if not name.startswith("_") and not isinstance(value, ModuleType)]
    assert sorted(set(names) - set(milepost.__all__)) == []


def test_no_name_is_a_module() -> None:
    modules = [name for name in milepost.__all__ if isinstance(getattr(milepost, name), ModuleType)]
    assert not modules


def test_every_name_stands_in_the_reference() -> None:
    missing = undocumented(list(milepost.__all__), REFERENCE)
    assert not missing, f"run `make docs`; docs/reference does not say: {', '.join(missing)}"


def test_a_name_the_reference_does_not_say_is_found(tmp_path: Path) -> None:
    (tmp_path / "api.md").write_text("# Retry\n`App.send(*events)` and Cron\n```python\nclass Step: ...\n```\n", encoding="utf-8")
    assert undocumented(["App", "Cron", "Retry", "Step"], tmp_path) == ["Cron", "Retry"]
