"""Keys and sealed values: AES-256-GCM under a data key per (practice, subject), wrapped by a keyring on disk.

A client has a data key of their own; staff share their practice's (subject = the practice's id). The keyring
stands beside the data directory, so that a copy of disk, database or backup alone is unreadable. It does not
protect against an intruder on the live host.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from sqlalchemy import String, bindparam, column, inspect, select, table
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from portal.core import clock
from portal.core.db.engines import db
from portal.core.db.statements import fetch, fetch_one
from portal.core.db.tables import AnySelect, Base, Id
from portal.core.db.transactions import NO_PRACTICE

NONCE = 12
SCRYPT = {"length": 32, "n": 2**17, "r": 8, "p": 1}


class KeyringError(SystemExit):
    """The keyring is missing, unreadable or not the one this database was written with."""


class Undecipherable(Exception):
    """A sealed value was altered, moved to another row, or belongs to another key."""


class DataKey(Base):
    """A data key, wrapped. Destroying the row makes everything sealed under it unreadable for good."""

    __tablename__ = "data_keys"

    practice_id: Mapped[str] = mapped_column(Id, primary_key=True)
    subject_id: Mapped[str] = mapped_column(Id, primary_key=True)
    keyring_version: Mapped[str] = mapped_column(String(16))
    wrapped: Mapped[bytes]
    created_at: Mapped[datetime]


class Keyring:
    """The secrets outside the database: wrapping keys by version, and one root for each derived use."""

    def __init__(self, path: Path, content: Mapping[str, Any]) -> None:
        self.path = path
        self.active: str = content["active"]
        self.wrapping = {version: base64.b64decode(key) for version, key in content["wrapping"].items()}
        self.roots = {use: base64.b64decode(key) for use, key in content["roots"].items()}
        self.exported_at: str | None = content.get("exported_at")

    @classmethod
    def fresh(cls, path: Path) -> Keyring:
        """Make a keyring that no other install has, readable by this user alone."""
        new = {
            "active": "k1",
            "wrapping": {"k1": _b64(secrets.token_bytes(32))},
            "roots": {use: _b64(secrets.token_bytes(32)) for use in ("index", "audit", "signing")},
        }
        keyring = cls(path, new)
        keyring.save()
        return keyring

    @classmethod
    def load(cls, path: Path) -> Keyring:
        if path.stat().st_mode & 0o077:
            msg = f"The keyring {path} is readable by others: chmod 600 it."
            raise KeyringError(msg)
        return cls(path, json.loads(path.read_text()))

    def content(self) -> dict[str, Any]:
        return {
            "active": self.active,
            "wrapping": {version: _b64(key) for version, key in self.wrapping.items()},
            "roots": {use: _b64(key) for use, key in self.roots.items()},
            "exported_at": self.exported_at,
        }

    def save(self) -> None:
        """Replace the file whole, so that a crash leaves the old or the new one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(f".{os.getpid()}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self.content(), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)

    def digest(self, use: str, message: bytes) -> bytes:
        """HMAC-SHA256 of `message` under the root of `use`: index, audit or signing."""
        return hmac.digest(self.roots[use], message, hashlib.sha256)


_current: list[Keyring] = []


def use_keyring(keyring: Keyring) -> None:
    """Make `keyring` the one of this process."""
    _current[:] = [keyring]
    _unwrapped.cache_clear()


def keyring() -> Keyring:
    if not _current:
        msg = "No keyring is loaded."
        raise KeyringError(msg)
    return _current[0]


def open_keyring(path: Path) -> Keyring:
    """Load the keyring, or make it on the first run of an empty database.

    Raises KeyringError where sealed rows exist and the keyring is missing or another one.
    """
    sealed = _any_data_key()
    if path.exists():
        ring = Keyring.load(path)
    elif sealed is not None:
        msg = f"The database holds sealed rows, but {path} is missing: restore it with `python -m portal.recover`."
        raise KeyringError(msg)
    else:
        ring = Keyring.fresh(path)
    use_keyring(ring)
    if sealed is not None:
        try:
            _unwrap_row(sealed)
        except (Undecipherable, KeyError) as error:
            msg = f"The keyring {path} is not the one this database was written with."
            raise KeyringError(msg) from error
    return ring


def _any_data_key() -> dict[str, Any] | None:
    if not inspect(db.engine).has_table("data_keys"):
        return None
    practice = fetch_one(_any_practice, {}, practice=NO_PRACTICE)
    if practice is None:
        return None
    own = {"practice": practice["id"], "subjects": [practice["id"]]}
    return fetch_one(_keys_of_subjects, own, practice=practice["id"])


def _any_practice() -> AnySelect:
    return select(table("practices", column("id", Id()))).limit(1)


# Data keys and vaults ----------------------------------------------------------------------------------------


class Vault:
    """Seals and opens the values of one subject; every value is bound to its table, column and row."""

    __slots__ = ("_cipher", "_scope")

    def __init__(self, key: bytes, practice_id: str, subject_id: str) -> None:
        self._cipher = AESGCM(key)
        self._scope = f"{practice_id}|{subject_id}"

    def seal(self, column: Any, row_id: str, plain: bytes | str) -> bytes:
        nonce = os.urandom(NONCE)
        message = plain.encode() if isinstance(plain, str) else plain
        return nonce + self._cipher.encrypt(nonce, message, self._bound_to(column, row_id))

    def seal_optional(self, column: Any, row_id: str, plain: str | None) -> bytes | None:
        return None if plain is None else self.seal(column, row_id, plain)

    def open(self, column: Any, row_id: str, sealed: bytes) -> bytes:
        """Raise Undecipherable where the value was altered or does not belong to this column and row."""
        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], self._bound_to(column, row_id))
        except (InvalidTag, ValueError) as error:
            raise Undecipherable from error

    def open_text(self, column: Any, row_id: str, sealed: bytes | None) -> str | None:
        return None if sealed is None else self.open(column, row_id, sealed).decode()

    def _bound_to(self, column: Any, row_id: str) -> bytes:
        attribute = cast("InstrumentedAttribute[Any]", column)
        return f"{attribute.class_.__tablename__}|{attribute.key}|{row_id}|{self._scope}|v1".encode()


def create_vault(practice_id: str, subject_id: str) -> Vault:
    """Make and store the data key of a new subject; call inside a transaction."""
    ring, key = keyring(), secrets.token_bytes(32)
    nonce = os.urandom(NONCE)
    wrapped = nonce + AESGCM(ring.wrapping[ring.active]).encrypt(nonce, key, _wrapped_for(practice_id, subject_id))
    db.session.add(
        DataKey(
            practice_id=practice_id,
            subject_id=subject_id,
            keyring_version=ring.active,
            wrapped=wrapped,
            created_at=clock.now(),
        )
    )
    db.session.flush()
    return Vault(key, practice_id, subject_id)


def vault(practice_id: str, subject_id: str) -> Vault:
    """The vault of a subject. Raises Undecipherable where its key was destroyed."""
    found = vaults(practice_id, {subject_id}).get(subject_id)
    if found is None:
        raise Undecipherable
    return found


def vaults(practice_id: str, subject_ids: set[str]) -> dict[str, Vault]:
    """The vaults of several subjects of one practice, in one query; a destroyed key is left out."""
    rows = fetch(_keys_of_subjects, {"practice": practice_id, "subjects": sorted(subject_ids)}, practice=practice_id)
    return {row["subject_id"]: _unwrap_row(row) for row in rows}


def unwrap_vault(practice_id: str, subject_id: str, version: str, wrapped: bytes) -> Vault:
    """The vault behind a data key that a query already brought along."""
    return _unwrapped(practice_id, subject_id, version, bytes(wrapped))


def _keys_of_subjects() -> AnySelect:
    return select(*DataKey.__table__.columns).where(
        DataKey.practice_id == bindparam("practice"),
        DataKey.subject_id.in_(bindparam("subjects", expanding=True)),
    )


def _unwrap_row(row: Mapping[str, Any]) -> Vault:
    return unwrap_vault(row["practice_id"], row["subject_id"], row["keyring_version"], row["wrapped"])


@lru_cache(maxsize=4096)
def _unwrapped(practice_id: str, subject_id: str, version: str, wrapped: bytes) -> Vault:
    """Cached by the wrapped bytes: once a data key's row is gone there is nothing left to ask with."""
    cipher = AESGCM(keyring().wrapping[version])
    try:
        key = cipher.decrypt(wrapped[:NONCE], wrapped[NONCE:], _wrapped_for(practice_id, subject_id))
    except (InvalidTag, ValueError) as error:
        raise Undecipherable from error
    return Vault(key, practice_id, subject_id)


def _wrapped_for(practice_id: str, subject_id: str) -> bytes:
    return f"data_keys|wrapped|{practice_id}|{subject_id}".encode()


def blind_index(practice_id: str, mail_address: str) -> str:
    """What a mail address is looked up by: the same for the same address in one practice, and nowhere else."""
    normal = mail_address.strip().casefold()
    return keyring().digest("index", f"mail|{practice_id}|{normal}".encode()).hex()


# Recovery -----------------------------------------------------------------------------------------------------


def export_keyring(passphrase: str) -> str:
    """The keyring as text that only the passphrase opens (scrypt, AES-256-GCM); remembers that it was done."""
    ring = keyring()
    ring.exported_at = clock.now().isoformat()
    ring.save()
    salt, nonce = os.urandom(16), os.urandom(NONCE)
    key = Scrypt(salt=salt, **SCRYPT).derive(passphrase.encode())
    sealed = AESGCM(key).encrypt(nonce, json.dumps(ring.content()).encode(), b"portal-keyring-1")
    return json.dumps({"format": "portal-keyring-1", "salt": _b64(salt), "sealed": _b64(nonce + sealed)}, indent=2)


def import_keyring(recovery: str, passphrase: str, path: Path) -> None:
    """Write the keyring a recovery file holds. Raises Undecipherable for another passphrase or a damaged file."""
    parts = json.loads(recovery)
    salt, sealed = base64.b64decode(parts["salt"]), base64.b64decode(parts["sealed"])
    key = Scrypt(salt=salt, **SCRYPT).derive(passphrase.encode())
    try:
        content = AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], b"portal-keyring-1")
    except (InvalidTag, ValueError) as error:
        raise Undecipherable from error
    Keyring(path, json.loads(content)).save()


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
