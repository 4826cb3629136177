"""The pipeline of a push: three checks at once, a scan as a run of its own, and a status at the end."""

import msgspec

from examples.github import api
from examples.github.api import key
from examples.github.events import Push, app
from examples.github.pace import PACE
from milepost import Step, Trigger


class ScanCommit(msgspec.Struct, frozen=True, kw_only=True):
    """What to scan."""

    repo: str
    sha: str


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in how many files."""

    files: int
    secrets: tuple[str, ...]


@app.function()
def scan_commit(commit: ScanCommit, step: Step) -> Scan:
    """Look for secrets in the files of a commit. Only invoked."""
    files = step.run("list files", api.list_files, commit.repo, commit.sha, key=key(step, "list files"))
    step.sleep("queue", PACE.scan_queue)
    found = [step.run(f"scan {file}", api.scan, file, key=key(step, f"scan {file}")) for file in files]
    return Scan(files=len(files), secrets=tuple(secret for secrets in found for secret in secrets))


@app.function(on=Trigger(Push, where={"deleted": [False]}))
def run_pipeline(event: Push, step: Step) -> str:
    """Check what was pushed, and say beside the commit how it is."""
    repo, sha = event.repo, event.after
    lint, tests, build = step.parallel(
        "checks",
        lambda branch: branch.run("lint", api.check, "lint", repo, sha, key=key(step, "lint")),
        lambda branch: branch.run("test", api.check, "test", repo, sha, key=key(step, "test")),
        lambda branch: branch.run("build", api.check, "build", repo, sha, key=key(step, "build")),
    )
    scan = step.invoke("scan", scan_commit, ScanCommit(repo=repo, sha=sha))
    is_good = lint.passed and tests.passed and build.passed and not scan.secrets
    state = "success" if is_good else "failure"
    step.run("set status", api.set_status, repo, sha, state, key=key(step, "set status"))
    return state
