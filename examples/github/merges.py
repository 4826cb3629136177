"""Merging by itself: checkers are asked all at once, the first objection calls the others off; then a person must approve."""

import asyncio
from typing import Final

import msgspec

from examples.github import api, web
from examples.github.api import key
from examples.github.events import PullRequestPushed, PullRequestReopened, ReviewSubmitted, app
from examples.github.pace import PACE
from milepost import AsyncStep, Retry, StepError

CHECKERS: Final = ("licence", "secrets", "style", "tests")
PATIENT: Final = Retry(retries=4, delays=PACE.request_delays)


class Objection(Exception):
    """A checker is against it."""


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it was merged; thanks to whom, or why not."""

    is_merged: bool
    why: str


@app.function(on=[PullRequestPushed, PullRequestReopened], waits_for=[ReviewSubmitted])
async def merge_when_ready(event: PullRequestPushed | PullRequestReopened, step: AsyncStep) -> Merge:
    """Merge a pull request that all checkers pass and a person approves within a day."""
    repo, number, sha = event.repo, event.number, event.pull_request.head.sha
    objection = await first_objection(repo, sha, step)
    if objection is not None:
        await step.run("object", api.comment, repo, number, objection, key=key(step, "object"))  # a def: runs in a thread
        return Merge(is_merged=False, why=objection)

    # An approval that came while the checkers were at work counts: a wait looks back to its trigger.
    approval = await step.wait_for_event(
        "approval", ReviewSubmitted, repo=repo, number=number, where=lambda found: found.is_approval, timeout=PACE.approval_patience
    )
    if approval is None:
        return Merge(is_merged=False, why="nobody approved it in time")
    await step.run("merge", web.merge, repo, number, sha, key=key(step, "merge"))
    return Merge(is_merged=True, why=f"approved by {approval.review.user.login}")


async def first_objection(repo: str, sha: str, step: AsyncStep) -> str | None:
    """Ask every checker; None when all of them pass. Each is a task, and so its steps have a scope of their own."""

    async def consult(checker: str) -> None:
        verdict = await step.options(retry=PATIENT).run("ask", web.ask, checker, repo, sha, key=key(step, f"{checker}/ask"))
        if not verdict.passed:
            raise Objection(f"{checker}: {verdict.summary}")

    objection: str | None = None
    try:
        async with asyncio.TaskGroup() as group:  # the first that raises cancels the others, and what they have asked for
            for checker in CHECKERS:
                group.create_task(consult(checker), name=checker)
    except* (Objection, StepError) as raised:  # a checker that stays down does not pass
        objection = str(raised.exceptions[0])
    return objection
