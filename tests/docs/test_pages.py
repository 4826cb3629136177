"""Every page of the documentation: its code is an excerpt of a file that is tested, its links lead somewhere."""

from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, anchors, blocks, is_excerpt, links

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
WRITTEN = [page for page in PAGES if page.parent.name != "reference"]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_python_is_an_excerpt_of_a_tested_file(page: Path) -> None:
    for block in blocks(page):
        if block.language == "python":
            assert block.source, f"no <!-- file --> above the block that begins with {block.text.splitlines()[0]!r}"
            assert block.source.startswith(("examples/", "docs/", "tests/")), block.source
            assert is_excerpt(block.text, (ROOT / block.source).read_text(encoding="utf-8")), f"{block.source} has not:\n{block.text}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    broken: list[str] = []
    for link in links(page):
        file, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = page if not file else (page.parent / file).resolve()
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_an_excerpt_may_stand_indented_but_has_no_gaps() -> None:
    whole = "def f():\n    if x:\n        a()\n        b()\n    c()\n"
    assert is_excerpt("a()\nb()\n", whole)
    assert not is_excerpt("a()\nc()\n", whole)
    assert not is_excerpt("b()\nc()\n", whole)
    assert not is_excerpt("if x:\n    a()\n    b() \n", whole)
