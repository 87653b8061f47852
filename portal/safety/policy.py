"""Who sees alerts: every therapist in the client's care, and the cover once an alert has escalated.

Only the therapist of the care link it came through sees which assignment and blocks it is about. Being an owner shows
no alert, and integrations see none at all.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, select
from sqlalchemy.orm import aliased

from portal.accounts.models import Practice
from portal.caseload import policy as caseload
from portal.caseload.models import CareLink
from portal.core.access import NOBODY, PRACTICE, VIEWER
from portal.core.viewer import Viewer
from portal.safety.models import Alert

OwnLink = aliased(CareLink, name="own_link")
"""The care link an alert came through, where it is the viewer's own."""


def through_own_care() -> ColumnElement[bool]:
    """The join of an alert with the care link it came through, where that is the viewer's and has not ended."""
    return and_(
        OwnLink.practice_id == PRACTICE,
        OwnLink.id == Alert.care_id,
        OwnLink.therapist_id == VIEWER,
        OwnLink.ended_at.is_(None),
    )


def covered_by_viewer() -> ColumnElement[bool]:
    """Whether an alert has escalated and the viewer is the cover: while it is open, and later if it was theirs."""
    covers = select(Practice.id).where(Practice.id == PRACTICE, Practice.cover_id == VIEWER).exists()
    was_theirs = (Alert.covered_by == VIEWER) | (Alert.acknowledged_by == VIEWER)
    return Alert.escalated_at.is_not(None) & covers & (Alert.acknowledged_at.is_(None) | was_theirs)


def visible_to(viewer: Viewer) -> Select[Alert]:
    """The alerts of clients in a therapist's care, and those they cover; nobody else sees any."""
    alerts = select(Alert).where(Alert.practice_id == PRACTICE)
    if not (viewer.is_staff and viewer.therapist):
        return alerts.where(NOBODY)
    return alerts.where(caseload.in_care_of_viewer(Alert.client_id) | covered_by_viewer())


def may_answer_alerts(viewer: Viewer) -> bool:
    """Alerts are for therapists."""
    return viewer.is_staff and viewer.therapist
