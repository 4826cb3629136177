"""The GitHub example at its usual pace of days: each function's ways, and all 329 payloads."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
import pytest

from examples.github import ledger
from examples.github.api import CheckResult
from examples.github.app import app
from examples.github.audit import audit, starts
from examples.github.checks import watch_check
from examples.github.deployments import Deployed, deploy
from examples.github.events import (
    CheckRunCompleted,
    CheckRunRerequested,
    DeploymentCreated,
    IssueClosed,
    IssueLabeled,
    IssueOpened,
    Label,
    PullRequestClosed,
    PullRequestOpened,
    Push,
    ReleasePublished,
    ReviewSubmitted,
    StarCreated,
    StarDeleted,
)
from examples.github.issues import Triage, triage_issue
from examples.github.payloads import deliveries, event_of
from examples.github.pull_requests import Reminded, remind_reviewers
from examples.github.pushes import Scan, run_pipeline, scan_commit
from examples.github.releases import CHANNELS, MIRRORS, announce_release, mirror_release
from examples.github.services import Services
from examples.github.stars import star_digest
from examples.github.state import History
from milepost import Run
from milepost.testing import Sandbox, crash_everywhere

E = TypeVar("E", bound=msgspec.Struct)

ALL = deliveries()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MOMENT = timedelta(seconds=1)


@pytest.fixture(params=["memory", pytest.param("moto", marks=pytest.mark.long)])
def box(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(app, backend=request.param) as opened:
        yield opened


def real(cls: type[E], number: int = 0) -> E:
    """The number-th real payload of this event."""
    found = [event for event in map(event_of, ALL) if isinstance(event, cls)]
    return found[number]


def calls(run: Run[Any] | None = None) -> list[str]:
    """What was called, by this run or by all."""
    return [line.call for line in ledger.lines() if line.is_call and (run is None or line.key.startswith(f"{run.id}/"))]


def steps(run: Run[Any]) -> list[str]:
    return [step.path for step in run.steps]


# ---- issues ----------------------------------------------------------------------------------------------------------


def test_an_issue_goes_to_the_team_of_its_label(box: Sandbox) -> None:
    [run] = box.send(real(IssueOpened))
    box.advance(6 * DAY)
    assert run.status == "waiting"
    box.send(real(IssueLabeled))
    assert run.status == "completed"
    assert run.result == Triage(team="maintainers")
    assert calls(run) == ["comment on Codertocat/Hello-World#1: Thank you, @Codertocat!", "assign Codertocat/Hello-World#1 to maintainers"]


def test_a_label_that_came_first_counts(box: Sandbox) -> None:
    box.send(real(IssueLabeled))
    [run] = box.send(real(IssueOpened))
    assert run.result == Triage(team="maintainers")


def test_an_issue_without_a_label_gets_an_apology_after_a_week(box: Sandbox) -> None:
    [run] = box.send(real(IssueOpened))
    box.advance(7 * DAY - MOMENT)
    assert run.status == "waiting"
    box.advance(2 * MOMENT)
    assert run.result == Triage(team=None)
    assert steps(run) == ["thank", "label", "apologise"]


def test_a_label_of_no_team_and_one_of_another_issue_do_not_count(box: Sandbox) -> None:
    [run] = box.send(real(IssueOpened))
    box.send(msgspec.structs.replace(real(IssueLabeled), label=Label(name="wontfix")))
    box.send(msgspec.structs.replace(real(IssueLabeled), number=2))
    assert run.status == "waiting"
    box.send(msgspec.structs.replace(real(IssueLabeled), label=Label(name="docs")))
    assert run.result == Triage(team="writers")


def test_closing_an_issue_cancels_its_triage(box: Sandbox) -> None:
    opened = real(IssueOpened)
    [run] = box.send(opened)
    box.advance(DAY)
    box.send(IssueClosed(repo=opened.repo, number=opened.number + 1, sender=opened.sender, issue=opened.issue))
    assert run.status == "waiting"
    box.send(IssueClosed(repo=opened.repo, number=opened.number, sender=opened.sender, issue=opened.issue))
    assert run.status == "cancelled"
    box.send(real(IssueLabeled))
    box.advance(30 * DAY)
    assert len(calls(run)) == 1
    assert box.runs(triage_issue) == [run]


# ---- pull requests ---------------------------------------------------------------------------------------------------


def test_reminders_grow_louder_and_end(box: Sandbox) -> None:
    [run] = box.send(real(PullRequestOpened))
    seen: list[int] = []
    for _ in range(8):
        box.advance(DAY + MOMENT)
        seen.append(len(calls(run)))
    assert seen == [0, 0, 1, 1, 2, 2, 3, 3]
    assert run.result == Reminded(reminders=3, end="nobody came")
    assert [call.split(": ")[1] for call in calls(run)] == ["reviewers", "maintainers", "everybody"]


def test_a_review_ends_the_reminders(box: Sandbox) -> None:
    [run] = box.send(real(PullRequestOpened))
    box.advance(4 * DAY)
    assert len(calls(run)) == 1
    box.send(real(ReviewSubmitted))
    assert run.result == Reminded(reminders=1, end="commented by Codertocat")


def test_a_review_while_reviewers_are_left_in_peace_counts(box: Sandbox) -> None:
    [run] = box.send(real(PullRequestOpened))
    box.send(real(ReviewSubmitted))
    assert run.status == "waiting"
    box.advance(DAY)
    assert run.result == Reminded(reminders=0, end="commented by Codertocat")


def test_a_closed_pull_request_needs_no_reminder(box: Sandbox) -> None:
    [run] = box.send(real(PullRequestOpened))
    box.advance(2 * DAY)
    box.send(real(PullRequestClosed))
    assert run.result == Reminded(reminders=0, end="closed")
    assert box.runs(remind_reviewers) == [run]


# ---- releases --------------------------------------------------------------------------------------------------------


def test_a_release_is_posted_everywhere_and_mirrored(box: Sandbox) -> None:
    [run] = box.send(real(ReleasePublished))
    assert [link.split("/")[2] for link in run.result] == [f"{channel}.example" for channel in CHANNELS]
    [mirrored] = box.runs(mirror_release)
    assert mirrored.status == "waiting"
    assert sum(call.startswith("upload") for call in calls()) == len(MIRRORS)
    assert not any(call.startswith("verify") for call in calls())
    box.advance(HOUR)
    assert mirrored.result == [True, True, True]


def test_a_channel_that_fails_is_tried_again_alone(box: Sandbox) -> None:
    attempts = iter(range(9))

    def publish(post: Any) -> str:
        if post.channel == "feed" and next(attempts) == 0:
            raise ConnectionError("feed is down")
        ledger.append(post.key, f"post to {post.channel}")
        return f"https://{post.channel}.example/1"

    box.stub(announce_release, "post", publish)
    [run] = box.send(real(ReleasePublished))
    assert run.status == "waiting"
    box.advance(timedelta(minutes=1))
    assert run.status == "completed"
    posts = [call for call in calls() if call.startswith("post")]
    assert posts == ["post to blog", "post to chat", "post to mail", "post to feed"]


def test_a_draft_is_not_announced(box: Sandbox) -> None:
    published = real(ReleasePublished)
    draft = msgspec.structs.replace(published, release=msgspec.structs.replace(published.release, draft=True))
    assert box.send(draft) == []
    assert box.runs() == []


# ---- pushes ----------------------------------------------------------------------------------------------------------


def test_a_push_is_checked_and_scanned_by_a_run_of_its_own(box: Sandbox) -> None:
    [run] = box.send(real(Push))
    [child] = box.runs(scan_commit)
    assert (run.status, child.status) == ("waiting", "waiting")
    assert child.view.parent == run.id
    box.advance(timedelta(minutes=10))
    assert child.result == Scan(files=2, secrets=())
    assert run.result == "success"
    assert steps(run)[:3] == ["checks/0/lint", "checks/1/test", "checks/2/build"]
    assert calls()[-1] == "Codertocat/Hello-World@6113728 is success"


def test_a_failed_check_and_a_secret_make_the_status_a_failure(box: Sandbox) -> None:
    box.stub(run_pipeline, "checks/1/test", CheckResult(name="test", passed=False))
    [run] = box.send(real(Push))
    box.advance(timedelta(minutes=10))
    assert run.result == "failure"

    box.stub(run_pipeline, "checks/1/test", CheckResult(name="test", passed=True))
    box.stub(scan_commit, "scan .gitignore", ["AKIA..."])
    [again] = box.send(real(Push))
    box.advance(timedelta(minutes=10))
    assert again.result == "failure"


def test_a_deleted_branch_is_not_checked(box: Sandbox) -> None:
    assert box.send(msgspec.structs.replace(real(Push), deleted=True)) == []


# ---- deployments -----------------------------------------------------------------------------------------------------


def deployment_to(environment: str) -> DeploymentCreated:
    return next(
        event for event in map(event_of, ALL) if isinstance(event, DeploymentCreated) and event.deployment.environment == environment
    )


def test_a_deployment_outlasts_an_api_that_is_down(box: Sandbox) -> None:
    [run] = box.send(deployment_to("production"))
    assert run.status == "waiting"
    box.advance(HOUR)
    assert run.result == Deployed(environment="production", url="https://production.example")
    assert {step.path: step.attempts for step in run.steps}["roll out"] == 3
    assert [line.is_refused for line in ledger.lines() if line.call.startswith("roll out")] == [True, True, False]
    assert [call for call in calls() if call.startswith("free")] == ["free production"]
    assert box.runs("deploy.undo") == []


def test_a_refused_deployment_is_reported_and_gives_its_slot_back(box: Sandbox) -> None:
    [run] = box.send(deployment_to("github-pages"))
    assert run.status == "failed"
    assert run.error is not None
    assert run.error.message == "github-pages is published by GitHub itself"
    [report] = box.runs("deploy.on_failure")
    [undo] = box.runs("deploy.undo")
    assert (report.status, undo.status) == ("completed", "completed")
    assert steps(undo) == ["~undo/reserve slot"]
    assert sorted(calls()) == [
        "Codertocat/Hello-World@f95f852 is not deployed: github-pages is published by GitHub itself",
        "free github-pages",
        "reserve github-pages",
    ]


def test_a_deployment_that_is_cancelled_gives_its_slot_back(box: Sandbox) -> None:
    [run] = box.send(deployment_to("production"))
    box.cancel(run)
    assert run.status == "cancelled"
    assert calls() == ["reserve production", "free production"]
    assert box.runs("deploy.on_failure") == []
    assert box.runs(deploy) == [run]


# ---- checks ----------------------------------------------------------------------------------------------------------


def test_a_check_that_ends_is_watched_no_more(box: Sandbox) -> None:
    begun, ended = real(CheckRunRerequested), real(CheckRunCompleted)
    [run] = box.send(begun)
    box.send(ended)
    assert run.status == "waiting"  # another check of another repository
    box.send(msgspec.structs.replace(ended, repo=begun.repo, check_run_id=begun.check_run_id))
    assert run.status == "cancelled"
    box.advance(DAY)
    assert calls() == []
    assert box.runs(watch_check) == [run]


def test_a_check_that_does_not_end_is_reported(box: Sandbox) -> None:
    [run] = box.send(real(CheckRunRerequested))
    box.advance(6 * HOUR - MOMENT)
    assert calls() == []
    box.advance(MOMENT)
    assert run.status == "completed"
    assert calls() == ["github/hello-world@d6fde92 is randscape is stuck"]


# ---- stars -----------------------------------------------------------------------------------------------------------


def test_there_is_a_digest_every_monday_at_nine_in_paris() -> None:
    with Sandbox(app, start=datetime(2026, 1, 2, 9, tzinfo=UTC)) as box:  # a Friday
        box.send(real(StarCreated, 0))
        box.send(real(StarCreated, 1))
        box.send(real(StarDeleted))
        box.advance(3 * DAY - HOUR - MOMENT)
        assert box.runs(star_digest) == []
        box.advance(MOMENT)
        [digest] = box.runs(star_digest)
        assert digest.result == {"Codertocat/Hello-World": 1}
        assert calls()[-1] == "post to chat: 05 January: Codertocat/Hello-World has 1"
        box.advance(7 * DAY)
        assert len(box.runs(star_digest)) == 2


def test_there_is_a_button_for_the_digest(box: Sandbox) -> None:
    [delivery] = [one for one in ALL if one.id == "repository_dispatch-1"]
    [run] = box.send(event_of(delivery))
    assert run.result == {}
    assert calls()[-1] == "post to chat: master: no stars yet"


# ---- whatever happens ------------------------------------------------------------------------------------------------


def known() -> set[tuple[str, str]]:
    """What the APIs have been asked for: a call that is made again, with the same key, is the same call."""
    return {(line.key, line.call) for line in ledger.lines() if line.is_call}


def test_a_push_survives_anything() -> None:
    def push(box: Sandbox) -> None:
        ledger.path().unlink(missing_ok=True)
        [run] = box.send(real(Push))
        box.advance(timedelta(minutes=10))
        assert run.result == "success"

    assert crash_everywhere(app, push, effects=known).runs == 2


def test_a_refused_deployment_is_undone_and_reported_whatever_happens() -> None:
    def refuse(box: Sandbox) -> None:
        ledger.path().unlink(missing_ok=True)
        [run] = box.send(deployment_to("github-pages"))
        assert run.status == "failed"

    assert crash_everywhere(app, refuse, effects=known).runs == 3


# ---- all of them -----------------------------------------------------------------------------------------------------


def test_all_329_payloads_are_events_with_their_keys() -> None:
    assert len(ALL) == 329
    events = {delivery.id: event_of(delivery) for delivery in ALL}
    assert len(events) == 329
    with_repository = [delivery for delivery in ALL if isinstance(delivery.payload.get("repository"), dict)]
    assert {getattr(events[delivery.id], "repo", None) for delivery in with_repository} >= {"Codertocat/Hello-World", "octo-org/octo-repo"}
    for delivery in with_repository:
        assert getattr(events[delivery.id], "repo", None) == delivery.payload["repository"]["full_name"]


def test_every_event_starts_what_it_must_and_all_runs_end_right(box: Sandbox, services: Services) -> None:
    for delivery in ALL:
        started = box.send(event_of(delivery), id=delivery.id)
        assert [run.function for run in started] == [name for name in [starts(delivery)] if name is not None]
    box.advance(10 * DAY)
    history = [History(run=run.view, steps=run.steps) for run in box.runs()]
    accepted = [delivery.id for delivery in ALL]
    found = audit(sent=ALL, accepted=accepted, history=history, lines=ledger.lines(), crashes=[])
    assert found.problems == []
    assert {function for function, _ in found.runs} == set(app.definitions.functions) | {"deploy.undo"}


def test_an_event_that_comes_twice_starts_nothing_twice(box: Sandbox, services: Services) -> None:
    for _ in range(2):
        for delivery in ALL:
            box.send(event_of(delivery), id=delivery.id)
    box.advance(10 * DAY)
    history = [History(run=run.view, steps=run.steps) for run in box.runs()]
    accepted = [delivery.id for delivery in ALL]
    assert audit(sent=ALL, accepted=accepted, history=history, lines=ledger.lines(), crashes=[]).problems == []
