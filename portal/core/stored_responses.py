"""Replies kept for a day, so that a request that is sent again is answered again and not done again.

The claim of a key, what the request does and its reply are one transaction: whoever repeats the request meanwhile
waits for it and gets its reply, and what is cut off leaves no trace.
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

from portal.core import clock
from portal.core.crypto import keyring, vault
from portal.core.db.engines import db, is_postgresql
from portal.core.db.tables import Base, Id, PracticeRow
from portal.core.db.transactions import EVERY_PRACTICE, transactional
from portal.core.errors import Conflict, Fault, Invalid
from portal.core.ids import new_id
from portal.core.viewer import Viewer

LIFETIME = timedelta(hours=24)
LONGEST_WAIT = "10s"
LOCK_NOT_AVAILABLE = "55P03"
BUSY = "A request with this Idempotency-Key is still being worked on. Send it again in a moment."
ANOTHER = "This Idempotency-Key was used for another request. Use a new one for each thing to do."


class StoredResponse(PracticeRow, Base):
    """What a request with a key was answered: sealed, under the HMAC of who asked what with which key."""

    __tablename__ = "kept_replies"
    __table_args__ = (UniqueConstraint("practice_id", "key"),)

    key: Mapped[str] = mapped_column(String(64))
    subject_id: Mapped[str] = mapped_column(Id)
    request: Mapped[str] = mapped_column(String(64))
    reply: Mapped[bytes | None]
    created_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class CapturedResponse:
    """A successful answer: its status, the headers worth keeping, its body."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request that must not be done twice: where it went, its key, and what it asked for."""

    method: str
    path: str
    key: str
    body: bytes


@transactional
def respond_once(
    viewer: Viewer, request: KeyedRequest, work: Callable[[], CapturedResponse]
) -> tuple[CapturedResponse, bool]:
    """Do `work` unless it was done; its reply, and whether that was given before.

    Raises Invalid where the key was used for another body, Conflict where the first request takes too long.
    """
    key = _digest("key", viewer.id or "", request.method, request.path, request.key)
    asked = _digest("request", request.body.decode("latin-1"))
    row_id = new_id()
    if not _claim(viewer, row_id, key, asked):
        return _given(viewer, key, asked), True
    reply = work()
    sealed = vault(viewer.practice_id, _subject(viewer)).seal(
        StoredResponse.reply, row_id, orjson.dumps([reply.status, reply.headers, reply.body.decode()])
    )
    db.session.get_one(StoredResponse, (viewer.practice_id, row_id)).reply = sealed
    return reply, False


def _digest(*parts: str) -> str:
    return keyring().digest("index", orjson.dumps(["idempotency", *parts])).hex()


def _subject(viewer: Viewer) -> str:
    """Whose data key seals what the viewer was answered: a client's own dies with it."""
    return (viewer.id or "") if viewer.is_client else viewer.practice_id


def _claim(viewer: Viewer, row_id: str, key: str, asked: str) -> bool:
    """Whether the key is this request's; on PostgreSQL waits for whoever has claimed it and not committed yet."""
    now, subject_id = clock.now(), _subject(viewer)
    db.session.execute(
        delete(StoredResponse).where(
            StoredResponse.practice_id == viewer.practice_id,
            StoredResponse.key == key,
            StoredResponse.created_at < now - LIFETIME,
        )
    )
    insert = postgresql.insert if is_postgresql() else sqlite.insert
    claimed = (
        insert(StoredResponse)
        .values(
            practice_id=viewer.practice_id,
            id=row_id,
            key=key,
            subject_id=subject_id,
            request=asked,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["practice_id", "key"])
        .returning(StoredResponse.id)
    )
    if not is_postgresql():
        return db.session.execute(claimed).first() is not None
    db.session.execute(text(f"SET LOCAL lock_timeout = '{LONGEST_WAIT}'"))
    try:
        mine = db.session.execute(claimed).first() is not None
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise Conflict(BUSY, state="in_progress", allowed=[]) from error
        raise
    db.session.execute(text("SET LOCAL lock_timeout = 0"))
    return mine


def _given(viewer: Viewer, key: str, asked: str) -> CapturedResponse:
    row = db.session.scalars(
        select(StoredResponse).where(StoredResponse.practice_id == viewer.practice_id, StoredResponse.key == key)
    ).one()
    if row.request != asked:
        raise Invalid(Fault("invalid", ANOTHER).at("#"))
    opened = vault(row.practice_id, row.subject_id).open(StoredResponse.reply, row.id, row.reply or b"")
    status, headers, body = orjson.loads(opened)
    return CapturedResponse(status, headers, body.encode())


@transactional(practice=EVERY_PRACTICE)
def delete_expired() -> None:
    """Drop what is older than a day."""
    db.session.execute(delete(StoredResponse).where(StoredResponse.created_at < clock.now() - LIFETIME))
