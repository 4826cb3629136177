"""Review reminders: leave reviewers in peace for a while, then ask louder each time until somebody reviews."""

from typing import Final

import msgspec

from examples.github import api
from examples.github.api import key
from examples.github.events import PullRequestClosed, PullRequestOpened, PullRequestReady, ReviewSubmitted, app
from examples.github.pace import PACE
from milepost import Step, WaitFor

ESCALATION: Final = ("reviewers", "maintainers", "everybody")


class Reminded(msgspec.Struct, frozen=True, kw_only=True):
    """How often we asked, and what ended it."""

    reminders: int
    end: str


@app.function(on=[PullRequestOpened, PullRequestReady], waits_for=[ReviewSubmitted, PullRequestClosed])
def remind_reviewers(event: PullRequestOpened | PullRequestReady, step: Step) -> Reminded:
    """Remind until the pull request is reviewed or closed, three times at most."""
    repo, number = event.repo, event.number
    step.sleep("leave in peace", PACE.review_grace)
    for reminders, whom in enumerate(ESCALATION):
        found = step.wait_for_any(
            f"before {whom}",
            WaitFor(ReviewSubmitted, repo=repo, number=number),
            WaitFor(PullRequestClosed, repo=repo, number=number),
            timeout=PACE.review_pause,
        )
        match found.event if found is not None else None:
            case ReviewSubmitted(review=review):
                return Reminded(reminders=reminders, end=f"{review.state} by {review.user.login}")
            case PullRequestClosed():
                return Reminded(reminders=reminders, end="closed")
            case None:
                name = f"remind {whom}"
                step.run(name, api.comment, repo, number, f"{whom}: a review, please", key=key(step, name))
    return Reminded(reminders=len(ESCALATION), end="nobody came")
