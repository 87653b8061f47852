"""What both FastAPI applications answer with, and how they find out who asks."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from fastapi import HTTPException
from pydantic import BaseModel, ConfigDict, Field

from bench.peers.sealing import DATABASE, PRAGMAS
from bench.peers.tables import Assignment, Credential, Person

CONNECT: dict[str, Any] = {} if DATABASE.startswith("sqlite") else {"options": "-c timezone=UTC"}


class Shape(BaseModel):
    """Read from an entity's attributes."""

    model_config = ConfigDict(from_attributes=True)


class Resource(Shape):
    """The version that was assigned."""

    id: str = Field(validation_alias="resource_id")
    number: int
    kind: str
    title: str
    minutes: int
    intensity: str


class Progress(Shape):
    """How far it has come."""

    answered: int
    total: int


class Item(Shape):
    """One of a page."""

    id: str
    client_id: str
    resource: Resource
    status: str
    scheduled: bool
    overdue: bool
    frozen: bool
    progress: Progress
    attempt: int
    opens_on: date | None
    due_on: date | None
    assigned_at: datetime
    seen_at: datetime | None
    started_at: datetime | None
    submitted_at: datetime | None
    reviewed_at: datetime | None
    last_act_at: datetime | None
    version: int


class Page(BaseModel):
    """A page."""

    data: list[Item]
    has_more: bool
    next_cursor: str | None


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def person_behind(credential: Credential | None) -> Person:
    if credential is None or credential.person.deactivated_at is not None:
        raise HTTPException(401)
    return credential.person


def page(found: Sequence[Assignment], limit: int) -> dict[str, Any]:
    shown, cursor = found[:limit], None
    if len(found) > limit:
        cursor = base64.urlsafe_b64encode(f"{shown[-1].assigned_at}|{shown[-1].id}".encode()).decode()
    return {"data": shown, "has_more": cursor is not None, "next_cursor": cursor}


def set_up_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for name, value in PRAGMAS.items():
        cursor.execute(f"PRAGMA {name}={value}")
    cursor.close()
