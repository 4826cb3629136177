"""How long the functions wait: days when the app is deployed, seconds in the demo, less still where a test kills it.

Chosen once, when the app is imported, by ``GITHUB_EXAMPLE_PACE``: a body must find the same times on every replay.
"""

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from milepost import Backoff, Retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Every time that the functions wait for."""

    label_patience: timedelta
    """How long an issue waits for a label before we apologise."""
    review_grace: timedelta
    """How long reviewers are left in peace."""
    review_pause: timedelta
    """Between two reminders."""
    check_patience: timedelta
    """How long a check may run before somebody is told."""
    mirror_settles: timedelta
    """How long a mirror takes to show what was uploaded."""
    scan_queue: timedelta
    """How long the scanner lets a commit wait."""
    deploy_retry: Retry
    """For the deploy API, which is down now and then."""
    health: Backoff
    """Between two looks at what was deployed."""
    health_timeout: timedelta
    request_delays: Backoff
    """Between two attempts of an HTTP request."""
    checksum_deadline: timedelta
    """How long the assets of a release may take, with all attempts."""
    approval_patience: timedelta
    """How long a pull request that is ready waits for an approval."""
    latency: timedelta
    """Of every call to an API."""


DAYS: Final = Pace(
    label_patience=timedelta(days=7),
    review_grace=timedelta(days=1),
    review_pause=timedelta(days=2),
    check_patience=timedelta(hours=6),
    mirror_settles=timedelta(hours=1),
    scan_queue=timedelta(minutes=10),
    deploy_retry=Retry(retries=4),
    health=Backoff(timedelta(seconds=30), limit=timedelta(minutes=10)),
    health_timeout=timedelta(hours=2),
    request_delays=Backoff(timedelta(seconds=15), limit=timedelta(minutes=5)),
    checksum_deadline=timedelta(hours=1),
    approval_patience=timedelta(days=1),
    latency=timedelta(0),
)
SECONDS: Final = Pace(
    label_patience=timedelta(seconds=5),
    review_grace=timedelta(seconds=0.5),
    review_pause=timedelta(seconds=1),
    check_patience=timedelta(seconds=4),
    mirror_settles=timedelta(seconds=2),
    scan_queue=timedelta(seconds=1),
    deploy_retry=Retry(retries=4, delays=Backoff(timedelta(seconds=0.4))),
    health=Backoff(timedelta(seconds=0.5)),
    health_timeout=timedelta(minutes=1),
    request_delays=Backoff(timedelta(seconds=0.4)),
    checksum_deadline=timedelta(minutes=1),
    approval_patience=timedelta(seconds=4),
    latency=timedelta(seconds=0.12),
)
RUSH: Final = Pace(
    label_patience=timedelta(seconds=0.5),
    review_grace=timedelta(seconds=0.1),
    review_pause=timedelta(seconds=0.2),
    check_patience=timedelta(seconds=0.4),
    mirror_settles=timedelta(seconds=0.2),
    scan_queue=timedelta(seconds=0.1),
    deploy_retry=Retry(retries=4, delays=Backoff(timedelta(seconds=0.1))),
    health=Backoff(timedelta(seconds=0.1)),
    health_timeout=timedelta(minutes=1),
    request_delays=Backoff(timedelta(seconds=0.1)),
    checksum_deadline=timedelta(minutes=1),
    approval_patience=timedelta(seconds=0.4),
    latency=timedelta(seconds=0.03),
)
PACES: Final = {"days": DAYS, "seconds": SECONDS, "rush": RUSH}


def chosen() -> Pace:
    """The pace that the environment names. Raises ValueError for one that there is not."""
    name = os.environ.get("GITHUB_EXAMPLE_PACE", "days")
    if name not in PACES:
        raise ValueError(f"GITHUB_EXAMPLE_PACE={name}: the paces are {', '.join(PACES)}")
    return PACES[name]


PACE: Final = chosen()
