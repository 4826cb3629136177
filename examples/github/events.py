"""The app, and the webhooks that its functions want, typed as far as they read them.

An event's data is the payload as GitHub sends it, with what runs are found by put at the top: keys are plain fields, and
``repository.full_name`` or ``issue.number`` lie deeper. Fields that a class does not name are left behind.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from milepost import App

D = TypeVar("D", bound=msgspec.Struct)

app: Final = App("github")

WEBHOOKS: Final[dict[str, type[msgspec.Struct]]] = {}
"""Event classes by event name."""


def webhook(name: str, *keys: str) -> Callable[[type[D]], type[D]]:
    """Register the class as GitHub's ``<event>.<action>``, findable by these of its fields."""

    def register(cls: type[D]) -> type[D]:
        WEBHOOKS[f"github/{name}"] = cls
        return app.event(f"github/{name}", keys=keys)(cls)

    return register


# ---- what lies in the payloads ---------------------------------------------------------------------------------------


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Who did it."""

    login: str


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """A label of an issue."""

    name: str


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """An issue."""

    title: str
    user: User
    labels: tuple[Label, ...] = ()


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull request wants merged."""

    sha: str


class PullRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A pull request."""

    title: str
    user: User
    head: Head
    requested_reviewers: tuple[User, ...] = ()


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """A review of a pull request."""

    state: str
    user: User
    submitted_at: datetime


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A release."""

    tag_name: str
    draft: bool
    prerelease: bool
    author: User


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A request to deploy."""

    environment: str
    sha: str


class CheckRun(msgspec.Struct, frozen=True, kw_only=True):
    """A check of a commit."""

    name: str
    head_sha: str
    status: str
    conclusion: str | None = None


class RepositoryEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What every webhook of a repository carries."""

    repo: str
    """Its full name."""
    sender: User


# ---- issues ----------------------------------------------------------------------------------------------------------


class IssueEvent(RepositoryEvent, frozen=True, kw_only=True):
    """Something happened to an issue."""

    number: int
    issue: Issue


@webhook("issues.opened", "repo", "number")
class IssueOpened(IssueEvent, frozen=True, kw_only=True):
    """A new issue."""


@webhook("issues.reopened", "repo", "number")
class IssueReopened(IssueEvent, frozen=True, kw_only=True):
    """An issue that was closed is not."""


@webhook("issues.transferred", "repo", "number")
class IssueTransferred(IssueEvent, frozen=True, kw_only=True):
    """An issue that goes to another repository."""


@webhook("issues.labeled", "repo", "number")
class IssueLabeled(IssueEvent, frozen=True, kw_only=True):
    """An issue was given a label."""

    label: Label


@webhook("issues.closed", "repo", "number")
class IssueClosed(IssueEvent, frozen=True, kw_only=True):
    """An issue was closed."""


# ---- pull requests ---------------------------------------------------------------------------------------------------


class PullRequestEvent(RepositoryEvent, frozen=True, kw_only=True):
    """Something happened to a pull request."""

    number: int
    pull_request: PullRequest


@webhook("pull_request.opened", "repo", "number")
class PullRequestOpened(PullRequestEvent, frozen=True, kw_only=True):
    """A new pull request."""


@webhook("pull_request.ready_for_review", "repo", "number")
class PullRequestReady(PullRequestEvent, frozen=True, kw_only=True):
    """A draft is one no more."""


@webhook("pull_request.reopened", "repo", "number")
class PullRequestReopened(PullRequestEvent, frozen=True, kw_only=True):
    """A pull request that was closed is not."""


@webhook("pull_request.synchronize", "repo", "number")
class PullRequestPushed(PullRequestEvent, frozen=True, kw_only=True):
    """Its branch has new commits."""


@webhook("pull_request.closed", "repo", "number")
class PullRequestClosed(PullRequestEvent, frozen=True, kw_only=True):
    """A pull request was merged or given up."""


@webhook("pull_request_review.submitted", "repo", "number")
class ReviewSubmitted(PullRequestEvent, frozen=True, kw_only=True):
    """Somebody has reviewed."""

    review: Review

    @property
    def is_approval(self) -> bool:
        """Whether it may be merged, by this reviewer."""
        return self.review.state == "approved"


# ---- releases, pushes, deployments, checks, stars --------------------------------------------------------------------


@webhook("release.published", "repo")
class ReleasePublished(RepositoryEvent, frozen=True, kw_only=True):
    """A release can be had."""

    release: Release


@webhook("release.released", "repo")
class ReleaseReleased(RepositoryEvent, frozen=True, kw_only=True):
    """A release can be had that is no pre-release."""

    release: Release


@webhook("release.prereleased", "repo")
class ReleasePrereleased(RepositoryEvent, frozen=True, kw_only=True):
    """A pre-release can be had."""

    release: Release


@webhook("push", "repo")
class Push(RepositoryEvent, frozen=True, kw_only=True):
    """A branch or a tag points elsewhere."""

    ref: str
    after: str
    deleted: bool


@webhook("deployment.created", "repo")
class DeploymentCreated(RepositoryEvent, frozen=True, kw_only=True):
    """Somebody wants to deploy."""

    deployment: Deployment


class CheckRunEvent(RepositoryEvent, frozen=True, kw_only=True):
    """Something happened to a check."""

    check_run_id: int
    check_run: CheckRun


@webhook("check_run.created", "repo", "check_run_id")
class CheckRunCreated(CheckRunEvent, frozen=True, kw_only=True):
    """A check is to begin."""


@webhook("check_run.rerequested", "repo", "check_run_id")
class CheckRunRerequested(CheckRunEvent, frozen=True, kw_only=True):
    """A check is to begin again."""


@webhook("check_run.completed", "repo", "check_run_id")
class CheckRunCompleted(CheckRunEvent, frozen=True, kw_only=True):
    """A check has ended."""


@webhook("star.created", "repo")
class StarCreated(RepositoryEvent, frozen=True, kw_only=True):
    """Somebody likes the repository."""


@webhook("star.deleted", "repo")
class StarDeleted(RepositoryEvent, frozen=True, kw_only=True):
    """Somebody likes it no more."""


@webhook("repository_dispatch.on-demand-test", "repo")
class DigestRequested(RepositoryEvent, frozen=True, kw_only=True):
    """Somebody pressed the button for a digest."""

    branch: str


# ---- our own ---------------------------------------------------------------------------------------------------------


@app.event("releases/announced", keys=("repo", "tag"))
class ReleaseAnnounced(msgspec.Struct, frozen=True, kw_only=True):
    """All channels know of a release."""

    repo: str
    tag: str
    posts: tuple[str, ...]
