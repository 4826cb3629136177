"""What the async functions ask over HTTP, with httpx (``pip install httpx``): release assets, checkers, and the merge itself.

One client for all of it, made when the module is imported: the functions of async steps run on one I/O loop that lives as
long as the process, so its connections, limits and time-outs are shared from step to step and from run to run.
"""

import hashlib
import os
from typing import Final

import httpx
import msgspec

from milepost import NonRetriableError

DEFAULT: Final = "http://127.0.0.1:8329"
"""Where ``python -m examples.github.services`` listens."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a checker says of a commit."""

    passed: bool
    summary: str


async def _give_up_on_4xx(response: httpx.Response) -> None:
    """A request that is wrong today is wrong tomorrow; all other failures raise, too, and are tried again."""
    if response.is_client_error:
        raise NonRetriableError(f"{response.request.method} {response.url.path}: {response.status_code} {response.reason_phrase}")
    response.raise_for_status()


client: Final = httpx.AsyncClient(
    base_url=os.environ.get("GITHUB_EXAMPLE_SERVICES", DEFAULT),
    timeout=10,
    trust_env=False,  # the services are on this machine: no proxy
    event_hooks={"response": [_give_up_on_4xx]},
)


async def list_assets(repo: str, tag: str, *, key: str) -> tuple[str, ...]:
    """The names of what can be downloaded of a release."""
    response = await client.get(f"/{repo}/releases/{tag}", headers=_idempotent(key))
    return msgspec.json.decode(response.content, type=tuple[str, ...])


async def checksum(repo: str, tag: str, asset: str, *, key: str) -> str:
    """Download an asset, and return its SHA-256. It passes through; it is never held whole."""
    digest = hashlib.sha256()
    async with client.stream("GET", f"/{repo}/releases/{tag}/{asset}", headers=_idempotent(key)) as response:
        async for chunk in response.aiter_bytes():
            digest.update(chunk)
    return digest.hexdigest()


async def ask(checker: str, repo: str, sha: str, *, key: str) -> Verdict:
    """Have a checker look at a commit."""
    response = await client.get(f"/{repo}/commits/{sha}/{checker}", headers=_idempotent(key))
    return msgspec.json.decode(response.content, type=Verdict)


async def merge(repo: str, number: int, sha: str, *, key: str) -> None:
    """Merge a pull request, unless its head has moved on."""
    await client.put(f"/{repo}/pulls/{number}/merge", json={"sha": sha}, headers=_idempotent(key))


def _idempotent(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}
