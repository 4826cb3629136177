"""What a million of the example's runs cost: ``milepost cost examples.github.app:app --scenario examples.github.scenarios:triage``."""

from datetime import timedelta

from examples.github.events import (
    Head,
    Issue,
    IssueLabeled,
    IssueOpened,
    Label,
    PullRequest,
    PullRequestOpened,
    Review,
    ReviewSubmitted,
    User,
)
from milepost.testing import Sandbox

REPO = "octo/cat"
ADA = User(login="ada")


def triage(box: Sandbox) -> None:
    """An issue that is given a label after a day."""
    issue = Issue(title="It breaks", user=ADA)
    box.send(IssueOpened(repo=REPO, sender=ADA, number=1, issue=issue))
    box.advance(timedelta(days=1))
    box.send(IssueLabeled(repo=REPO, sender=ADA, number=1, issue=issue, label=Label(name="bug")))


def review(box: Sandbox) -> None:
    """A pull request that is reviewed after one reminder."""
    pull_request = PullRequest(title="Mend it", user=ADA, head=Head(sha="a" * 40))
    box.send(PullRequestOpened(repo=REPO, sender=ADA, number=2, pull_request=pull_request))
    box.advance(timedelta(days=4))
    approval = Review(state="approved", user=User(login="grace"), submitted_at=box.now)
    box.send(ReviewSubmitted(repo=REPO, sender=ADA, number=2, pull_request=pull_request, review=approval))
    box.advance(timedelta(days=1))
