"""Reading the trail: who opened one's answers; and whether the chain is whole."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import BigInteger, bindparam, select

from portal.accounts.service import integrations, people
from portal.assignments.models import Assignment, Response
from portal.audit import policy
from portal.core import access
from portal.core.db import AnySelect, Id
from portal.core.events import Event, link_of
from portal.core.listing import Asked, Filter, Listing, Page, any_of, equals
from portal.core.statements import fetch
from portal.core.viewer import Kind, Viewer
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
        Event.actor_kind,
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
    names = _names_of_actors(viewer, page)
    return page.mapped(
        lambda row: {
            **row,
            "opened_by__id": row["actor_id"],
            "opened_by__kind": row["actor_kind"],
            "opened_by__name": names[row["actor_id"]],
        }
    )


def _names_of_actors(viewer: Viewer, page: Page) -> dict[str, str]:
    by_kind: dict[str, set[str]] = {}
    for row in page.rows():
        by_kind.setdefault(row["actor_kind"], set()).add(row["actor_id"])
    names = {
        one: person["name"] for one, person in people.names_of(viewer.practice_id, by_kind.get("staff", ())).items()
    }
    if Kind.INTEGRATION in by_kind:
        names |= integrations.names_of(viewer.practice_id, by_kind[Kind.INTEGRATION])
    return names


FEED = Listing(
    name="audit.feed",
    base=policy.feed_visible_to,
    columns=(
        Event.position,
        Event.id,
        Event.fact.label("type"),
        Event.occurred_at.label("timestamp"),
        Event.actor_kind,
        Event.actor_id,
        Event.subject_id,
        Event.client_id,
        Event.details,
    ),
    filters={
        "after": Filter(
            lambda name, _n: Event.position > bindparam(name, type_=BigInteger()), lambda name, value: {name: value}
        ),
        "type": any_of(Event.fact),
        "client_id": equals(Event.client_id),
    },
    sorts={"position": Event.position},
    default_sort="position",
    identity=Event.id,
)


def follow(viewer: Viewer, *, after: int, limit: int, **narrowed: Any) -> dict[str, Any]:
    """The sealed facts after a position that the viewer may know of, in order: the way to catch up."""
    access.require(policy.may_follow(viewer), "Only an owner, or an integration with events:read, follows the facts.")
    page = FEED.page(viewer, Asked(filters={"after": after, **narrowed}, limit=limit))
    rows = page.rows()
    return {
        "data": rows,
        "has_more": page.following is not None,
        "next_after": rows[-1]["position"] if rows else after,
    }


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
