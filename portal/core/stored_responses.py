"""Responses stored for a day, so that a repeated request gets the same response and is not carried out again.

Claiming the key, carrying out the request and storing its response are one transaction: whoever repeats the request
meanwhile waits for it and gets its response, and a process that is killed leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import String, UniqueConstraint, delete, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.dml import ReturningInsert

from portal.core import clock
from portal.core.crypto import keyring, vault
from portal.core.db.engines import db, is_postgresql
from portal.core.db.tables import Base, Id, PracticeRow
from portal.core.db.transactions import EVERY_PRACTICE, transactional
from portal.core.errors import Conflict, Fault, Invalid
from portal.core.ids import new_id
from portal.core.viewer import Viewer

LIFETIME = timedelta(hours=24)
LOCK_TIMEOUT = "10s"
LOCK_NOT_AVAILABLE = "55P03"
IN_PROGRESS = "A request with this Idempotency-Key is still in progress. Send it again in a moment."
KEY_REUSED = "This Idempotency-Key was used for a different request. Use a new key for each new request."


class StoredResponse(PracticeRow, Base):
    """The sealed response to a request with a key; `key` and `request_digest` are HMACs of what was sent."""

    __tablename__ = "stored_responses"
    __table_args__ = (UniqueConstraint("practice_id", "key"),)

    key: Mapped[str] = mapped_column(String(64))
    subject_id: Mapped[str] = mapped_column(Id)
    request_digest: Mapped[str] = mapped_column(String(64))
    response: Mapped[bytes | None]
    created_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class CapturedResponse:
    """A successful response: its status, the headers that are stored, its body."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request that is carried out once per key: its method, path, Idempotency-Key and body."""

    method: str
    path: str
    key: str
    body: bytes


@transactional
def respond_once(
    viewer: Viewer, request: KeyedRequest, work: Callable[[], CapturedResponse]
) -> tuple[CapturedResponse, bool]:
    """Return the response to `request`, and whether it is a replay; `work` runs only where it is not.

    Raises Invalid where the key was used for another body, Conflict where the first request takes too long.
    """
    key = _digest("key", viewer.id or "", request.method, request.path, request.key)
    request_digest = _digest("request", request.body.decode("latin-1"))
    row_id = new_id()
    if not _claim(viewer, row_id, key, request_digest):
        return _stored(viewer, key, request_digest), True
    response = work()
    sealed = vault(viewer.practice_id, _key_subject(viewer)).seal(
        StoredResponse.response, row_id, orjson.dumps([response.status, response.headers, response.body.decode()])
    )
    db.session.get_one(StoredResponse, (viewer.practice_id, row_id)).response = sealed
    return response, False


def _digest(*parts: str) -> str:
    return keyring().digest("index", orjson.dumps(["idempotency", *parts])).hex()


def _key_subject(viewer: Viewer) -> str:
    """Whose data key seals a response: a client's own, so that it is destroyed with theirs, else the practice's."""
    return (viewer.id or "") if viewer.is_client else viewer.practice_id


def _claim(viewer: Viewer, row_id: str, key: str, request_digest: str) -> bool:
    """Insert the row of this request; False where another request has claimed the key.

    On PostgreSQL this waits for a request that has claimed the key and has not committed yet.
    """
    now = clock.now()
    db.session.execute(
        delete(StoredResponse).where(
            StoredResponse.practice_id == viewer.practice_id,
            StoredResponse.key == key,
            StoredResponse.created_at < now - LIFETIME,
        )
    )
    insert = postgresql.insert if is_postgresql() else sqlite.insert
    claim = (
        insert(StoredResponse)
        .values(
            practice_id=viewer.practice_id,
            id=row_id,
            key=key,
            subject_id=_key_subject(viewer),
            request_digest=request_digest,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["practice_id", "key"])
        .returning(StoredResponse.id)
    )
    if not is_postgresql():
        return db.session.execute(claim).first() is not None
    return _execute_within_lock_timeout(claim)


def _execute_within_lock_timeout(claim: ReturningInsert[str]) -> bool:
    db.session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    try:
        claimed = db.session.execute(claim).first() is not None
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise Conflict(IN_PROGRESS, state="in_progress", allowed=[]) from error
        raise
    db.session.execute(text("SET LOCAL lock_timeout = 0"))
    return claimed


def _stored(viewer: Viewer, key: str, request_digest: str) -> CapturedResponse:
    row = db.session.scalars(
        select(StoredResponse).where(StoredResponse.practice_id == viewer.practice_id, StoredResponse.key == key)
    ).one()
    if row.request_digest != request_digest:
        raise Invalid(Fault("key_reused", KEY_REUSED).at("#"))
    opened = vault(row.practice_id, row.subject_id).open(StoredResponse.response, row.id, row.response or b"")
    status, headers, body = orjson.loads(opened)
    return CapturedResponse(status, headers, body.encode())


@transactional(practice=EVERY_PRACTICE)
def delete_expired() -> None:
    """Delete the responses that are older than a day."""
    db.session.execute(delete(StoredResponse).where(StoredResponse.created_at < clock.now() - LIFETIME))
