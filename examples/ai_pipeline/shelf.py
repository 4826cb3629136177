"""Where glossaries and drafts are put: a bucket when ``AI_PIPELINE_SHELF`` is ``s3://BUCKET/PREFIX``, else a folder."""

import os
from pathlib import Path
from typing import Any, Final, cast

import boto3

VARIABLE: Final = "AI_PIPELINE_SHELF"
DEFAULT: Final = ".milepost/ai_pipeline"


def put(name: str, text: str) -> str:
    """Put it there, in the place of what has this name: doing it twice does no harm. Returns where it is."""
    place = os.environ.get(VARIABLE, DEFAULT).rstrip("/")
    if not place.startswith("s3://"):
        path = Path(place) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    key = f"{prefix}/{name}" if prefix else name
    _s3().put_object(Bucket=bucket, Key=key, Body=text.encode(), ContentType="text/markdown; charset=utf-8")
    return f"s3://{bucket}/{key}"


def _s3() -> Any:
    return cast("Any", boto3).client("s3")
