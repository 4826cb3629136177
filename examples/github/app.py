"""The app as ``milepost dev examples.github.app:app`` finds it: importing it registers every event and function."""

from examples.github import catalogue, checks, checksums, deployments, issues, merges, pull_requests, pushes, releases, stars
from examples.github.events import app

__all__ = ["app", "catalogue", "checks", "checksums", "deployments", "issues", "merges", "pull_requests", "pushes", "releases", "stars"]
