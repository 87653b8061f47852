"""Who reads which sealed events: clients who opened their answers, owners and integrations the feed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select

from portal.assignments.facts import MEASURES_OPENED, RESPONSE_OPENED
from portal.caseload import policy as caseload
from portal.caseload.models import CareLink
from portal.core.access import NOBODY, PRACTICE, VIEWER
from portal.core.audit_log.events import Event
from portal.core.db.statements import is_one_of
from portal.core.viewer import Viewer
from portal.safety.facts import OPENED as ALERT_OPENED

OPENINGS = (RESPONSE_OPENED.name, MEASURES_OPENED.name, ALERT_OPENED.name)


def visible_to(viewer: Viewer) -> Select[Event]:
    """The events of opening the client's own answers, scores or alerts; nobody else sees any here."""
    opened = select(Event).where(
        Event.practice_id == PRACTICE, Event.position.is_not(None), is_one_of(Event.fact, OPENINGS)
    )
    return opened.where(Event.client_id == VIEWER) if viewer.is_client else opened.where(NOBODY)


CLIENT_FACTS, CARE_LINK_FACTS = ("client", "care"), ("assignment", "measure", "response")
"""The subjects of the clinical facts in the feed; when a client signs in is not among them.

An event of a care link is shown through that very link only. An old one that names no link is shown to nobody, since
whose it was cannot be known any more.
"""


def _is_about(*subjects: str) -> ColumnElement[bool]:
    return or_(*(Event.fact.startswith(f"{subject}.") for subject in subjects))


def _is_visible_through_care(link_is_visible: Any, client_is_visible: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether an event is a clinical one of a visible client; one of a care link, only through that very link."""
    through = (
        select(CareLink.id)
        .where(
            CareLink.practice_id == PRACTICE, CareLink.id == Event.care_id, CareLink.ended_at.is_(None), link_is_visible
        )
        .exists()
    )
    return (_is_about(*CLIENT_FACTS) & Event.client_id.is_not(None) & client_is_visible) | (
        _is_about(*CARE_LINK_FACTS) & through
    )


def feed_visible_to(viewer: Viewer) -> Select[Event]:
    """The feed: an owner's holds what concerns no client and, if a therapist too, what concerns their own clients.

    An integration's holds the library and the clinical events of clients whose therapists opted in. Alerts are for
    people, so it has none of those.
    """
    sealed = select(Event).where(Event.practice_id == PRACTICE, Event.position.is_not(None))
    if viewer.is_integration:
        clinical = _is_visible_through_care(
            caseload.opted_in(CareLink.therapist_id), caseload.in_sight_of_integration(Event.client_id)
        )
        return sealed.where(clinical | (_is_about("resource") & Event.client_id.is_(None)))
    if not may_list_events(viewer):
        return sealed.where(NOBODY)
    if not viewer.therapist:
        return sealed.where(Event.client_id.is_(None))
    mine = caseload.in_care_of_viewer(Event.client_id)
    clinical = _is_visible_through_care(CareLink.therapist_id == VIEWER, mine) | (_is_about("safety") & mine)
    return sealed.where(clinical | Event.client_id.is_(None))


def may_list_events(viewer: Viewer) -> bool:
    """Owners, and integrations with the scope events:read."""
    return (viewer.is_staff and viewer.owner) or viewer.holds("events:read")
