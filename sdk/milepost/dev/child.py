"""`python -m milepost.dev.child JSON`: the process in which a reloading `milepost dev` runs its worker.

What the user's code prints stays on stdout; under --json stdout is for JSON lines alone, and what is printed goes to stderr.
"""

import os
import sys

import msgspec

from milepost.dev.sayings import Screen
from milepost.dev.screen import JsonScreen, TextScreen, text_console
from milepost.dev.serving import Serving, serve


def screen_of(*, as_json: bool) -> Screen:
    """Stdout for people, or for programs: then nothing else may write there any more."""
    if not as_json:
        return TextScreen(text_console())
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return JsonScreen(lines)


def main() -> None:
    """Serve what the argument says."""
    what = msgspec.json.decode(sys.argv[1], type=Serving)
    sys.exit(serve(what, screen_of(as_json=what.as_json)))


if __name__ == "__main__":
    main()
