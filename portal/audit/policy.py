"""A client sees who opened what they sent in; the feed shows a practice's facts to its owner and to integrations.

Only sealed facts are read.
"""

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
    """The openings of a client's own answers, and of what was worked out from them."""
    opened = select(Event).where(
        Event.practice_id == PRACTICE, Event.position.is_not(None), is_one_of(Event.fact, OPENINGS)
    )
    return opened.where(Event.client_id == VIEWER) if viewer.is_client else opened.where(NOBODY)


OF_A_CLIENT, OF_A_LINK = ("client", "care"), ("assignment", "measure", "response")
"""What, of the facts about a client, others may follow; when somebody signs in is nobody's business.

What belongs to a care link is shown through that very link alone: a fact that names none was recorded before facts
named them, and whose it is can no longer be told.
"""


def _of(*subjects: str) -> ColumnElement[bool]:
    return or_(*(Event.fact.startswith(f"{subject}.") for subject in subjects))


def _in_sight(link_is_mine: Any, client_is_mine: ColumnElement[bool]) -> ColumnElement[bool]:
    """Clinical facts of a client in sight; those that belong to a care link, only through that very link."""
    through = (
        select(CareLink.id)
        .where(
            CareLink.practice_id == PRACTICE, CareLink.id == Event.care_id, CareLink.ended_at.is_(None), link_is_mine
        )
        .exists()
    )
    return (_of(*OF_A_CLIENT) & Event.client_id.is_not(None) & client_is_mine) | (_of(*OF_A_LINK) & through)


def feed_visible_to(viewer: Viewer) -> Select[Event]:
    """An owner's: what concerns no client, and as a therapist what concerns their own.

    An integration's: the library, and the clinical facts of those whose therapists opted in; none about alerts, which
    are for people.
    """
    sealed = select(Event).where(Event.practice_id == PRACTICE, Event.position.is_not(None))
    if viewer.is_integration:
        clinical = _in_sight(
            caseload.opted_in(CareLink.therapist_id), caseload.in_sight_of_integration(Event.client_id)
        )
        return sealed.where(clinical | (_of("resource") & Event.client_id.is_(None)))
    if not may_follow(viewer):
        return sealed.where(NOBODY)
    if not viewer.therapist:
        return sealed.where(Event.client_id.is_(None))
    mine = caseload.in_care_of_viewer(Event.client_id)
    clinical = _in_sight(CareLink.therapist_id == VIEWER, mine) | (_of("safety") & mine)
    return sealed.where(clinical | Event.client_id.is_(None))


def may_follow(viewer: Viewer) -> bool:
    """Owners, and integrations with the scope."""
    return (viewer.is_staff and viewer.owner) or viewer.holds("events:read")
