"""submit runs as a step: it is retried, always with the same token, and fails the run when it fails for good.

Covers: callback
"""

from datetime import timedelta

from milepost import App, Step
from milepost.testing import Sandbox

app = App("callback-submit")
tokens: list[str] = []


def send_mail(token: str) -> None:
    tokens.append(token)
    if len(tokens) < 3:
        raise ConnectionError("no mail server")


def broken(token: str) -> None:
    raise ValueError("no such address")


@app.function()
def ask(event: None, step: Step) -> str:
    answer: str = step.wait_for_callback("answer", send_mail, timeout=timedelta(days=1))
    return answer


@app.function(retries=0)
def ask_nobody(event: None, step: Step) -> None:
    step.wait_for_callback("answer", broken, timeout=timedelta(days=1))


def test_it_is_retried_with_its_token() -> None:
    with Sandbox(app) as box:
        run = box.invoke(ask, None)
        box.advance(timedelta(minutes=2))
        assert len(tokens) == 3
        assert len(set(tokens)) == 1
        app.callback(tokens[0]).succeed("yes")
        box.run_until_idle()
        assert run.result == "yes"


def test_it_fails_the_run() -> None:
    with Sandbox(app) as box:
        run = box.invoke(ask_nobody, None)
        assert run.status == "failed"
        assert "no such address" in str(run.error)
