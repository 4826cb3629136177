"""The corpus: the documentation of AWS services that botocore ships, megabytes of it, read where pip has put it."""

import html
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from botocore.loaders import Loader

from milepost import NonRetriableError

SHELF: Final = ("s3", "dynamodb", "lambda", "iam", "sqs", "events", "scheduler")
"""The manuals of the services that milepost itself stands on."""
CHUNK_CHARS: Final = 12_000
"""About 3,000 tokens: small enough for one answer to hold all that matters."""

_TAG: Final = re.compile(r"<[^>]+>")
_SPACE: Final = re.compile(r"\s+")


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a manual that the model reads at once."""

    name: str
    """``s3 12``."""
    text: str


def split(services: Sequence[str]) -> list[Chunk]:
    """All chunks of the manuals, in order. Raises NonRetriableError for a service that botocore does not know."""
    loader = Loader()
    known = set(loader.list_available_services("service-2"))
    if unknown := [service for service in services if service not in known]:
        raise NonRetriableError(f"botocore has no manual of {', '.join(unknown)}: name services as boto3.client() does")
    return [
        Chunk(name=f"{service} {number}", text=text)
        for service in services
        for number, text in enumerate(_packed(_paragraphs(loader.load_service_model(service, "service-2"))), 1)
    ]


def _paragraphs(manual: Any) -> Iterator[str]:
    """What the manual says of the service, of each operation, and of each field."""
    yield _plain(manual.get("documentation", ""))
    for name, operation in manual["operations"].items():
        yield f"{name}: {_plain(operation.get('documentation', ''))}"
    for name, shape in manual["shapes"].items():
        for member, about in shape.get("members", {}).items():
            if "documentation" in about:
                yield f"{name}.{member}: {_plain(about['documentation'])}"


def _packed(paragraphs: Iterator[str]) -> Iterator[str]:
    """As many whole paragraphs as go into a chunk; one that is longer is a chunk by itself."""
    held: list[str] = []
    for paragraph in filter(None, paragraphs):
        if held and sum(map(len, held)) + len(paragraph) > CHUNK_CHARS:
            yield "\n".join(held)
            held = []
        held.append(paragraph)
    if held:
        yield "\n".join(held)


def _plain(text: str) -> str:
    return _SPACE.sub(" ", html.unescape(_TAG.sub(" ", text))).strip()
