"""A cron that names no time, or no time zone, is refused where it is written.

Covers: function.cron, promise.bad-input
"""

import pytest

from milepost import (
    App,
    Cron,
    DefinitionError,
)

app = App("bad-cron")


@pytest.mark.parametrize(
    ("expression", "tz", "says"),
    [
        ("0 9 * *", "UTC", "five fields"),
        ("61 * * * *", "UTC", "minute"),
        ("0 0 31 2 *", "UTC", "day-of-month"),
        ("0 9 * * *", "Europe/Pariss", "no such time zone"),
    ],
)
def test_the_error_says_what_is_wrong(expression: str, tz: str, says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        Cron(expression, tz=tz)
