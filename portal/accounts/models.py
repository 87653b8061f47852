"""Practices, people, their credentials and invitations."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db.tables import Base, Id, PracticeRow, belongs_to
from portal.core.ids import new_id


class CredentialKind(StrEnum):
    """What a credential gives access to."""

    SESSION = "session"
    INVITATION = "invitation"
    RESET = "reset"
    INTEGRATION = "integration"


class Delivery(StrEnum):
    """How an invitation reaches a person: by mail, or as a link that is shown once and handed over."""

    MAIL = "mail"
    IN_PERSON = "in_person"


class Practice(Base):
    """A tenant: everything else belongs to exactly one.

    `cover_id` is the therapist who takes over an alert that waits longer than `alert_wait_hours`. It is a plain id,
    since a foreign key to people would be circular.
    """

    __tablename__ = "practices"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    country: Mapped[str] = mapped_column(String(2))
    time_zone: Mapped[str] = mapped_column(String(64))
    quiet_days: Mapped[int] = mapped_column(default=14)
    cover_id: Mapped[str | None] = mapped_column(Id)
    clients_see_bands: Mapped[bool] = mapped_column(default=False)
    alert_wait_hours: Mapped[int] = mapped_column(default=24)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]

    @property
    def practice_id(self) -> str:
        return self.id


class Person(PracticeRow, Base):
    """A person who can sign in: staff with capabilities, or a client, who has none.

    `mail_index` is set when the person accepts the invitation. Until then an invitation reveals nothing about who
    already has an account.
    """

    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("practice_id", "mail_index"),
        CheckConstraint("kind = 'staff' OR (NOT owner AND NOT therapist)", name="clients_stand_alone"),
        CheckConstraint("kind IN ('staff', 'client')", name="kind"),
    )

    kind: Mapped[str] = mapped_column(String(8))
    owner: Mapped[bool] = mapped_column(default=False)
    therapist: Mapped[bool] = mapped_column(default=False)
    name: Mapped[bytes]
    mail_address: Mapped[bytes]
    mail_index: Mapped[str | None] = mapped_column(String(64))
    password_hash: Mapped[str | None] = mapped_column(String(256))
    time_zone: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    activated_at: Mapped[datetime | None]
    deactivated_at: Mapped[datetime | None]

    @property
    def subject_id(self) -> str:
        """Whose data key seals this person's name and address."""
        return self.id if self.kind == "client" else self.practice_id

    @property
    def client_id(self) -> str | None:
        """The client that an event about this person concerns."""
        return self.id if self.kind == "client" else None


class Credential(PracticeRow, Base):
    """The SHA-256 of a secret, who holds it and what it gives access to; no clinical content.

    The door reads this table before it knows the practice, so it is the one table without row-level security.
    """

    __tablename__ = "credentials"
    __table_args__ = (
        belongs_to("people", "person_id"),
        belongs_to("integrations", "integration_id"),
        CheckConstraint("(person_id IS NULL) <> (integration_id IS NULL)", name="one_holder"),
        Index("ix_credentials_person", "practice_id", "person_id", "kind"),
        Index("ix_credentials_integration", "practice_id", "integration_id"),
    )

    kind: Mapped[str] = mapped_column(String(16))
    person_id: Mapped[str | None] = mapped_column(Id)
    integration_id: Mapped[str | None] = mapped_column(Id)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Integration(PracticeRow, Base):
    """Another system with access, created by an owner; it stays when that owner leaves.

    `scopes` are names of SCOPES, separated by spaces. The name is not sealed, since it is a system's, not a person's.
    """

    __tablename__ = "integrations"
    __table_args__ = (belongs_to("people", "created_by"),)

    name: Mapped[str] = mapped_column(String(120))
    scopes: Mapped[str]
    created_by: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Invitation(PracticeRow, Base):
    """An invitation of one person: a link and, for a client who gets it by mail, a code from the session."""

    __tablename__ = "invitations"
    __table_args__ = (
        belongs_to("people", "person_id"),
        belongs_to("people", "invited_by"),
        Index("ix_invitations_person", "practice_id", "person_id"),
    )

    person_id: Mapped[str] = mapped_column(Id)
    invited_by: Mapped[str] = mapped_column(Id)
    delivery: Mapped[str] = mapped_column(String(16))
    code_hash: Mapped[str | None] = mapped_column(String(64))
    wrong_codes: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    @property
    def is_open(self) -> bool:
        return self.accepted_at is None and self.revoked_at is None


class SetupLink(Base):
    """The one-time link that sets up a practice; it belongs to none yet."""

    __tablename__ = "setup_links"

    secret_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ThrottledTry(Base):
    """A try at a secret that can be guessed; `key` is an HMAC of who tried what."""

    __tablename__ = "attempts"
    __table_args__ = (Index("ix_attempts_key", "key", "at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
