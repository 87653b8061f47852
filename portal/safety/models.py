"""The practice's crisis card, and alerts: an answer to a risk item says that a client may need somebody soon."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db.tables import Base, Id, PracticeRow, belongs_to


class CrisisCard(Base):
    """The numbers a practice has chosen, as JSON; without a row, those of its country are shown.

    Not encrypted: public telephone numbers, and a note that is the same for every client.
    """

    __tablename__ = "crisis_cards"

    practice_id: Mapped[str] = mapped_column(Id, ForeignKey("practices.id"), primary_key=True)
    numbers: Mapped[str]
    note: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime]


class Alert(PracticeRow, Base):
    """A submission that needs a person soon. Nothing takes it away: it is acknowledged, by name, or it escalates.

    `assignment_id` and `attempt` are no foreign keys, since assignments stand above. `items` (the risky blocks, with
    their labels) and `note` are sealed with the client's key. `covered_by` is the cover it was escalated to.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        belongs_to("clients", "client_id"),
        belongs_to("care_links", "care_id"),
        belongs_to("people", "acknowledged_by"),
        belongs_to("people", "covered_by"),
        Index("ix_alerts_client", "practice_id", "client_id", "raised_at", "id"),
        Index(
            "ix_alerts_open",
            "practice_id",
            "client_id",
            "raised_at",
            sqlite_where=text("acknowledged_at IS NULL"),
            postgresql_where=text("acknowledged_at IS NULL"),
        ),
    )

    client_id: Mapped[str] = mapped_column(Id)
    care_id: Mapped[str] = mapped_column(Id)
    assignment_id: Mapped[str] = mapped_column(Id)
    attempt: Mapped[int]
    items: Mapped[bytes]
    raised_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(Id)
    note: Mapped[bytes | None]
    escalated_at: Mapped[datetime | None]
    covered_by: Mapped[str | None] = mapped_column(Id)
