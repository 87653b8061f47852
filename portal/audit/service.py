"""Read sealed events: who opened a client's answers, and the feed."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import BigInteger, bindparam

from portal.accounts.service import integrations, people
from portal.assignments.models import Assignment, Attempt
from portal.audit import policy
from portal.core import access
from portal.core.audit_log.events import Event
from portal.core.db.tables import AnySelect
from portal.core.listing import Filter, Listing, ListRequest, Page, any_of, equals
from portal.core.viewer import PrincipalKind, Viewer
from portal.library.models import Version

log = logging.getLogger("portal.worker")


def _openings_with_titles(viewer: Viewer) -> AnySelect:
    return (
        policy.visible_to(viewer)
        .outerjoin(Attempt, (Attempt.practice_id == Event.practice_id) & (Attempt.id == Event.subject_id))
        .outerjoin(Assignment, (Assignment.practice_id == Event.practice_id) & (Assignment.id == Attempt.assignment_id))
        .outerjoin(Version, (Version.practice_id == Event.practice_id) & (Version.id == Assignment.version_id))
    )


ACCESSES = Listing(
    base=_openings_with_titles,
    columns=(
        Event.id,
        Event.occurred_at,
        Event.actor_id,
        Event.actor_kind,
        Event.fact.label("opened"),
        Assignment.id.label("assignment_id"),
        Version.title,
        Attempt.attempt,
    ),
    filters={},
    sorts={"occurred_at": Event.occurred_at},
    default_sort="-occurred_at",
    identity=Event.id,
)


def list_accesses(viewer: Viewer, asked: ListRequest) -> Page:
    """List who opened the viewer's answers, scores or alerts, and when; the latest first."""
    page = ACCESSES.page(viewer, asked)
    names = _names_of_actors(viewer, page)
    return page.map(
        lambda row: {
            **row,
            "opened_by": {
                "id": row["actor_id"],
                "kind": row["actor_kind"],
                "name": names[row["actor_id"]],
            },
        }
    )


def _names_of_actors(viewer: Viewer, page: Page) -> dict[str, str]:
    by_kind: dict[str, set[str]] = {}
    for row in page.as_dicts():
        by_kind.setdefault(row["actor_kind"], set()).add(row["actor_id"])
    names = {
        person_id: person["name"]
        for person_id, person in people.names_of(viewer.practice_id, by_kind.get("staff", ())).items()
    }
    if PrincipalKind.INTEGRATION in by_kind:
        names |= integrations.names_of(viewer.practice_id, by_kind[PrincipalKind.INTEGRATION])
    return names


FEED = Listing(
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


def list_events(viewer: Viewer, *, after: int | str, limit: int, **filters: Any) -> dict[str, Any]:
    """Return the sealed events after a position that the viewer may see, in order.

    After `latest` there are none yet: the response says at which position the newest of them stands.
    """
    access.require(policy.may_list_events(viewer), "Only an owner or an integration with events:read reads the feed.")
    if isinstance(after, str):
        newest = FEED.page(viewer, ListRequest(sort="-position", limit=1)).as_dicts()
        return {"data": [], "has_more": False, "next_after": newest[0]["position"] if newest else 0}
    page = FEED.page(viewer, ListRequest(filters={"after": after, **filters}, limit=limit))
    rows = page.as_dicts()
    return {
        "data": rows,
        "has_more": page.following is not None,
        "next_after": rows[-1]["position"] if rows else after,
    }
