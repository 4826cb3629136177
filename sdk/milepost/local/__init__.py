"""The local cloud: the ports on one SQLite file, and the worker that lives on it."""

from milepost.local.cloud import LocalCloud

__all__ = ["LocalCloud"]
