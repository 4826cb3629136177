"""Large values by content, in S3. Owns the keys under `blobs/`; never deletes.

A reference is the SHA-256 of the bytes, so a value is stored once, a put may be repeated by anybody, and what comes back is checked.
"""

import hashlib
import re
from functools import partial
from typing import Any, Final

from milepost.aws.clients import Clients
from milepost.aws.failures import Asked, AwsError
from milepost.contract import Names
from milepost.errors import CloudError

PREFIX: Final = "blobs/"
MOST_BYTES: Final = 32 * 1024 * 1024
"""As for the values that the engine packs (engine/values.py)."""

_REF: Final = re.compile(r"sha256:([0-9a-f]{64})")


class DamagedBlob(CloudError, KeyError):
    """S3 holds other bytes than were written under this key: what was written is gone."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError's is a repr


class S3Blobs:
    """`Blobs` of ports.py. One request per put and per get."""

    def __init__(self, clients: Clients, names: Names) -> None:
        self._clients = clients
        self._bucket = names.bucket

    def put(self, data: bytes) -> str:
        """Keep the bytes; writes nothing where they are already. Raises ValueError over 32 MiB, AwsError."""
        if len(data) > MOST_BYTES:
            raise ValueError(f"a value of {len(data):,} bytes: {MOST_BYTES:,} are the most that is kept in S3")
        digest = hashlib.sha256(data).hexdigest()
        put = partial(self._clients.s3.put_object, Bucket=self._bucket, Key=PREFIX + digest, Body=data, IfNoneMatch="*")
        try:
            self._clients.attempts.call(self._asked("s3:PutObject"), put)
        except AwsError as error:
            if error.code not in ("PreconditionFailed", "412"):
                raise
        return f"sha256:{digest}"

    def get(self, ref: str) -> bytes:
        """The bytes. Raises KeyError for an unknown reference, DamagedBlob when they are not those that were put, AwsError."""
        found = _REF.fullmatch(ref)
        if found is None:
            raise KeyError(ref)
        digest = found[1]
        try:
            data = self._clients.attempts.call(self._asked("s3:GetObject"), partial(self._read, PREFIX + digest))
        except AwsError as error:
            if error.code == "NoSuchKey":
                raise KeyError(ref) from error
            raise
        if hashlib.sha256(data).hexdigest() != digest:
            raise DamagedBlob(
                f"{self._bucket}/{PREFIX}{digest} holds {len(data):,} bytes that are not those which were written: somebody or something "
                "has changed the object: restore it from a version or a backup, or cancel the run that needs it"
            )
        return data

    def _read(self, key: str) -> bytes:
        """The whole body within the try: a connection that breaks while it is read is asked again."""
        answer: dict[str, Any] = self._clients.s3.get_object(Bucket=self._bucket, Key=key)
        body: bytes = answer["Body"].read()
        return body

    def _asked(self, action: str) -> Asked:
        return Asked(action=action, resource=f"bucket '{self._bucket}'", region=self._clients.region)
