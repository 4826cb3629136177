"""Release announcements: one post per channel, an event when all are out, and mirrors that follow the event."""

from typing import Final

from examples.github import api
from examples.github.api import Post, key
from examples.github.events import ReleaseAnnounced, ReleasePublished, app
from examples.github.pace import PACE
from milepost import Step, Trigger

CHANNELS: Final = ("blog", "chat", "feed", "mail")
MIRRORS: Final = ("amsterdam", "osaka", "quito")


@app.function(on=Trigger(ReleasePublished, where={"release.draft": [False]}))
def announce_release(event: ReleasePublished, step: Step) -> tuple[str, ...]:
    """Tell all channels; returns where the posts are."""
    tag = event.release.tag_name
    notes = step.run("write notes", api.write_notes, event.repo, tag, key=key(step, "write notes"))
    posts = [Post(channel=channel, text=notes, key=key(step, f"post/{index}")) for index, channel in enumerate(CHANNELS)]
    links = tuple(step.map("post", api.publish, posts))  # each post is recorded as it goes out: none goes out twice
    step.send_event("announced", ReleaseAnnounced(repo=event.repo, tag=tag, posts=links))
    return links


@app.function(on=ReleaseAnnounced)
def mirror_release(event: ReleaseAnnounced, step: Step) -> list[bool]:
    """Bring the release to every mirror, and look whether it is there."""

    def mirror_to(step: Step, mirror: str) -> bool:
        upload, verify = f"upload to {mirror}", f"verify {mirror}"
        step.run(upload, api.upload, event.repo, event.tag, mirror, key=key(step, upload))
        step.sleep("settle", PACE.mirror_settles)
        return step.run(verify, api.verify, event.repo, event.tag, mirror, key=key(step, verify))

    return step.each("mirror", mirror_to, MIRRORS)
