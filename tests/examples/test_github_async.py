"""The two async functions of the GitHub example: with stubs, as a user tests them, and over real HTTP."""

import asyncio
import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from examples.github import ledger, web
from examples.github.checksums import AT_ONCE, post_checksums
from examples.github.events import (
    Head,
    PullRequest,
    PullRequestPushed,
    Release,
    ReleasePrereleased,
    ReleaseReleased,
    Review,
    ReviewSubmitted,
    User,
    app,
)
from examples.github.merges import CHECKERS, Merge, merge_when_ready
from examples.github.services import ASSETS, FLAKY, Services
from examples.github.web import Verdict
from milepost import NonRetriableError, Run
from milepost.testing import Sandbox, crash_everywhere

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MOMENT = timedelta(seconds=1)

ADA, GRACE = User(login="ada"), User(login="grace")
RELEASED = ReleaseReleased(repo="acme/rocket", sender=ADA, release=Release(tag_name="1.0", draft=False, prerelease=False, author=ADA))
PULL = PullRequest(title="Faster", user=ADA, head=Head(sha="c0ffee"))
PUSHED = PullRequestPushed(repo="acme/rocket", number=7, sender=ADA, pull_request=PULL)
PASSED = Verdict(passed=True, summary="fine")


def review(state: str) -> ReviewSubmitted:
    submitted = Review(state=state, user=GRACE, submitted_at=datetime(2026, 1, 1, 10, tzinfo=UTC))
    return ReviewSubmitted(repo="acme/rocket", number=7, sender=GRACE, pull_request=PULL, review=submitted)


@pytest.fixture(params=["memory", pytest.param("moto", marks=pytest.mark.long)])
def box(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(app, backend=request.param) as opened:
        yield opened


def calls(run: Run[Any]) -> list[str]:
    """What was called for this run, refused or not."""
    return [line.call for line in ledger.lines() if line.key.startswith(f"{run.id}/")]


def steps(run: Run[Any]) -> list[str]:
    return [step.path for step in run.steps if step.kind == "run"]


# ---- checksums, with stubs -------------------------------------------------------------------------------------------


def test_checksums_are_posted_when_all_are_there(box: Sandbox) -> None:
    box.stub(post_checksums, "list assets", ("a.zip", "b.zip"))
    box.stub(post_checksums, "a.zip/checksum", "aaaa")
    box.stub(post_checksums, "b.zip/checksum", "bbbb")
    [run] = box.send(RELEASED)
    assert run.result == {"a.zip": "aaaa", "b.zip": "bbbb"}
    assert calls(run) == ["post to downloads: aaaa  a.zip\nbbbb  b.zip"]


def test_a_download_that_fails_is_tried_again_alone(box: Sandbox) -> None:
    downloads: list[str] = []

    async def checksum(repo: str, tag: str, asset: str, *, key: str) -> str:
        downloads.append(asset)
        if downloads.count("b.zip") == 1 and asset == "b.zip":
            raise httpx.ConnectError("no route")
        return asset

    box.stub(post_checksums, "list assets", ("a.zip", "b.zip"))
    box.stub(post_checksums, "a.zip/checksum", checksum)
    box.stub(post_checksums, "b.zip/checksum", checksum)
    [run] = box.send(RELEASED)
    assert run.status == "waiting"
    box.advance(MINUTE)
    assert run.result == {"a.zip": "a.zip", "b.zip": "b.zip"}
    assert downloads == ["a.zip", "b.zip", "b.zip"]


def test_three_downloads_are_under_way_at_a_time(box: Sandbox) -> None:
    under_way: set[str] = set()
    seen: list[int] = []

    async def checksum(repo: str, tag: str, asset: str, *, key: str) -> str:
        under_way.add(asset)
        await asyncio.sleep(0)  # all that were begun together are under way
        seen.append(len(under_way))
        await asyncio.sleep(0)
        under_way.remove(asset)
        return asset

    box.stub(post_checksums, "list assets", ASSETS)
    for asset in ASSETS:
        box.stub(post_checksums, f"{asset}/checksum", checksum)
    [run] = box.send(RELEASED)
    assert len(run.result) == len(ASSETS) == 5
    assert max(seen) == AT_ONCE == 3


def test_past_the_deadline_it_says_that_there_are_no_checksums(box: Sandbox) -> None:
    def unreachable(*_args: str, key: str) -> str:
        raise httpx.ConnectError("no route")

    box.stub(post_checksums, "list assets", ("a.zip", "b.zip"))
    box.stub(post_checksums, "a.zip/checksum", "aaaa")
    box.stub(post_checksums, "b.zip/checksum", unreachable)
    [run] = box.send(RELEASED)
    box.advance(HOUR - MOMENT)
    assert run.status == "waiting"
    box.advance(2 * MOMENT)
    assert run.result == {}
    assert calls(run) == ["post to downloads: 1.0 cannot be downloaded: no checksums yet"]


def test_checksums_are_posted_once_whatever_happens() -> None:
    async def checksum(repo: str, tag: str, asset: str, *, key: str) -> str:
        await asyncio.sleep(0)
        return asset.upper()

    def release(box: Sandbox) -> set[str]:
        ledger.path().unlink(missing_ok=True)
        box.stub(post_checksums, "list assets", ASSETS)
        for asset in ASSETS:
            box.stub(post_checksums, f"{asset}/checksum", checksum)
        [run] = box.send(RELEASED)
        box.advance(HOUR)
        assert run.result == {asset: asset.upper() for asset in ASSETS}
        return {f"{line.key}: {line.call}" for line in ledger.lines()}  # as the other side sees it: a key is one call

    assert crash_everywhere(app, release).has_effects


# ---- merges, with stubs ----------------------------------------------------------------------------------------------


def pass_all(box: Sandbox) -> None:
    for checker in CHECKERS:
        box.stub(merge_when_ready, f"{checker}/ask", PASSED)
    box.stub(merge_when_ready, "merge", None)


def test_what_all_checkers_and_a_person_approve_is_merged(box: Sandbox) -> None:
    pass_all(box)
    [run] = box.send(PUSHED)
    box.send(review("commented"))
    assert run.status == "waiting"
    box.send(review("approved"))
    assert run.result == Merge(is_merged=True, why="approved by grace")
    assert sorted(steps(run)) == sorted([*(f"{checker}/ask" for checker in CHECKERS), "merge"])


def test_what_nobody_approves_within_a_day_is_not_merged(box: Sandbox) -> None:
    pass_all(box)
    [run] = box.send(PUSHED)
    box.advance(DAY - MOMENT)
    assert run.status == "waiting"
    box.advance(2 * MOMENT)
    assert run.result == Merge(is_merged=False, why="nobody approved it in time")
    assert "merge" not in steps(run)


def test_a_merge_survives_anything() -> None:
    def approve(box: Sandbox) -> None:
        pass_all(box)
        [run] = box.send(PUSHED)
        box.send(review("approved"))
        assert run.result == Merge(is_merged=True, why="approved by grace")

    assert crash_everywhere(app, approve).runs == 1


def test_an_approval_counts_that_came_while_a_checker_was_down(box: Sandbox) -> None:
    pass_all(box)
    attempts: list[str] = []

    def ask(checker: str, repo: str, sha: str, *, key: str) -> Verdict:
        attempts.append(checker)
        if len(attempts) == 1:
            raise httpx.ReadTimeout("no answer")
        return PASSED

    box.stub(merge_when_ready, "tests/ask", ask)
    [run] = box.send(PUSHED)
    box.send(review("approved"))
    assert (run.status, attempts) == ("waiting", ["tests"])
    box.advance(MINUTE)
    assert run.result == Merge(is_merged=True, why="approved by grace")
    assert attempts == ["tests", "tests"]


def test_the_first_objection_calls_the_other_checkers_off(box: Sandbox) -> None:
    pass_all(box)
    attempts: list[str] = []

    def down(checker: str, repo: str, sha: str, *, key: str) -> Verdict:
        attempts.append(checker)
        raise httpx.ConnectError("down")

    box.stub(merge_when_ready, "tests/ask", down)
    box.stub(merge_when_ready, "secrets/ask", Verdict(passed=False, summary="a key in settings.py"))
    [run] = box.send(PUSHED)
    assert run.result == Merge(is_merged=False, why="secrets: a key in settings.py")
    assert calls(run) == ["comment on acme/rocket#7: secrets: a key in settings.py"]
    box.advance(DAY)
    assert attempts == ["tests"], "its retries are called off, too"


def test_a_checker_that_stays_down_does_not_pass(box: Sandbox) -> None:
    pass_all(box)

    def down(*_args: str, key: str) -> Verdict:
        raise httpx.ConnectError("down")

    box.stub(merge_when_ready, "licence/ask", down)
    [run] = box.send(PUSHED)
    assert run.status == "waiting"
    box.advance(HOUR)
    assert not run.result.is_merged
    assert run.result.why.startswith("step 'licence/ask' failed"), run.result.why


# ---- over HTTP -------------------------------------------------------------------------------------------------------


class Meeting(Services):
    """Answers no download before another is asked for at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self._have_met = threading.Event()

    def dwell(self, path: str) -> None:
        if self.most_at_once >= 2:
            self._have_met.set()
        if path.rpartition("/")[2] in ASSETS:
            self._have_met.wait(10)


def test_downloads_overlap(box: Sandbox, own_ledger: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with Meeting() as services:
        monkeypatch.setattr(web.client, "base_url", services.url)
        [run] = box.send(RELEASED)
        box.advance(MINUTE)
        assert services.most_at_once >= 2
    contents = {asset: f"/acme/rocket/releases/1.0/{asset}".encode() * 10_000 for asset in ASSETS}
    assert run.result == {asset: hashlib.sha256(content).hexdigest() for asset, content in contents.items()}


def test_what_is_down_at_first_is_asked_again_and_nothing_else(box: Sandbox, services: Services) -> None:
    [run] = box.send(PUSHED)
    assert run.status == "waiting"
    box.advance(MINUTE)
    box.send(review("approved"))
    assert run.result.is_merged
    asked = [call for call in calls(run) if "/commits/" in call]
    assert {checker: asked.count(f"GET /acme/rocket/commits/c0ffee/{checker}") for checker in CHECKERS} == {
        checker: 2 if checker in FLAKY else 1 for checker in CHECKERS
    }
    assert calls(run)[-1] == "PUT /acme/rocket/pulls/7/merge"


def test_one_client_serves_the_steps_of_many_runs(box: Sandbox, services: Services) -> None:
    runs = [run for number in range(5) for run in box.send(msgspec.structs.replace(PUSHED, number=number))]
    box.advance(MINUTE)
    assert [len(steps(run)) for run in runs] == [len(CHECKERS)] * 5


def test_a_request_that_is_wrong_is_not_tried_again(box: Sandbox, services: Services) -> None:
    box.stub(post_checksums, "list assets", ("no such thing",))
    [run] = box.send(RELEASED)
    assert run.status == "failed"
    assert run.error is not None
    assert run.error.type.rpartition(".")[2] == NonRetriableError.__name__
    assert "404" in run.error.message
    assert calls(run) == ["GET /acme/rocket/releases/1.0/no%20such%20thing"]


def test_a_prerelease_gets_checksums_too(box: Sandbox) -> None:
    box.stub(post_checksums, "list assets", ())
    [run] = box.send(ReleasePrereleased(repo="acme/rocket", sender=ADA, release=RELEASED.release))
    assert run.result == {}
