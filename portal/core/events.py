"""Facts: what happened, recorded in the transaction that makes it true, and put in order afterwards by the sealer.

Commit order is not id order (two writers can commit 2 before 1), so a fact gets its place in the practice's
sequence, and its link in the audit chain, only once it is committed. Every listener reads sealed facts only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import orjson
from sqlalchemy import BigInteger, Index, String, bindparam, func, insert, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.crypto import keyring
from portal.core.db import (
    EVERY_PRACTICE,
    AnySelect,
    Base,
    Id,
    PracticeRow,
    db,
    enter_practice,
    is_postgresql,
    transactional,
)
from portal.core.ids import new_id
from portal.core.statements import fetch_one, run
from portal.core.viewer import Viewer

SEALER_LOCK = 7_214_001
BATCH = 500


class Subject(Protocol):
    @property
    def id(self) -> Any: ...


Reaction = Callable[[Viewer, Any], None]


@dataclass(frozen=True, slots=True)
class Fact:
    """A kind of fact, declared once in its domain's `events.py`; `name` is `<subject>.<past participle>`."""

    name: str
    reactions: list[Reaction] = field(default_factory=list, compare=False, hash=False)

    def also(self, reaction: Reaction) -> Reaction:
        """Let a domain above act in the same transaction whenever this fact is recorded."""
        self.reactions.append(reaction)
        return reaction


class Event(PracticeRow, Base):
    """A recorded fact: ids, counts and times, never content. It outlives the rows it speaks of."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_position", "practice_id", "position", unique=True),
        Index(
            "ix_events_unsealed", "id", sqlite_where=text("position IS NULL"), postgresql_where=text("position IS NULL")
        ),
        Index("ix_events_client", "practice_id", "client_id", "fact", "position"),
    )

    fact: Mapped[str] = mapped_column(String(64))
    occurred_at: Mapped[datetime]
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str | None] = mapped_column(Id)
    subject_id: Mapped[str] = mapped_column(Id)
    client_id: Mapped[str | None] = mapped_column(Id)
    care_id: Mapped[str | None] = mapped_column(Id)
    details: Mapped[str]
    position: Mapped[int | None] = mapped_column(BigInteger)
    link: Mapped[bytes | None]


def record(
    viewer: Viewer,
    fact: Fact,
    subject: Subject,
    *,
    client_id: str | None = None,
    care_id: str | None = None,
    **details: Any,
) -> None:
    """Write down that `fact` is now true of `subject`, in the open transaction.

    `client_id` is the client it concerns (the subject's own unless said; what a client does concerns them), `care_id`
    the care link it belongs to, where it does; `details` are ids, numbers and words of a closed vocabulary.
    """
    acting_client = viewer.id if viewer.is_client else None
    run(
        "events.record",
        lambda: insert(Event).values({name: bindparam(name) for name in _RECORDED}),
        {
            "practice_id": viewer.practice_id,
            "id": new_id(),
            "fact": fact.name,
            "occurred_at": clock.now(),
            "actor_kind": viewer.kind,
            "actor_id": viewer.id,
            "subject_id": subject.id,
            "client_id": client_id or getattr(subject, "client_id", None) or acting_client,
            "care_id": care_id or getattr(subject, "care_id", None),
            "details": orjson.dumps(details, option=orjson.OPT_SORT_KEYS).decode(),
        },
    )
    for reaction in fact.reactions:
        reaction(viewer, subject)


_RECORDED = (
    "practice_id",
    "id",
    "fact",
    "occurred_at",
    "actor_kind",
    "actor_id",
    "subject_id",
    "client_id",
    "care_id",
    "details",
)


def seal(limit: int = BATCH) -> int:
    """Give committed facts their position and link, oldest first; returns how many. One sealer at a time."""
    if fetch_one("events.unsealed", _unsealed, {"practice": EVERY_PRACTICE}) is None:
        return 0
    return _seal(limit)


def _unsealed() -> AnySelect:
    return select(Event.id).where(Event.position.is_(None)).limit(1)


@transactional
def _seal(limit: int) -> int:
    enter_practice(EVERY_PRACTICE)
    if is_postgresql():
        db.session.execute(select(func.pg_advisory_xact_lock(SEALER_LOCK)))
    waiting = db.session.execute(
        select(Event).where(Event.position.is_(None)).order_by(Event.id).limit(limit)
    ).scalars()
    heads: dict[str, tuple[int, bytes]] = {}
    sealed = 0
    for event in waiting.all():
        position, link = heads.get(event.practice_id) or _head(event.practice_id)
        position, link = position + 1, link_of(link, event, position + 1)
        heads[event.practice_id] = (position, link)
        db.session.execute(
            update(Event)
            .where(Event.practice_id == event.practice_id, Event.id == event.id)
            .values(position=position, link=link)
            .execution_options(synchronize_session=False)
        )
        sealed += 1
    return sealed


def _head(practice_id: str) -> tuple[int, bytes]:
    last = db.session.execute(
        select(Event.position, Event.link)
        .where(Event.practice_id == practice_id, Event.position.is_not(None))
        .order_by(Event.position.desc())
        .limit(1)
    ).first()
    return (0, b"") if last is None else (last[0] or 0, last[1] or b"")


def link_of(previous: bytes, event: Any, position: int) -> bytes:
    """The chain's next link: an HMAC over the link before and everything the event says."""
    said: tuple[Any, ...] = (
        position,
        event.practice_id,
        event.id,
        event.fact,
        event.occurred_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        event.actor_kind,
        event.actor_id,
        event.subject_id,
        event.client_id,
        event.details,
    )
    if event.care_id is not None:
        said += (event.care_id,)
    return keyring().digest("audit", previous + orjson.dumps(said))
