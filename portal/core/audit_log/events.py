"""Events: facts as they are recorded, in the transaction that makes them true."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import BigInteger, Index, String, bindparam, insert, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import clock
from portal.core.db.statements import execute
from portal.core.db.tables import Base, Id, PracticeRow
from portal.core.facts import Fact, Subject
from portal.core.ids import new_id
from portal.core.viewer import Viewer


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
    execute(
        _insert_event,
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


def _insert_event() -> Any:
    return insert(Event).values({name: bindparam(name) for name in _RECORDED})


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
