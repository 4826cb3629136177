"""The API reference: every public name with its signature and docstring, grouped as `contents` says."""

import importlib
import re

from docs.generators.contents import EXTRAS, MADE_BY_MILEPOST, PAGES, Page
from docs.generators.source import Definition, Member, definition, module_doc

PACKAGES = ("milepost", "milepost.local", "milepost.testing")
_OWN_USE = "for milepost's own use"
_NOTE = "<!-- Written by `make docs` from the docstrings; do not edit. -->"


def pages() -> dict[str, str]:
    """Each page by its file name. Raises ValueError for a public name that no page has, or one that is not there."""
    _check_complete()
    return {page.file: _page(page) for page in PAGES}


def _check_complete() -> None:
    for package in PACKAGES:
        public = set(importlib.import_module(package).__all__)
        shown = {name for page in PAGES if page.package == package for name in page.names if name not in EXTRAS}
        if public != shown:
            raise ValueError(f"docs/generators/contents.py and {package}.__all__ differ in {', '.join(sorted(public ^ shown))}")


# ---- pages -----------------------------------------------------------------------------------------------------------


def _page(page: Page) -> str:
    lines = [f"# {page.title}", "", _NOTE, "", *_intro(page)]
    for name in page.names:
        lines += _definition(definition(name, EXTRAS.get(name, page.package)))
    return "\n".join(lines).rstrip() + "\n"


def _intro(page: Page) -> list[str]:
    """Its own words; or what the module's docstring says after its first paragraph, which is for those who change it."""
    if page.module is None:
        return [page.intro, ""]
    doc = module_doc(page.module).partition("\n\n")[2]
    return [page.intro, "", markdown(doc), ""]


def _definition(one: Definition) -> list[str]:
    init = next((member for member in one.members if member.name == "__init__" and one.name not in MADE_BY_MILEPOST), None)
    code = f"{one.code}\n\n{init.code.replace('__init__', one.name, 1)}" if init is not None else one.code
    lines = [f"## {one.name}", "", "```python", code, "```", "", markdown(one.doc), ""]
    shown = [member for member in one.members if member.name != "__init__" and _OWN_USE not in member.doc]
    fields = [member for member in shown if not member.is_method]
    if fields:
        lines += [_field(member) for member in fields] + [""]
    for member in shown:
        if member.is_method:
            lines += [f"### {one.name}.{member.name}", "", "```python", member.code, "```", "", markdown(member.doc), ""]
    return lines


def _field(member: Member) -> str:
    doc = " ".join(markdown(member.doc).split())
    return f"- `{member.code}`{f': {doc}' if doc else ''}"


# ---- docstrings as Markdown ------------------------------------------------------------------------------------------


def markdown(doc: str) -> str:
    """A docstring: double backticks become single ones, what is indented becomes a block, `*` a list."""
    blocks = [_block(block) for block in re.split(r"\n[ \t]*\n", doc)]
    return "\n\n".join(block for block in blocks if block)


def _block(block: str) -> str:
    lines = block.splitlines()
    code = [line for line in lines if line.startswith("    ") or not line.strip()]
    if lines and len(code) == len(lines):
        return "\n".join(["```text", *(line[4:] for line in lines), "```"])
    text = block.replace("``", "`")
    return re.sub(r"^\* ", "- ", text, flags=re.MULTILINE)
