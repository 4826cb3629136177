"""A Bedrock that answers in this process: botocore asks its hooks before it signs a request, and sends none that is answered.

It has a quota and a guardrail as the real one: a share of the calls is throttled at first, and some texts are declined.
Nothing in it is random: the same texts have the same answers.
"""

import re
import threading
from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final, cast

import boto3
import msgspec
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

_EVENT: Final = "before-call.bedrock-runtime.Converse"
_TERM: Final = re.compile(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b")
_SENTENCE: Final = re.compile(r"(?<=\.)\s+|(?<=\w):\s+")
_SHORTEST: Final = 40
"""Characters: what is shorter says nothing of a term."""
_TERMS: Final = 5
_CHARS_PER_TOKEN: Final = 4


def by_hash(share: int) -> Callable[[str], bool]:
    """Says yes to about one in so many texts."""
    return lambda text: int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big") % share == 0


class PretendedBedrock:
    """Answers Converse.

    ``throttles``: texts of which the first call is throttled; one in six. ``declines``: texts at which the guardrail intervenes;
    one in sixty.
    """

    def __init__(self, *, throttles: Callable[[str], bool] | None = None, declines: Callable[[str], bool] | None = None) -> None:
        self._throttles = throttles or by_hash(6)
        self._declines = declines or by_hash(60)
        self._lock = threading.Lock()
        self.calls: Counter[str] = Counter()
        """How often each text was sent."""

    def client(self) -> Any:
        """A client of boto3's whose calls are answered here. Nobody asks for its credentials."""
        keys = {"aws_access_key_id": "pretended", "aws_secret_access_key": "pretended"}
        client = cast("Any", boto3).client("bedrock-runtime", region_name="us-east-1", **keys)
        client.meta.events.register(_EVENT, self._converse)
        return client

    def _converse(self, params: Any, **_context: object) -> tuple[AWSResponse, dict[str, Any]]:
        request = msgspec.json.decode(params["body"])
        text: str = request["messages"][0]["content"][0]["text"]
        with self._lock:
            self.calls[text] += 1
            is_first = self.calls[text] == 1
        if is_first and self._throttles(text):
            message = "Too many tokens, please wait before trying again."
            return _answered(429, {"Error": {"Code": "ThrottlingException", "Message": message}})
        if self._declines(text):
            return _answered(200, _said("Sorry, the model cannot answer this.", "guardrail_intervened", text))
        return _answered(200, _said(_entries(text), "end_turn", text))


def _answered(status: int, parsed: dict[str, Any]) -> tuple[AWSResponse, dict[str, Any]]:
    """As botocore would have parsed it."""
    return AWSResponse("https://bedrock-runtime/", status, HTTPHeaders(), None), {**parsed, "ResponseMetadata": {"HTTPStatusCode": status}}


def _said(text: str, stop: str, prompt: str) -> dict[str, Any]:
    read, written = len(prompt) // _CHARS_PER_TOKEN, len(text) // _CHARS_PER_TOKEN
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
        "stopReason": stop,
        "usage": {"inputTokens": read, "outputTokens": written, "totalTokens": read + written},
        "metrics": {"latencyMs": 1_500},
    }


def _entries(text: str) -> str:
    """The names that the text uses most, each with the first sentence that says something of it."""
    terms = [term for term, _ in Counter(_TERM.findall(text)).most_common(_TERMS)]
    sentences = [sentence for sentence in _SENTENCE.split(text) if len(sentence) >= _SHORTEST]
    found = {term: next((sentence for sentence in sentences if term in sentence), term) for term in terms}
    return msgspec.json.encode([{"term": term, "meaning": meaning[:160]} for term, meaning in found.items()]).decode()
