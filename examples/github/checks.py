"""A watchdog for checks: sleeps, and is cancelled by the check's end. What it does after the sleep is for the stuck ones."""

from examples.github import api
from examples.github.api import key
from examples.github.events import CheckRunCompleted, CheckRunCreated, CheckRunRerequested, app
from examples.github.pace import PACE
from milepost import Step


@app.function(on=[CheckRunCreated, CheckRunRerequested], cancel_on=[CheckRunCompleted])
def watch_check(event: CheckRunCreated | CheckRunRerequested, step: Step) -> None:
    """Say beside the commit that a check is stuck, unless it ends in time."""
    step.sleep("patience", PACE.check_patience)
    state = f"{event.check_run.name} is stuck"
    step.run("report stuck", api.set_status, event.repo, event.check_run.head_sha, state, key=key(step, "report stuck"))
