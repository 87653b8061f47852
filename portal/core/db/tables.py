"""The base of every table, and the column types both engines share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    MetaData,
    Select,
    String,
    Text,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

from portal.core.ids import new_id

if TYPE_CHECKING:
    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine


class Id(TypeDecorator[str]):
    """A UUID as text in Python; native on PostgreSQL, 36 characters on SQLite."""

    impl = String(36)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        native: TypeEngine[Any] = Uuid(as_uuid=False) if dialect.name == "postgresql" else String(36)
        return dialect.type_descriptor(native)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant in whole seconds; on SQLite stored as the text that the API returns (RFC 3339)."""

    impl = String(20)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        native: TypeEngine[Any] = TIMESTAMP(timezone=True) if dialect.name == "postgresql" else String(20)
        return dialect.type_descriptor(native)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).isoformat()[:19] + "Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None or isinstance(value, datetime):
            return value
        return datetime.fromisoformat(value)


_metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Base(DeclarativeBase):
    """The base of every table; constraints have names, so that migrations can refer to them on both engines."""

    registry = registry(metadata=_metadata, type_annotation_map={datetime: Instant, bytes: LargeBinary, str: Text})


class PracticeRow:
    """A row of one practice; the practice is part of its key, so that no reference can cross practices."""

    practice_id: Mapped[str] = mapped_column(Id, ForeignKey("practices.id"), primary_key=True)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)


def belongs_to(table: str, column: str) -> ForeignKeyConstraint:
    """A foreign key within the practice; both engines refuse one that crosses practices."""
    return ForeignKeyConstraint(["practice_id", column], [f"{table}.practice_id", f"{table}.id"])


AnySelect = Select[*tuple[Any, ...]]
"""A SELECT of any columns."""
