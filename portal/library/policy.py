"""The library is the practice's: its staff read it, its therapists write it, integrations as their scopes say."""

from __future__ import annotations

from sqlalchemy import Select, select

from portal.core.access import NOBODY, PRACTICE
from portal.core.viewer import Viewer
from portal.library.models import Resource, Version


def visible_to(viewer: Viewer) -> Select[Resource]:
    """Every resource of the practice, drafts and archived ones too; a client meets one only as an assignment."""
    resources = select(Resource).where(Resource.practice_id == PRACTICE)
    return resources.where(NOBODY) if not _reads(viewer) else resources


def versions_visible_to(viewer: Viewer) -> Select[Version]:
    """Every published version of the practice."""
    versions = select(Version).where(Version.practice_id == PRACTICE)
    return versions.where(NOBODY) if not _reads(viewer) else versions


def _reads(viewer: Viewer) -> bool:
    return viewer.is_staff or viewer.is_integration


def may_write(viewer: Viewer) -> bool:
    """Authors are therapists, and integrations with the scope."""
    return (viewer.is_staff and viewer.therapist) or viewer.holds("resources:write")
