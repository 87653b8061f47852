"""A library belongs to a practice: staff read it, therapists write it, integrations do what their scopes allow."""

from __future__ import annotations

from sqlalchemy import Select, select

from portal.core.access import NOBODY, PRACTICE
from portal.core.viewer import Viewer
from portal.library.models import Resource, Version


def visible_to(viewer: Viewer) -> Select[Resource]:
    """Every resource of the practice, drafts and archived ones included; clients see none, only their assignments."""
    resources = select(Resource).where(Resource.practice_id == PRACTICE)
    return resources.where(NOBODY) if not _may_read(viewer) else resources


def versions_visible_to(viewer: Viewer) -> Select[Version]:
    """Every published version of the practice."""
    versions = select(Version).where(Version.practice_id == PRACTICE)
    return versions.where(NOBODY) if not _may_read(viewer) else versions


def _may_read(viewer: Viewer) -> bool:
    return viewer.is_staff or viewer.is_integration


def may_write(viewer: Viewer) -> bool:
    """Whether this is a therapist, or an integration with the scope."""
    return (viewer.is_staff and viewer.therapist) or viewer.holds("resources:write")
