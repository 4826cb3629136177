"""Values of any size up to 32 MB come back; a larger one fails its step at once, and says what to do instead.

Covers: values.types, values.unstorable
"""

import hashlib
from datetime import timedelta

from milepost import App, Step
from milepost.testing import Sandbox

app = App("values-large")


def noise(size: int) -> str:
    blocks = (hashlib.blake2b(str(number).encode()).hexdigest() for number in range(size // 128 + 1))
    return "".join(blocks)[:size]


def zeros(size: int) -> str:
    return "0" * size


@app.function()
def keep(event: int, step: Step) -> str:
    text = step.run("noise", noise, event)
    step.sleep("an hour", timedelta(hours=1))
    return text


@app.function()
def keep_too_much(event: int, step: Step) -> str:
    return step.run("zeros", zeros, event)


def test_small_squeezed_and_set_aside() -> None:
    with Sandbox(app) as box:
        for size in (1_000, 50_000, 1_000_000):
            run = box.invoke(keep, size)
            box.advance(timedelta(hours=1))
            assert run.result == noise(size)
        run = box.invoke(keep_too_much, 33 * 1024 * 1024)
        assert run.status == "failed"
        assert "the result of step 'zeros' is 34.6 MB of JSON, at most 32 MB can be kept" in str(run.error)
