"""A glossary of AWS manuals: minutes of model calls, a person's approval, and none of it paid for twice.

    split ──▶ read, chunk by chunk, eight at a time ──▶ merge ──▶ an editor's approval ──▶ publish

``milepost dev examples.ai_pipeline.app:app`` runs it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

from examples.ai_pipeline import manuals, model, shelf
from examples.ai_pipeline.glossary import Draft, merge
from examples.ai_pipeline.model import Reading, Tokens
from milepost import App, Completion, Event, Retry, Step, StepError, WaitTimeout

app = App("ai_pipeline")

AT_ONCE: Final = 8
"""Model calls under way at a time: what the account's quota bears."""
PATIENCE: Final = timedelta(days=14)
"""How long the editor has."""


@app.event("glossary/wanted", keys=("title",))
class GlossaryWanted(Event):
    """Somebody wants a glossary of these services' manuals."""

    title: str
    services: Sequence[str]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the editor says."""

    approved: bool
    editor: str


class Glossary(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    place: str | None
    """Where it is published; None when the editor did not approve, or did not answer."""
    editor: str | None
    terms: int
    chunks: int
    skipped: Sequence[str]
    """Chunks that the model would not read, each with its reason."""
    tokens: Tokens


@app.function(on=GlossaryWanted, retry=Retry(retries=12))
def write_glossary(event: GlossaryWanted, step: Step) -> Glossary:
    """Write a glossary, have it approved, publish it."""
    chunks = step.run("split", manuals.split, event.services)  # megabytes: kept in S3, with a reference in the record
    most_skipped = max(1, len(chunks) // 10)
    found = step.map("read", model.read, chunks, concurrency=AT_ONCE, policy=Completion(max_failures=most_skipped))
    readings = [one for one in found if not isinstance(one, StepError)]
    skipped = [f"{chunk.name}: {one.info.message}" for chunk, one in zip(chunks, found, strict=True) if isinstance(one, StepError)]
    draft = step.run("merge", merge, event.title, readings)

    def ask_the_editor(token: str) -> str:
        return shelf.put(f"reviews/{step.run_id}.md", review_of(draft, skipped, token))

    try:
        decision = step.wait_for_callback("approval", ask_the_editor, returns=Decision, timeout=PATIENCE)
    except WaitTimeout:
        decision = Decision(approved=False, editor="nobody")
    place = step.run("publish", shelf.put, f"{event.title}.md", draft.text) if decision.approved else None
    return Glossary(place=place, editor=decision.editor, terms=draft.terms, chunks=len(chunks), skipped=skipped, tokens=tokens_of(readings))


def tokens_of(readings: Sequence[Reading]) -> Tokens:
    """What the model was paid for: a chunk that is recorded is never read, or counted, again."""
    return Tokens(input=sum(one.tokens.input for one in readings), output=sum(one.tokens.output for one in readings))


def review_of(draft: Draft, skipped: Sequence[str], token: str) -> str:
    """What the editor finds on the shelf: how to answer, what is missing, and the draft."""
    left_out = "\n".join(f"- {line}" for line in skipped) or "- nothing"
    answer = f"python -m examples.ai_pipeline.review {token} approve|reject EDITOR"
    return f"To answer:\n\n    {answer}\n\nLeft out:\n\n{left_out}\n\n{draft.text}"
