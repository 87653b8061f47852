"""Reading the trail: who opened one's answers; and whether the chain is whole."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

from sqlalchemy import bindparam, select

from portal.accounts.service import people
from portal.assignments.models import Assignment, Response
from portal.audit import policy
from portal.core.db import AnySelect, Id
from portal.core.events import Event, link_of
from portal.core.listing import Asked, Listing, Page
from portal.core.statements import fetch
from portal.core.viewer import Viewer
from portal.library.models import Version


def _with_title(viewer: Viewer) -> AnySelect:
    return (
        policy.visible_to(viewer)
        .join(Response, (Response.practice_id == Event.practice_id) & (Response.id == Event.subject_id))
        .join(Assignment, (Assignment.practice_id == Event.practice_id) & (Assignment.id == Response.assignment_id))
        .join(Version, (Version.practice_id == Event.practice_id) & (Version.id == Assignment.version_id))
    )


ACCESSES = Listing(
    name="audit.accesses",
    base=_with_title,
    columns=(
        Event.id,
        Event.occurred_at,
        Event.actor_id,
        Assignment.id.label("assignment_id"),
        Version.title,
        Response.attempt,
    ),
    filters={},
    sorts={"occurred_at": Event.occurred_at},
    default_sort="-occurred_at",
    identity=Event.id,
)


def list_accesses(viewer: Viewer, asked: Asked) -> Page:
    """Who opened one's answers, and when; the latest first."""
    page = ACCESSES.page(viewer, asked)
    names = people.names_of(viewer.practice_id, {row["actor_id"] for row in page.rows()})
    return page.mapped(
        lambda row: {**row, "opened_by__id": row["actor_id"], "opened_by__name": names[row["actor_id"]]["name"]}
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a practice's chain was checked, and the first position that does not fit."""

    practice_id: str
    checked: int
    broken_at: int | None


def verify() -> list[Verdict]:
    """Walk every practice's chain from its first fact: positions without a gap, and every link as computed."""
    practices = fetch("audit.practices", lambda: select(Event.practice_id).distinct().order_by(Event.practice_id), {})
    return [_verify(row["practice_id"]) for row in practices]


def _verify(practice_id: str) -> Verdict:
    link, position = b"", 0
    while rows := fetch("audit.chain", _chain, {"practice": practice_id, "after": position}):
        for row in rows:
            position += 1
            link = link_of(link, SimpleNamespace(**row), position)
            if row["position"] != position or row["link"] != link:
                return Verdict(practice_id, position, position)
    return Verdict(practice_id, position, None)


def _chain() -> AnySelect:
    return (
        select(*Event.__table__.columns)
        .where(Event.practice_id == bindparam("practice", type_=Id()), Event.position > bindparam("after"))
        .order_by(Event.position)
        .limit(AT_ONCE)
    )


AT_ONCE = 1_000
