"""``python -m examples.ai_pipeline.demo``: the whole of it offline, in a Sandbox, with the bill of what was asked of AWS."""

import sys
import tempfile
from collections.abc import Sequence
from datetime import timedelta

from rich.console import Console

from examples.ai_pipeline import manuals, shelf
from examples.ai_pipeline.app import Decision, GlossaryWanted, app, write_glossary
from milepost.testing import Sandbox

TITLE = "The services beneath"


def scenario(box: Sandbox) -> None:
    """One glossary from start to end: what `milepost cost` asks the price of."""
    token: list[str] = []
    box.stub(write_glossary, "publish", f"s3://glossaries/{TITLE}.md")
    box.stub(write_glossary, "approval", token.append)
    box.send(GlossaryWanted(title=TITLE, services=manuals.SHELF))
    box.advance(timedelta(minutes=5))
    app.callback(token[0]).succeed(Decision(approved=True, editor="Ada"))
    box.run_until_idle()


def show(console: Console, services: Sequence[str]) -> bool:
    """Tell what happens as it does; True when the glossary is published."""
    with Sandbox(app) as box:
        token: list[str] = []
        box.stub(write_glossary, "approval", token.append)
        [run] = box.send(GlossaryWanted(title=TITLE, services=services))
        read = [step for step in run.steps if step.scope == "read"]
        throttled = [step for step in read if step.status == "pending"]
        console.print(f"  {len(read)} chunks; Bedrock throttled {len(throttled)} of them, which are tried again in 20 s")
        box.advance(timedelta(minutes=5))
        console.print(f"  the draft waits for its editor: {run.status}")
        box.advance(timedelta(days=3))
        app.callback(token[0]).succeed(Decision(approved=True, editor="Ada"))
        box.run_until_idle()
        result = run.result
        console.print(f"  Ada approved three days later: {result.terms} terms, {len(result.skipped)} chunks left out:")
        for line in result.skipped:
            console.print(f"    {line}", style="dim", markup=False)
        console.print(f"  {result.tokens.input:,} tokens read, {result.tokens.output:,} written; no chunk was paid for twice")
        counted = box.meter.of(run)
        console.print(f"  {counted.writes} items written in {box.meter.usage.invocations} invocations; {result.place}")
    return result.place is not None


def main() -> int:
    """Returns the exit code."""
    console = Console(soft_wrap=True, highlight=False)
    console.print("\n[bold]A glossary of what milepost stands on, by a language model[/]\n")
    with tempfile.TemporaryDirectory() as folder:
        import os

        os.environ.setdefault(shelf.VARIABLE, folder)
        is_right = show(console, manuals.SHELF)
    console.print("\n  With a real model: see examples/ai_pipeline/README.md\n")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
