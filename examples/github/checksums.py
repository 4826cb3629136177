"""Checksums of a release: its assets are downloaded and hashed a few at a time, and the list is posted when it is whole."""

import asyncio
from typing import Final

from examples.github import api, web
from examples.github.api import Post, key
from examples.github.events import ReleasePrereleased, ReleaseReleased, app
from examples.github.pace import PACE
from milepost import AsyncStep, Retry

AT_ONCE: Final = 3
"""Downloads at a time."""
UNTIRING: Final = Retry(retries=1_000, delays=PACE.request_delays)
"""A deadline ends it, not a number of attempts."""


@app.function(on=[ReleaseReleased, ReleasePrereleased])
async def post_checksums(event: ReleaseReleased | ReleasePrereleased, step: AsyncStep) -> dict[str, str]:
    """Post the checksum of every asset; or, past the deadline, that there are none yet."""
    repo, tag = event.repo, event.release.tag_name
    assets = await step.run("list assets", web.list_assets, repo, tag, key=key(step, "list assets"))
    few = asyncio.Semaphore(AT_ONCE)

    async def checksum(asset: str) -> str:
        async with few:
            fetching = step.options(retry=UNTIRING)
            return await fetching.run("checksum", web.checksum, repo, tag, asset, key=key(step, f"{asset}/checksum"))

    try:
        async with asyncio.timeout(PACE.checksum_deadline.total_seconds()):  # it outlives the worker, as the downloads do
            tasks = [asyncio.create_task(checksum(asset), name=asset) for asset in assets]
            sums = dict(zip(assets, await asyncio.gather(*tasks), strict=True))
            text = "\n".join(f"{digest}  {asset}" for asset, digest in sums.items())
    except TimeoutError:
        sums, text = {}, f"{tag} cannot be downloaded: no checksums yet"

    await step.run("post", api.publish, Post(channel="downloads", text=text, key=key(step, "post")))  # a def: runs in a thread
    return sums
