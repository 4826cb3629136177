"""The APIs that the functions call, as far as this example needs them. Nothing leaves the machine: a call takes a moment
and is a line in the ledger. Those that go over HTTP are in web.py.

The body of a step runs at least once: a crash between a call and its record makes it again. So every call carries a key
that is the same when it is made again, as a payment provider or a mail service wants it (``Idempotency-Key``).
"""

import time
from collections.abc import Sequence

import msgspec

from examples.github import ledger
from examples.github.pace import PACE
from milepost import AsyncStep, NonRetriableError, Step

UNDONE = "~undone"
"""Ends the key of a call that undoes another."""


class DeployApiDown(Exception):
    """503: try again later."""


class NotDeployable(NonRetriableError):
    """422: trying again does not help."""


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A text for one channel."""

    channel: str
    text: str
    key: str


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """The right to deploy to an environment."""

    environment: str
    key: str


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one check of a commit found."""

    name: str
    passed: bool


def key(step: Step | AsyncStep, name: str) -> str:
    """The idempotency key of a step: the same in each attempt, and no other step's."""
    return f"{step.run_id}/{name}"


def _call(call: str, *, key: str) -> None:
    ledger.append(key, call)
    time.sleep(PACE.latency.total_seconds())


# ---- GitHub ----------------------------------------------------------------------------------------------------------


def comment(repo: str, number: int, text: str, *, key: str) -> None:
    """Write under an issue or a pull request."""
    _call(f"comment on {repo}#{number}: {text}", key=key)


def assign(repo: str, number: int, team: str, *, key: str) -> None:
    """Give an issue to a team."""
    _call(f"assign {repo}#{number} to {team}", key=key)


def set_status(repo: str, sha: str, state: str, *, key: str) -> None:
    """Show a state beside a commit."""
    _call(f"{repo}@{sha[:7]} is {state}", key=key)


def write_notes(repo: str, tag: str, *, key: str) -> str:
    """Have release notes written; returns them."""
    _call(f"write notes for {repo} {tag}", key=key)
    return f"{repo} {tag} is out."


# ---- channels and mirrors --------------------------------------------------------------------------------------------


def publish(post: Post) -> str:
    """Post to a channel; returns where the post is."""
    _call(f"post to {post.channel}: {post.text}", key=post.key)
    return f"https://{post.channel}.example/{post.key[:8]}"


def upload(repo: str, tag: str, mirror: str, *, key: str) -> None:
    """Copy a release to a mirror."""
    _call(f"upload {repo} {tag} to {mirror}", key=key)


def verify(repo: str, tag: str, mirror: str, *, key: str) -> bool:
    """Whether the mirror shows the release."""
    _call(f"verify {repo} {tag} on {mirror}", key=key)
    return True


# ---- continuous integration ------------------------------------------------------------------------------------------


def check(name: str, repo: str, sha: str, *, key: str) -> CheckResult:
    """Run one check on a commit."""
    _call(f"{name} {repo}@{sha[:7]}", key=key)
    return CheckResult(name=name, passed=True)


def list_files(repo: str, sha: str, *, key: str) -> tuple[str, ...]:
    """The files of a commit."""
    _call(f"list files of {repo}@{sha[:7]}", key=key)
    return (".gitignore", "README.md")


def scan(file: str, *, key: str) -> Sequence[str]:
    """Secrets found in a file."""
    _call(f"scan {file}", key=key)
    return []


# ---- deployments: the flaky one --------------------------------------------------------------------------------------


def reserve_slot(environment: str, *, key: str) -> Slot:
    """Keep others from deploying to an environment."""
    _call(f"reserve {environment}", key=key)
    return Slot(environment=environment, key=key)


def free_slot(slot: Slot, *, key: str) -> None:
    """Let others deploy again; a slot that is free already stays so."""
    _call(f"free {slot.environment}", key=key)


def release_slot(slot: Slot) -> None:
    """The same, to undo a reservation."""
    free_slot(slot, key=f"{slot.key}{UNDONE}")


def roll_out(environment: str, sha: str, *, key: str) -> str:
    """Deploy; returns where it runs. Raises DeployApiDown in its first two attempts, NotDeployable for GitHub Pages."""
    if environment == "github-pages":
        ledger.append(key, f"roll out to {environment}", is_refused=True)
        raise NotDeployable("github-pages is published by GitHub itself")
    if ledger.count(key) < 2:
        ledger.append(key, f"roll out to {environment}", is_refused=True)
        raise DeployApiDown("503 Service Unavailable")
    _call(f"roll out {sha[:7]} to {environment}", key=key)
    return f"https://{environment}.example"


def healthy_since_third_look(url: str, *, key: str) -> str | None:
    """The address once it answers, which is at the third look; None before."""
    ledger.append(key, ledger.PROBE)
    return url if ledger.count(key) >= 3 else None


# ---- stars -----------------------------------------------------------------------------------------------------------


def note_star(repo: str, login: str, given: int, *, key: str) -> None:
    """Note that a star was given (1) or taken back (-1)."""
    _call(f"star {given:+d} {repo} {login}", key=key)


def count_stars(*, key: str) -> dict[str, int]:
    """Stars by repository, as noted. A star noted twice under one key counts once."""
    noted = {line.key: line.call.split() for line in ledger.lines() if line.call.startswith("star ")}
    stars: dict[str, int] = {}
    for _, given, repo, _ in noted.values():
        stars[repo] = stars.get(repo, 0) + int(given)
    _call("count stars", key=key)
    return stars
