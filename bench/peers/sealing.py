"""What every peer is given: where the rows are, and sealed values opened and sealed as the portal keeps them."""

from __future__ import annotations

import base64
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

DATABASE = os.environ["BENCH_DATABASE"]
NONCE = 12
PRAGMAS = {
    "journal_mode": "WAL",
    "synchronous": "FULL",
    "foreign_keys": "ON",
    "busy_timeout": "5000",
    "secure_delete": "ON",
    "cache_size": "-65536",
    "mmap_size": "268435456",
}
"""As the portal sets them, so that nobody writes with less care."""

_wrapping = {
    version: base64.b64decode(key)
    for version, key in json.loads(Path(os.environ["BENCH_KEYRING"]).read_text())["wrapping"].items()
}


@lru_cache(maxsize=4096)
def cipher(practice_id: str, client_id: str, version: str, wrapped: bytes) -> AESGCM:
    """What opens a client's values."""
    scope = f"data_keys|wrapped|{practice_id}|{client_id}".encode()
    return AESGCM(AESGCM(_wrapping[version]).decrypt(wrapped[:NONCE], wrapped[NONCE:], scope))


class Client:
    """One client's values, bound to table, column and row."""

    def __init__(self, practice_id: object, client_id: object, version: str, wrapped: bytes) -> None:
        self._cipher = cipher(str(practice_id), str(client_id), version, bytes(wrapped))
        self._owner = f"{practice_id}|{client_id}|v1"

    def open(self, place: str, row_id: object, sealed: bytes | None) -> str | None:
        """The plain text of `table|column` in a row."""
        if sealed is None:
            return None
        sealed = bytes(sealed)
        return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], self._bound(place, row_id)).decode()

    def seal(self, place: str, row_id: object, plain: str) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, plain.encode(), self._bound(place, row_id))

    def _bound(self, place: str, row_id: object) -> bytes:
        return f"{place}|{row_id}|{self._owner}".encode()


def merged(whole: dict[str, Any], patch: list[dict[str, Any]]) -> dict[str, Any]:
    """A response with the answers that changed put in place of the earlier ones."""
    changed = {answer["block"]: answer for answer in patch}
    return {**whole, "answers": [changed.get(answer["block"], answer) for answer in whole["answers"]]}


def version_in(tag: str) -> int:
    """The version an If-Match names."""
    return int(tag[1:].partition("-")[0])
