"""The design pages name every stored field and key, and only tests and files that exist."""

import re
from pathlib import Path

import msgspec
import pytest

from milepost.engine import keys, records
from tests.docs.blocks import ROOT

DESIGN = ROOT / "docs" / "design"
STORED = (records.Header, records.Record, records.Origin, records.Outcome, records.WaitRow, records.EventRow, records.Packed)


def code(page: str) -> str:
    return " ".join(re.findall(r"`[^`\n]+`", (DESIGN / page).read_text(encoding="utf-8")))


@pytest.mark.parametrize("record", STORED, ids=lambda record: record.__name__)
def test_every_field_is_explained(record: type[msgspec.Struct]) -> None:
    said = set(re.findall(r"\w+", code("data.md")))
    assert sorted(set(record.__struct_fields__) - said) == []


def test_every_key_is_listed() -> None:
    rows = re.findall(r"^ {4}(\S+) {2,}(\S+)", keys.__doc__ or "", flags=re.MULTILINE)
    page = (DESIGN / "data.md").read_text(encoding="utf-8")
    assert len(rows) > 8
    assert [pk for pk, _ in rows if pk != "pk" and f"`{pk}`" not in page] == []


@pytest.mark.parametrize("page", ["architecture.md", "protocols.md", "data.md", "async.md"])
def test_every_named_test_exists(page: str) -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    there = {*re.findall(r"^\s*def (test_\w+)", sources, flags=re.MULTILINE), *(path.stem for path in (ROOT / "tests").rglob("test_*.py"))}
    assert sorted(set(re.findall(r"\btest_\w+", code(page))) - there) == []


@pytest.mark.parametrize("page", ["architecture.md", "protocols.md", "data.md", "async.md"])
def test_every_named_file_exists(page: str) -> None:
    package = ROOT / "sdk" / "milepost"
    named = re.findall(r"`([\w/]+\.py)`", (DESIGN / page).read_text(encoding="utf-8"))
    assert [name for name in named if not any((folder / name).exists() for folder in (ROOT, package, package / "engine"))] == []


def test_the_pages_are_there() -> None:
    assert {path.name for path in Path(DESIGN).glob("*.md")} >= {
        "architecture.md",
        "protocols.md",
        "data.md",
        "async.md",
        "decisions.md",
        "cases.md",
    }
