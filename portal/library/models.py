"""Resources (readings, exercises, measures) with drafts, the immutable versions that are assigned, and their words."""

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
    """What a resource is."""

    READING = "reading"
    EXERCISE = "exercise"
    MEASURE = "measure"


class JsonText(TypeDecorator[Any]):
    """JSON kept as the very text it came as, on both engines: no key is reordered, no number rewritten."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Any) -> str | None:
        return None if value is None else decimal_json.dumps(value).decode()

    def process_result_value(self, value: str | None, _dialect: Any) -> Any:
        return None if value is None else decimal_json.loads(value)


class Description:
    """What a library card says of a resource: on the draft, and copied onto each version."""

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
    """A reading, an exercise or a measure of one practice; what stands here is the draft."""

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

    def described(self) -> Mapping[str, Any]:
        return {name: getattr(self, name) for name in DESCRIBED}


class Version(Description, PracticeRow, Base):
    """What was published, for ever: `source` as written, `document` as compiled for answering."""

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
    """The words of a resource's draft and latest version, for searching.

    What finds them stands beside the models, made by migration 0005: on SQLite a full-text table that the service
    keeps alike, on PostgreSQL an index of lexemes and a function that asks it.
    """

    __tablename__ = "resource_words"
    __table_args__ = (belongs_to("resources", "resource_id"),)

    practice_id: Mapped[str] = mapped_column(Id, ForeignKey("practices.id"), primary_key=True)
    resource_id: Mapped[str] = mapped_column(Id, primary_key=True)
    words: Mapped[str]


def is_mapped(name: str | None, _kind: str, _within: object) -> bool:
    """Whether a table, column or index found in a database is the models' to say, and not one of search's own."""
    return name is None or not (name.startswith(("resource_search", "ix_resource_words")) or name == "lexemes")
