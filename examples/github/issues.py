"""Issue triage: thank, wait for a label, hand over; apologise when none comes; forget it when the issue is closed."""

from typing import Final

import msgspec

from examples.github import api
from examples.github.api import key
from examples.github.events import IssueClosed, IssueLabeled, IssueOpened, IssueReopened, IssueTransferred, app
from examples.github.pace import PACE
from milepost import Step

TEAMS: Final = {"bug": "maintainers", "docs": "writers", "question": "community"}
"""Who takes an issue, by label."""


class Triage(msgspec.Struct, frozen=True, kw_only=True):
    """Who has the issue now; None when nobody has."""

    team: str | None


@app.function(on=[IssueOpened, IssueReopened, IssueTransferred], waits_for=[IssueLabeled], cancel_on=[IssueClosed])
def triage_issue(event: IssueOpened | IssueReopened | IssueTransferred, step: Step) -> Triage:
    """See that each issue finds its team."""
    repo, number = event.repo, event.number
    step.run("thank", api.comment, repo, number, f"Thank you, @{event.sender.login}!", key=key(step, "thank"))

    # A label that was set while the issue was being written comes first, and counts: a wait looks back to its trigger.
    labeled = step.wait_for_event(
        "label", IssueLabeled, repo=repo, number=number, where=lambda found: found.label.name in TEAMS, timeout=PACE.label_patience
    )
    if labeled is None:
        step.run("apologise", api.comment, repo, number, "Sorry, nobody has had time for this yet.", key=key(step, "apologise"))
        return Triage(team=None)

    team = TEAMS[labeled.label.name]
    step.run("assign", api.assign, repo, number, team, key=key(step, "assign"))
    return Triage(team=team)
