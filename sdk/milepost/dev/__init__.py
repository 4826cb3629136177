"""The development runner: the local cloud in a terminal, begun anew when the code changes."""

from milepost.dev.loading import AppNotLoaded, load_app

__all__ = ["AppNotLoaded", "load_app"]
