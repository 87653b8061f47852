"""Clients, the care links that make them visible, opt-ins of integrations, and private notes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db.tables import Base, Id, PracticeRow, belongs_to


class Client(PracticeRow, Base):
    """A person in therapy; the same id as the person who signs in."""

    __tablename__ = "clients"
    __table_args__ = (ForeignKeyConstraint(["practice_id", "id"], ["people.practice_id", "people.id"]),)

    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]

    @property
    def client_id(self) -> str:
        return self.id


class CareLink(PracticeRow, Base):
    """A therapist's care for a client; the therapist sees the client from its start to its end."""

    __tablename__ = "care_links"
    __table_args__ = (
        belongs_to("clients", "client_id"),
        belongs_to("people", "therapist_id"),
        Index("ix_care_links_client", "practice_id", "client_id"),
        Index(
            "ix_care_links_open",
            "practice_id",
            "therapist_id",
            "client_id",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    client_id: Mapped[str] = mapped_column(Id)
    therapist_id: Mapped[str] = mapped_column(Id)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class OptIn(PracticeRow, Base):
    """A therapist's consent that an integration sees their caseload, within its scopes."""

    __tablename__ = "opt_ins"
    __table_args__ = (
        belongs_to("integrations", "integration_id"),
        belongs_to("people", "therapist_id"),
        UniqueConstraint("practice_id", "integration_id", "therapist_id"),
    )

    integration_id: Mapped[str] = mapped_column(Id)
    therapist_id: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime]


class Note(PracticeRow, Base):
    """A therapist's private note about a client, which only its author reads, and only while in care."""

    __tablename__ = "notes"
    __table_args__ = (
        belongs_to("clients", "client_id"),
        belongs_to("people", "author_id"),
        Index("ix_notes_author", "practice_id", "client_id", "author_id", "created_at"),
    )

    client_id: Mapped[str] = mapped_column(Id)
    author_id: Mapped[str] = mapped_column(Id)
    body: Mapped[bytes]
    created_at: Mapped[datetime]
