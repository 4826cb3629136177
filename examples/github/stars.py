"""Stars: each is noted as it comes, and every Monday at nine there is a digest; there is a button for it, too."""

from examples.github import api
from examples.github.api import Post, key
from examples.github.events import DigestRequested, StarCreated, StarDeleted, app
from milepost import Cron, CronTick, Step


@app.function(on=[StarCreated, StarDeleted])
def note_star(event: StarCreated | StarDeleted, step: Step) -> None:
    """Note a star, or that one was taken back."""
    given = 1 if isinstance(event, StarCreated) else -1
    step.run("note", api.note_star, event.repo, event.sender.login, given, key=key(step, "note"))


@app.function(on=[Cron("0 9 * * MON", tz="Europe/Paris"), DigestRequested])
def star_digest(event: CronTick | DigestRequested, step: Step) -> dict[str, int]:
    """Post how many stars each repository has; returns the numbers."""
    stars = step.run("count stars", api.count_stars, key=key(step, "count stars"))
    occasion = event.branch if isinstance(event, DigestRequested) else f"{event.scheduled_at:%d %B}"
    text = ", ".join(f"{repo} has {number}" for repo, number in sorted(stars.items())) or "no stars yet"
    step.run("post digest", api.publish, Post(channel="chat", text=f"{occasion}: {text}", key=key(step, "post digest")))
    return stars
