"""The column types of the migrations: what the product's `Id` and `Instant` are to each database, and nothing more.

Migrations import them from here, so that moving the product's code around leaves released migrations as they are.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import String, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.types import TypeEngine


def Id() -> TypeEngine[Any]:  # noqa: N802 -- written in migrations as the product's type is in models
    """A UUID as text: native on PostgreSQL, 36 characters on SQLite."""
    return String(36).with_variant(Uuid(as_uuid=False), "postgresql")


def Instant() -> TypeEngine[Any]:  # noqa: N802 -- as above
    """An instant with its zone on PostgreSQL, RFC 3339 text in UTC on SQLite."""
    return String(20).with_variant(TIMESTAMP(timezone=True), "postgresql")
