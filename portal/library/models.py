"""Resources (readings, exercises, measures) with drafts, their immutable versions, and their search terms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import decimal_json
from portal.core.db.tables import Base, Id, PracticeRow, belongs_to


class ResourceKind(StrEnum):
    """The kinds of resource."""

    READING = "reading"
    EXERCISE = "exercise"
    MEASURE = "measure"


class JsonText(TypeDecorator[Any]):
    """JSON stored as text, on both engines: no key is reordered, no number rewritten."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Any) -> str | None:
        return None if value is None else decimal_json.dumps(value).decode()

    def process_result_value(self, value: str | None, _dialect: Any) -> Any:
        return None if value is None else decimal_json.loads(value)


class Description:
    """The library card of a resource: on the draft, and copied onto each version."""

    title: Mapped[str] = mapped_column(String(200))
    summary: Mapped[str]
    language: Mapped[str] = mapped_column(String(16))
    topics: Mapped[Any] = mapped_column(JsonText)
    minutes: Mapped[int]
    intensity: Mapped[str] = mapped_column(String(8))
    content_note: Mapped[str]
    audience: Mapped[str] = mapped_column(String(16))
    licence: Mapped[str]
    sources: Mapped[Any] = mapped_column(JsonText)


DESCRIBED = (
    "title",
    "summary",
    "language",
    "topics",
    "minutes",
    "intensity",
    "content_note",
    "audience",
    "licence",
    "sources",
)


class Resource(Description, PracticeRow, Base):
    """A reading, an exercise or a measure of one practice, with its draft."""

    __tablename__ = "resources"
    __table_args__ = (
        UniqueConstraint("practice_id", "origin_key"),
        Index("ix_resources_listed", "practice_id", "updated_at"),
    )

    kind: Mapped[str] = mapped_column(String(8))
    draft: Mapped[Any] = mapped_column(JsonText)
    origin_key: Mapped[str | None] = mapped_column(String(64))
    origin_digest: Mapped[str | None] = mapped_column(String(64))
    import_digest: Mapped[str | None] = mapped_column(String(64))
    edited: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    latest_number: Mapped[int | None]
    published_from: Mapped[int | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]

    @property
    def status(self) -> str:
        if self.archived_at is not None:
            return "archived"
        return "draft" if self.latest_number is None else "published"

    def card(self) -> Mapping[str, Any]:
        return {name: getattr(self, name) for name in DESCRIBED}


class Version(Description, PracticeRow, Base):
    """A published version, which never changes: `source` as written, `document` as compiled for answering."""

    __tablename__ = "resource_versions"
    __table_args__ = (belongs_to("resources", "resource_id"), UniqueConstraint("practice_id", "resource_id", "number"))

    resource_id: Mapped[str] = mapped_column(Id)
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(8))
    source: Mapped[Any] = mapped_column(JsonText)
    document: Mapped[str]
    published_at: Mapped[datetime]
    published_by: Mapped[str | None] = mapped_column(Id)


class ResourceWords(Base):
    """The search terms of a resource's draft and latest version.

    Migration 0005 creates the index beside the models: on SQLite a full-text table that the service keeps in step, on
    PostgreSQL an index of lexemes and a function that queries it.
    """

    __tablename__ = "resource_words"
    __table_args__ = (belongs_to("resources", "resource_id"),)

    practice_id: Mapped[str] = mapped_column(Id, ForeignKey("practices.id"), primary_key=True)
    resource_id: Mapped[str] = mapped_column(Id, primary_key=True)
    words: Mapped[str]


def is_mapped(name: str | None, _kind: str, _within: object) -> bool:
    """Whether a table, column or index in a database comes from the models, and not from the search index."""
    return name is None or not (name.startswith(("resource_search", "ix_resource_words")) or name == "lexemes")
