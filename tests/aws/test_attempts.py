"""Asking again: what for, how often, how long. Time and chance are the test's."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from milepost.aws.attempts import Attempts, Patience
from milepost.aws.failures import Asked, AwsError

ASKED = Asked(action="dynamodb:PutItem", resource="table 'shop'", region="eu-west-1")
URL = "https://dynamodb.eu-west-1.amazonaws.com"


def refusal(code: str, status: int = 400, message: str = "") -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutItem")


@dataclass
class Time:
    """Passes when somebody sleeps, and while AWS is asked."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list[float])
    asked_at: list[float] = field(default_factory=list[float])
    takes: float = 0.0
    """A request, in seconds."""

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def ask(self, *errors: Exception) -> Callable[[], str]:
        """Fails with each of the errors in turn, then answers."""
        left = list(errors)

        def asking() -> str:
            self.asked_at.append(self.now)
            self.now += self.takes
            if left:
                raise left.pop(0)
            return "done"

        return asking

    def attempts(self, patience: Patience | None = None, chance: float = 1.0) -> Attempts:
        return Attempts(patience or Patience(), monotonic=lambda: self.now, sleep=self.sleep, chance=lambda: chance)


PASSING: list[BotoCoreError | ClientError] = [
    refusal("ProvisionedThroughputExceededException"),
    refusal("ThrottlingException"),
    refusal("RequestThrottled"),
    refusal("SlowDown", 503),
    refusal("TransactionConflictException"),
    refusal("InternalServerError", 500),
    refusal("SomethingNew", 503),
    refusal("SomethingNew", 429),
    ConnectTimeoutError(endpoint_url=URL),
    EndpointConnectionError(endpoint_url=URL),
    ReadTimeoutError(endpoint_url=URL),
    ConnectionClosedError(endpoint_url=URL),
]
LASTING: list[BotoCoreError | ClientError] = [
    refusal("AccessDeniedException"),
    refusal("ResourceNotFoundException"),
    refusal("ConditionalCheckFailedException"),
    refusal("ValidationException"),
    refusal("ExpiredTokenException"),
    NoCredentialsError(),
]


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_what_passes_is_asked_again(error: Exception) -> None:
    time = Time()
    assert time.attempts().call(ASKED, time.ask(error, error)) == "done"
    assert len(time.asked_at) == 3


@pytest.mark.parametrize("error", LASTING, ids=str)
def test_what_lasts_is_not(error: Exception) -> None:
    time = Time()
    with pytest.raises(AwsError) as failed:
        time.attempts().call(ASKED, time.ask(error))
    assert failed.value.__cause__ is error
    assert time.slept == []


def test_an_error_of_ours_is_not_touched() -> None:
    time = Time()
    with pytest.raises(KeyError):
        time.attempts().call(ASKED, time.ask(KeyError("a bug")))
    assert time.slept == []


def test_pauses_double_up_to_the_longest() -> None:
    time = Time()
    patience = Patience(tries=7, first_pause_ms=100, longest_pause_ms=1_000, budget_ms=60_000)
    time.attempts(patience).call(ASKED, time.ask(*[refusal("ThrottlingException")] * 6))
    assert time.slept == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0])


@pytest.mark.parametrize("chance", [0.0, 0.25, 1.0])
def test_jitter_is_full(chance: float) -> None:
    time = Time()
    time.attempts(Patience(first_pause_ms=100), chance).call(ASKED, time.ask(refusal("ThrottlingException")))
    assert time.slept == [0.1 * chance]


def test_tries_end() -> None:
    time = Time()
    with pytest.raises(AwsError, match=r"\(tried 3 times\)") as failed:
        time.attempts(Patience(tries=3)).call(ASKED, time.ask(*[refusal("ThrottlingException")] * 10))
    assert len(time.asked_at) == 3
    assert failed.value.is_throttle
    assert not failed.value.is_ambiguous


def test_the_budget_ends_whatever_the_tries() -> None:
    time = Time(takes=5.0)
    with pytest.raises(AwsError):
        time.attempts(Patience(tries=100, budget_ms=12_000)).call(ASKED, time.ask(*[ReadTimeoutError(endpoint_url=URL)] * 100))
    assert time.asked_at[-1] <= 12


def test_that_an_earlier_try_may_have_been_done_is_not_forgotten() -> None:
    time = Time()
    with pytest.raises(AwsError) as failed:
        time.attempts().call(ASKED, time.ask(ReadTimeoutError(endpoint_url=URL), refusal("ConditionalCheckFailedException")))
    assert failed.value.code == "ConditionalCheckFailedException"
    assert failed.value.is_ambiguous


def test_what_must_not_be_done_twice_is_asked_again_only_when_it_was_not_done() -> None:
    time = Time()
    ask = time.ask(refusal("ThrottlingException"), EndpointConnectionError(endpoint_url=URL), ReadTimeoutError(endpoint_url=URL))
    with pytest.raises(AwsError) as failed:
        time.attempts().call(ASKED, ask, is_repeatable=False)
    assert failed.value.is_ambiguous
    assert len(time.asked_at) == 3


def test_by_itself_it_waits_for_real() -> None:
    """With the machine's own clock, and pauses too short to notice."""
    time = Time()
    quick = Attempts(Patience(first_pause_ms=1, longest_pause_ms=1))
    assert quick.call(ASKED, time.ask(*[refusal("ThrottlingException")] * 3)) == "done"
