"""From what the model said of each chunk to one text."""

from collections.abc import Sequence

import msgspec

from examples.ai_pipeline.model import Reading


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A glossary that nobody has approved yet."""

    text: str
    """Markdown."""
    terms: int


def merge(title: str, readings: Sequence[Reading]) -> Draft:
    """Each term once, in order, with the first meaning that was found for it."""
    meanings: dict[str, str] = {}
    for reading in readings:
        for entry in reading.entries:
            meanings.setdefault(entry.term, entry.meaning)
    lines = [f"**{term}**: {meanings[term]}" for term in sorted(meanings, key=str.lower)]
    return Draft(text="\n\n".join([f"# {title}", *lines]) + "\n", terms=len(lines))
