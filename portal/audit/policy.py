"""A client sees who opened their answers. Only sealed facts are read."""

from __future__ import annotations

from sqlalchemy import Select, select

from portal.assignments.events import RESPONSE_OPENED
from portal.core.access import NOBODY, PRACTICE, VIEWER
from portal.core.events import Event
from portal.core.viewer import Viewer


def visible_to(viewer: Viewer) -> Select[Event]:
    """The openings of a client's own answers."""
    opened = select(Event).where(
        Event.practice_id == PRACTICE, Event.position.is_not(None), Event.fact == RESPONSE_OPENED.name
    )
    return opened.where(Event.client_id == VIEWER) if viewer.is_client else opened.where(NOBODY)
