"""The worker as a process of its own: ``python -m examples.github.worker STATE_FILE``. SIGTERM and Ctrl-C stop it gracefully.

``milepost dev examples.github.app:app`` does the same and more; this is what the demo kills.
"""

import sys

from examples.github.app import app
from milepost.local import LocalCloud

READY = "ready"


def main(state_file: str) -> None:
    """Work until a signal comes."""
    with LocalCloud(app, state_file) as cloud:
        print(READY, flush=True)
        cloud.serve()


if __name__ == "__main__":
    main(sys.argv[1])
