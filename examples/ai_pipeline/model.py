"""The language model: one call of Amazon Bedrock's Converse per chunk, and what each of its errors means for a step.

``AI_PIPELINE_MODEL`` is the switch: the id of a model, or of an inference profile, makes the calls real. Without it, nothing
leaves the process: a pretended Bedrock answers.
"""

import os
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any, Final, Protocol, cast

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import ClientError

from examples.ai_pipeline.manuals import Chunk
from examples.ai_pipeline.pretended import PretendedBedrock
from milepost import NonRetriableError, RetryAfterError

SWITCH: Final = "AI_PIPELINE_MODEL"
TASK: Final = (
    "You write glossaries. List the five terms that matter most in the text you are given, each with a meaning of one sentence. "
    'Answer with JSON alone: [{"term": "...", "meaning": "..."}]'
)
THROTTLED: Final = frozenset({"ThrottlingException", "ServiceUnavailableException", "ModelNotReadyException"})
BREATHER: Final = timedelta(seconds=20)
"""Quotas of Bedrock are per minute."""


class Entry(msgspec.Struct, frozen=True):
    """One line of a glossary."""

    term: str
    meaning: str


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What Bedrock bills."""

    input: int
    output: int


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the model made of one chunk."""

    entries: Sequence[Entry]
    tokens: Tokens


class Bedrock(Protocol):
    """What we call of boto3's client."""

    def converse(self, **request: Any) -> Any: ...


@cache
def bedrock() -> Bedrock:
    """One client per process. It does not retry: a step does, without keeping a worker busy meanwhile."""
    if SWITCH not in os.environ:
        offline: Bedrock = PretendedBedrock().client()
        return offline
    real: Bedrock = cast("Any", boto3).client("bedrock-runtime", config=Config(retries={"total_max_attempts": 1}, read_timeout=120))
    return real


def read(chunk: Chunk) -> Reading:
    """Have one chunk read. Raises RetryAfterError when the model has too much to do, and NonRetriableError when it never will
    read this chunk; what else goes wrong is tried again at the function's own pace.
    """
    try:
        answer = bedrock().converse(
            modelId=os.environ.get(SWITCH, "pretended"),
            system=[{"text": TASK}],
            messages=[{"role": "user", "content": [{"text": chunk.text}]}],
            inferenceConfig={"maxTokens": 1_000, "temperature": 0.0},
        )
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in THROTTLED:
            raise RetryAfterError(BREATHER, f"Bedrock answers {code}") from error
        if code == "ValidationException":
            raise NonRetriableError(f"Bedrock refuses this text: {error}") from error
        raise
    if answer["stopReason"] in ("guardrail_intervened", "content_filtered"):
        raise NonRetriableError(f"the model declined ({answer['stopReason']})")
    usage = answer["usage"]
    return Reading(
        entries=msgspec.json.decode(answer["output"]["message"]["content"][0]["text"], type=list[Entry]),
        tokens=Tokens(input=usage["inputTokens"], output=usage["outputTokens"]),
    )
