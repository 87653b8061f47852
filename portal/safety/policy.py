"""Who sees alerts: every therapist in the client's care; once one has waited too long, also whoever covers.

What it is about (assignment and blocks) shows through the care link the assignment was given through, and to nobody
else. Owners see none by being owner, integrations none at all.
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
    """What joins an alert with the care link it came through, where that is the viewer's and has not ended."""
    return and_(
        OwnLink.practice_id == PRACTICE,
        OwnLink.id == Alert.care_id,
        OwnLink.therapist_id == VIEWER,
        OwnLink.ended_at.is_(None),
    )


def covered_by_viewer() -> ColumnElement[bool]:
    """Whether an alert has waited too long and the viewer stands in: while it is open, and after they took part."""
    covers = select(Practice.id).where(Practice.id == PRACTICE, Practice.cover_id == VIEWER).exists()
    told = (Alert.covered_by == VIEWER) | (Alert.acknowledged_by == VIEWER)
    return Alert.escalated_at.is_not(None) & covers & (Alert.acknowledged_at.is_(None) | told)


def visible_to(viewer: Viewer) -> Select[Alert]:
    """A therapist's: those of clients in their care, and those they cover."""
    alerts = select(Alert).where(Alert.practice_id == PRACTICE)
    if not (viewer.is_staff and viewer.therapist):
        return alerts.where(NOBODY)
    return alerts.where(caseload.in_care_of_viewer(Alert.client_id) | covered_by_viewer())


def may_answer_alerts(viewer: Viewer) -> bool:
    """Alerts are for therapists."""
    return viewer.is_staff and viewer.therapist
