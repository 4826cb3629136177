"""``python -m examples.ai_pipeline.review TOKEN approve|reject EDITOR``: the editor's answer, on whichever cloud the app runs."""

import sys
from collections.abc import Sequence

from examples.ai_pipeline.app import Decision, app
from milepost import MilepostError


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code."""
    if len(arguments) != 3 or arguments[1] not in ("approve", "reject"):
        print((__doc__ or "").partition(":")[0].strip("`"), file=sys.stderr)
        return 2
    token, answer, editor = arguments
    try:
        app.callback(token).succeed(Decision(approved=answer == "approve", editor=editor))
    except MilepostError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"thank you, {editor}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
