"""The 329 payloads of the npm package @octokit/webhooks-examples, as events: recorded from GitHub, read where npm put them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from examples.github.catalogue import Unwanted
from examples.github.events import WEBHOOKS

INDEX: Final = Path(__file__).parents[2] / "node_modules" / "@octokit" / "webhooks-examples" / "api.github.com" / "index.json"


class _Webhook(msgspec.Struct, frozen=True):
    """One entry of the index."""

    name: str
    examples: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A webhook as it comes in: GitHub names it in the headers X-GitHub-Delivery and X-GitHub-Event."""

    id: str
    """Ours: ``<event>-<number>``; GitHub's is a UUID."""
    name: str
    """``github/<event>.<action>``."""
    payload: dict[str, Any]


def deliveries(index: Path = INDEX) -> list[Delivery]:
    """Every payload there is, in the order of the index. Raises FileNotFoundError when the package is not installed."""
    if not index.exists():
        raise FileNotFoundError(f"the payloads are not there ({index}): run `make setup`, or `npm ci --ignore-scripts`")
    webhooks = msgspec.json.decode(index.read_bytes(), type=list[_Webhook])
    return [
        Delivery(id=f"{webhook.name}-{number}", name=_name(webhook.name, payload), payload=payload)
        for webhook in webhooks
        for number, payload in enumerate(webhook.examples, 1)
    ]


def _name(event: str, payload: dict[str, Any]) -> str:
    action = payload.get("action")
    return f"github/{event}.{action}" if isinstance(action, str) else f"github/{event}"


def event_of(delivery: Delivery) -> msgspec.Struct:
    """The typed event, with its keys at the top. Raises KeyError for a name that the app does not know, and
    msgspec.ValidationError for a payload that does not fit.
    """
    cls = WEBHOOKS[delivery.name]
    payload = delivery.payload
    if issubclass(cls, Unwanted):
        return cls(repo=_at(payload, "repository", "full_name"), payload=payload)
    keys = {
        "repo": _at(payload, "repository", "full_name"),
        "number": _at(payload, "issue", "number") or _at(payload, "pull_request", "number"),
        "check_run_id": _at(payload, "check_run", "id"),
    }
    return msgspec.convert({**payload, **keys}, cls)


def events(chosen: Sequence[Delivery]) -> list[tuple[str, msgspec.Struct]]:
    """Events with the ids of their deliveries."""
    return [(delivery.id, event_of(delivery)) for delivery in chosen]


def _at(payload: dict[str, Any], field: str, inner: str) -> Any:
    value: dict[str, Any] | None = payload.get(field)
    return None if value is None else value.get(inner)
