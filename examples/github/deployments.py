"""Deployments on an API that is down now and then, and says no to some: retries, a poll, compensation, on_failure."""

from datetime import timedelta

import msgspec

from examples.github import api
from examples.github.api import key
from examples.github.events import DeploymentCreated, app
from examples.github.pace import PACE
from milepost import Failure, Step


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """What runs where."""

    environment: str
    url: str


def report_failure(event: DeploymentCreated, step: Step, failure: Failure) -> None:
    """Say beside the commit that it is not deployed, and why."""
    why = failure.error.message if failure.error is not None else "cancelled"
    step.run("report", api.set_status, event.repo, event.deployment.sha, f"not deployed: {why}", key=key(step, "report"))


@app.function(on=DeploymentCreated, on_failure=report_failure)
def deploy(event: DeploymentCreated, step: Step) -> Deployed:
    """Deploy, and hold the environment's slot meanwhile. A deployment that fails gives the slot back."""
    environment, sha = event.deployment.environment, event.deployment.sha
    reserving = step.options(compensate=api.release_slot)
    slot = reserving.run("reserve slot", api.reserve_slot, environment, key=key(step, "reserve slot"))

    rolling_out = step.options(retry=PACE.deploy_retry, timeout=timedelta(minutes=5))
    url = rolling_out.run("roll out", api.roll_out, environment, sha, key=key(step, "roll out"))

    probe = key(step, "healthy")
    healthy = step.wait_until(
        "healthy", lambda: api.healthy_since_third_look(url, key=probe), every=PACE.health, timeout=PACE.health_timeout
    )
    step.run("free slot", api.free_slot, slot, key=key(step, "free slot"))
    return Deployed(environment=environment, url=healthy)
