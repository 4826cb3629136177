"""S3Blobs: one object per content, written once, checked when it is read."""

import hashlib
from collections.abc import Iterator

import pytest

from milepost.aws.blobs import DamagedBlob, S3Blobs
from milepost.aws.failures import AwsError
from tests.aws.deployed import Deployed, answered, deployed


@pytest.fixture
def stage() -> Iterator[Deployed]:
    with deployed() as opened:
        yield opened


@pytest.fixture
def blobs(stage: Deployed) -> S3Blobs:
    return S3Blobs(stage.clients, stage.names)


def test_the_key_is_the_content(stage: Deployed, blobs: S3Blobs) -> None:
    digest = hashlib.sha256(b"value").hexdigest()
    assert blobs.put(b"value") == f"sha256:{digest}"
    [request] = stage.requests("PutObject")
    assert (request["Key"], request["IfNoneMatch"]) == (f"blobs/{digest}", "*")


def test_what_is_there_is_not_written_again(stage: Deployed, blobs: S3Blobs) -> None:
    assert blobs.put(b"value") == blobs.put(b"value")
    versions = stage.clients.s3.list_object_versions(Bucket=stage.names.bucket)["Versions"]
    assert len(versions) == 1
    assert [operation for operation, _ in stage.asked][:2] == ["PutObject", "PutObject"]


def test_other_bytes_than_were_written_are_an_error(stage: Deployed, blobs: S3Blobs) -> None:
    ref = blobs.put(b"value")
    stage.clients.s3.put_object(Bucket=stage.names.bucket, Key=f"blobs/{ref[7:]}", Body=b"other")
    with pytest.raises(DamagedBlob, match=rf"shop-sandbox-values/blobs/{ref[7:]} holds 5 bytes that are not those which were written"):
        blobs.get(ref)


def test_more_than_32_mib_are_refused(stage: Deployed, blobs: S3Blobs) -> None:
    with pytest.raises(ValueError, match="a value of 33,554,433 bytes: 33,554,432 are the most"):
        blobs.put(bytes(32 * 1024 * 1024 + 1))
    assert stage.asked == []


def error(code: str, message: str) -> str:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"


def test_a_connection_that_breaks_while_a_value_is_read_is_asked_again(stage: Deployed, blobs: S3Blobs) -> None:
    ref = blobs.put(b"value")
    short = answered(b"val", headers={"Content-Type": "binary/octet-stream", "Content-Length": "5"})
    stage.answers(stage.clients.s3, "GetObject", short)
    assert blobs.get(ref) == b"value"
    assert len(stage.pauses) == 1


def test_slow_down_is_waited_for(stage: Deployed, blobs: S3Blobs) -> None:
    slow = answered(error("SlowDown", "Please reduce your request rate."), 503, {"Content-Type": "application/xml"})
    stage.answers(stage.clients.s3, "PutObject", slow, slow)
    ref = blobs.put(b"value")
    assert len(stage.pauses) == 2
    assert blobs.get(ref) == b"value"


def test_a_permission_that_is_missing_is_named(stage: Deployed, blobs: S3Blobs) -> None:
    said = "User: arn:aws:sts::1:assumed-role/worker/f is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::b/k"
    stage.answers(stage.clients.s3, "PutObject", answered(error("AccessDenied", said), 403))
    with pytest.raises(AwsError, match=r"s3:PutObject on bucket 'shop-sandbox-values' .*is not allowed for arn:aws:sts::1:assumed-role"):
        blobs.put(b"value")


def test_a_bucket_that_is_not_there_is_named(stage: Deployed, blobs: S3Blobs) -> None:
    ref = blobs.put(b"value")
    stage.clients.s3.delete_object(Bucket=stage.names.bucket, Key=f"blobs/{ref[7:]}")
    stage.clients.s3.delete_bucket(Bucket=stage.names.bucket)
    with pytest.raises(AwsError, match="there is no bucket 'shop-sandbox-values' in eu-west-1"):
        blobs.get(ref)
