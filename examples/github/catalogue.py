"""GitHub's other webhooks: no function here wants them, and they are welcome all the same.

They are registered so that they can be sent, listed and looked at; a function that wants one gives it a class in events.py.
The names are those of https://docs.github.com/en/webhooks/webhook-events-and-payloads (read 2026-11-22).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from examples.github.events import webhook


class Unwanted(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook that nobody reads yet, kept whole."""

    payload: dict[str, Any]
    repo: str | None = None
    """Of a repository, if it is one's."""


ACTIONS: Final[Mapping[str, str]] = {
    "branch_protection_rule": "created deleted edited",
    "check_run": "requested_action",
    "check_suite": "completed requested rerequested",
    "code_scanning_alert": "closed_by_user created fixed reopened",
    "commit_comment": "created",
    "create": "",
    "delete": "",
    "dependabot_alert": "created fixed",
    "deploy_key": "created",
    "deployment_review": "requested",
    "deployment_status": "created",
    "discussion": "answered category_changed created edited labeled locked pinned transferred unanswered unlabeled unlocked",
    "discussion_comment": "created deleted edited",
    "fork": "",
    "github_app_authorization": "revoked",
    "gollum": "",
    "installation": "created deleted new_permissions_accepted suspend unsuspend",
    "installation_repositories": "added removed",
    "issue_comment": "created deleted edited",
    "issues": "assigned deleted demilestoned edited locked milestoned pinned unassigned unlabeled unlocked unpinned",
    "label": "created deleted edited",
    "marketplace_purchase": "cancelled changed purchased",
    "member": "added edited",
    "membership": "added removed",
    "merge_group": "checks_requested",
    "meta": "deleted",
    "milestone": "closed created deleted",
    "org_block": "blocked unblocked",
    "organization": "member_added member_invited renamed",
    "package": "published",
    "page_build": "",
    "ping": "",
    "project": "created",
    "project_card": "created deleted moved",
    "project_column": "created edited",
    "projects_v2_item": "archived converted created edited reordered restored",
    "public": "",
    "pull_request": ("assigned converted_to_draft labeled locked review_request_removed review_requested unassigned unlabeled unlocked"),
    "pull_request_review": "dismissed",
    "pull_request_review_comment": "created deleted edited",
    "pull_request_review_thread": "resolved unresolved",
    "release": "created deleted edited",
    "repository": "created edited privatized publicized renamed transferred",
    "repository_import": "",
    "repository_vulnerability_alert": "create dismiss",
    "security_advisory": "published updated withdrawn",
    "sponsorship": "created pending_tier_change",
    "status": "",
    "team": "added_to_repository created deleted edited removed_from_repository",
    "team_add": "",
    "watch": "started",
    "workflow_dispatch": "",
    "workflow_job": "completed in_progress queued waiting",
    "workflow_run": "completed requested",
}
"""Actions by event; none for an event without."""


def names() -> Iterator[str]:
    """``<event>.<action>`` of each."""
    for event, actions in ACTIONS.items():
        yield from (f"{event}.{action}" for action in actions.split()) if actions else (event,)


def _register(name: str) -> None:
    cls = msgspec.defstruct("".join(part.title() for part in name.replace("-", "_").replace(".", "_").split("_")), [], bases=(Unwanted,))
    webhook(name, "repo")(cls)


for _name in names():
    _register(_name)
