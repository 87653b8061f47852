"""The portal's rows as SQLAlchemy entities, for the peers that use it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, ForeignKeyConstraint, LargeBinary, Select, String, TypeDecorator, Uuid, exists, select
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship

IDLE = timedelta(minutes=30)
WORKABLE = frozenset({"assigned", "seen", "in_progress"})
OPEN = WORKABLE | {"paused", "declined"}


class Id(TypeDecorator[str]):
    """A UUID as text."""

    impl = String(36)
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        return dialect.type_descriptor(Uuid(as_uuid=False) if dialect.name == "postgresql" else String(36))


class Instant(TypeDecorator[datetime]):
    """An instant; on SQLite kept as RFC 3339 text."""

    impl = String(20)
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        return dialect.type_descriptor(TIMESTAMP(timezone=True) if dialect.name == "postgresql" else String(20))

    def process_bind_param(self, value: datetime | None, dialect: Any) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")

    def process_result_value(self, value: Any, dialect: Any) -> datetime | None:
        return datetime.fromisoformat(value) if isinstance(value, str) else value


class Base(DeclarativeBase):
    """Every table."""

    type_annotation_map = {datetime: Instant, date: Date, bytes: LargeBinary, str: String}  # noqa: RUF012 -- SQLAlchemy's own attribute


class Row(Base):
    """A row of a practice."""

    __abstract__ = True

    practice_id: Mapped[str] = mapped_column(Id, primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True)


class Person(Row):
    """Who signs in."""

    __tablename__ = "people"

    kind: Mapped[str]
    therapist: Mapped[bool]
    deactivated_at: Mapped[datetime | None]


class Credential(Row):
    """What they sign in with."""

    __tablename__ = "credentials"
    __table_args__ = (ForeignKeyConstraint(["practice_id", "person_id"], ["people.practice_id", "people.id"]),)

    kind: Mapped[str]
    person_id: Mapped[str] = mapped_column(Id)
    secret_hash: Mapped[str]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    person: Mapped[Person] = relationship(viewonly=True)


class Version(Row):
    """What was assigned."""

    __tablename__ = "resource_versions"

    resource_id: Mapped[str] = mapped_column(Id)
    number: Mapped[int]
    kind: Mapped[str]
    title: Mapped[str]
    minutes: Mapped[int]
    intensity: Mapped[str]


class Client(Row):
    """Who it was assigned to."""

    __tablename__ = "clients"

    archived_at: Mapped[datetime | None]


class CareLink(Row):
    """Through which care."""

    __tablename__ = "care_links"

    therapist_id: Mapped[str] = mapped_column(Id)
    ended_at: Mapped[datetime | None]


class Assignment(Row):
    """An assignment with what a list shows of it."""

    __tablename__ = "assignments"
    __table_args__ = (
        ForeignKeyConstraint(["practice_id", "version_id"], ["resource_versions.practice_id", "resource_versions.id"]),
        ForeignKeyConstraint(["practice_id", "client_id"], ["clients.practice_id", "clients.id"]),
    )

    client_id: Mapped[str] = mapped_column(Id)
    care_id: Mapped[str] = mapped_column(Id)
    therapist_id: Mapped[str] = mapped_column(Id)
    version_id: Mapped[str] = mapped_column(Id)
    status: Mapped[str]
    opens_on: Mapped[date | None]
    due_on: Mapped[date | None]
    opens_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    answered: Mapped[int]
    total: Mapped[int]
    attempt: Mapped[int]
    version: Mapped[int]
    assigned_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    reviewed_at: Mapped[datetime | None]
    last_act_at: Mapped[datetime | None]
    resource: Mapped[Version] = relationship(viewonly=True)
    client: Mapped[Client] = relationship(viewonly=True)

    @property
    def scheduled(self) -> bool:
        return self.opens_at is not None and self.opens_at > datetime.now(UTC)

    @property
    def overdue(self) -> bool:
        return self.due_at is not None and self.due_at <= datetime.now(UTC) and self.status in WORKABLE

    @property
    def frozen(self) -> bool:
        return self.client.archived_at is not None and self.status in OPEN

    @property
    def progress(self) -> Assignment:
        return self


def session_of(secret_hash: str) -> Select[tuple[Credential]]:
    """The session a token stands for, with its person."""
    now = datetime.now(UTC)
    return (
        select(Credential)
        .options(joinedload(Credential.person))
        .where(
            Credential.secret_hash == secret_hash,
            Credential.kind == "session",
            Credential.ended_at.is_(None),
            Credential.expires_at > now,
            Credential.last_used_at > now - IDLE,
        )
    )


def page_of(person: Person, limit: int) -> Select[tuple[Assignment]]:
    """The newest assignments given through care links of theirs that have not ended, and one more."""
    own_care = exists().where(
        CareLink.practice_id == Assignment.practice_id,
        CareLink.id == Assignment.care_id,
        CareLink.therapist_id == person.id,
        CareLink.ended_at.is_(None),
    )
    return (
        select(Assignment)
        .where(Assignment.practice_id == person.practice_id, Assignment.therapist_id == person.id, own_care)
        .options(joinedload(Assignment.resource), joinedload(Assignment.client))
        .order_by(Assignment.assigned_at.desc(), Assignment.id.desc())
        .limit(limit + 1)
    )
