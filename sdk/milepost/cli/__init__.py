"""The command line, `milepost`. What each command does is in a module of its own, loaded when it is called."""

from milepost.cli.main import cli, main

__all__ = ["cli", "main"]
