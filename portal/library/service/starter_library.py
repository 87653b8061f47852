"""Copy the starter library into a practice when it is set up, and renew what the practice has not edited."""

from __future__ import annotations

import logging

from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError

from portal.accounts.service import practices
from portal.core.db.engines import db, is_postgresql
from portal.core.db.statements import fetch
from portal.core.db.tables import AnySelect, Id
from portal.core.db.transactions import transactional
from portal.core.viewer import Viewer, system
from portal.library.models import Resource
from portal.library.service.resources import add_resource
from portal.library.service.versions import publish_draft
from portal.library.starter_files import Starter, starters

log = logging.getLogger("portal.library")

_up_to_date: set[str] = set()
"""The practices that this process has brought up to date: its files do not change while it runs."""


@transactional
def install_starter_library(viewer: Viewer, _practice: object = None) -> None:
    """Copy the starter library into a practice and publish it; a text that the practice has edited is left alone.

    A newer starter text becomes a new version; running assignments keep theirs. Archived resources stay archived.
    """
    _lock_library(viewer.practice_id)
    existing = {
        resource.origin_key: resource
        for resource in db.session.scalars(
            select(Resource)
            .where(Resource.practice_id == viewer.practice_id, Resource.origin_key.is_not(None))
            .order_by(Resource.id)
            .with_for_update()
        )
    }
    for starter in starters():
        resource = existing.get(starter.key)
        if resource is None:
            resource = add_resource(
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


def _lock_library(practice_id: str) -> None:
    """Let a second worker that renews the same library wait, and find what the first has committed."""
    if is_postgresql():
        key = func.hashtextextended(f"starter library {practice_id}", 0)
        db.session.execute(select(func.pg_advisory_xact_lock(key)))


def _renew(viewer: Viewer, resource: Resource, starter: Starter) -> None:
    resource.kind, resource.draft, resource.origin_digest = starter.kind, starter.document, starter.digest
    for name, value in starter.description.items():
        setattr(resource, name, value)
    publish_draft(viewer, resource)


def renew_starter_libraries() -> int:
    """Bring the libraries of all practices up to this release, each in its own transaction; the number renewed.

    A process checks each practice once, so that an older worker that still runs beside a newer one does not undo its
    work. If one fails, the others continue, and it is tried again at the next tick.
    """
    renewed = 0
    for practice_id in practices.list_practice_ids():
        if practice_id in _up_to_date:
            continue
        try:
            if _is_behind(practice_id):
                install_starter_library(system(practice_id), None)
                renewed += 1
        except SQLAlchemyError:
            log.exception("a starter library was not renewed", extra={"practice": practice_id})
        else:
            _up_to_date.add(practice_id)
    return renewed


def _is_behind(practice_id: str) -> bool:
    """Whether a starter text is missing, or an unedited copy is not the text of this release: one small read."""
    rows = fetch(_copies, {"practice": practice_id}, practice=practice_id)
    copies = {row["origin_key"]: row for row in rows}
    return any(
        starter.key not in copies
        or (not copies[starter.key]["edited"] and copies[starter.key]["origin_digest"] != starter.digest)
        for starter in starters()
    )


def _copies() -> AnySelect:
    return select(Resource.origin_key, Resource.origin_digest, Resource.edited).where(
        Resource.practice_id == bindparam("practice", type_=Id()), Resource.origin_key.is_not(None)
    )
