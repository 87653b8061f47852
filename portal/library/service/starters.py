"""The starter library of a practice: copied in when it is set up, renewed where the practice has not edited it."""

from __future__ import annotations

from sqlalchemy import select

from portal.accounts.events import PRACTICE_SET_UP
from portal.core.db import db, transactional
from portal.core.viewer import Viewer
from portal.library.models import Resource
from portal.library.service.resources import add
from portal.library.service.versions import publish_draft
from portal.library.starter import Starter, starters


@PRACTICE_SET_UP.also
@transactional
def install_starter_library(viewer: Viewer, _practice: object = None) -> None:
    """Copy the starter library into a practice, published; a text the practice has edited is left as it is.

    A newer starter text becomes a new version; running assignments keep theirs.
    """
    there = {
        resource.origin_key: resource
        for resource in db.session.scalars(
            select(Resource).where(Resource.practice_id == viewer.practice_id, Resource.origin_key.is_not(None))
        )
    }
    for starter in starters():
        resource = there.get(starter.key)
        if resource is None:
            resource = add(
                viewer,
                starter.kind,
                starter.document,
                starter.description,
                origin_key=starter.key,
                origin_digest=starter.digest,
            )
            publish_draft(viewer, resource)
        elif not resource.edited and resource.origin_digest != starter.digest:
            _renew(viewer, resource, starter)


def _renew(viewer: Viewer, resource: Resource, starter: Starter) -> None:
    resource.draft, resource.origin_digest = starter.document, starter.digest
    for name, value in starter.description.items():
        setattr(resource, name, value)
    publish_draft(viewer, resource)
