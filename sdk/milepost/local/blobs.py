"""Large values by content, in the state file. Owns the table ``blobs``; never deletes."""

import hashlib
from typing import Final

from milepost.local.store import Store

_PREFIX: Final = "sha256:"


class LocalBlobs:
    """`Blobs` of ports.py. Putting what is there already writes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, data: bytes) -> str:
        ref = _PREFIX + hashlib.sha256(data).hexdigest()
        if self._store.read(lambda conn: conn.execute("SELECT 1 FROM blobs WHERE ref = ?", (ref,)).fetchone()) is None:
            self._store.commit(lambda conn: conn.execute("INSERT INTO blobs (ref, data) VALUES (?, ?) ON CONFLICT DO NOTHING", (ref, data)))
        return ref

    def get(self, ref: str) -> bytes:
        row = self._store.read(lambda conn: conn.execute("SELECT data FROM blobs WHERE ref = ?", (ref,)).fetchone())
        if row is None:
            raise KeyError(ref)
        data: bytes = row[0]
        return data
