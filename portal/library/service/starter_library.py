"""The starter library of a practice: copied in when it is set up, renewed where the practice has not edited it."""

from __future__ import annotations

import logging

from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError

from portal.accounts.facts import PRACTICE_SET_UP
from portal.accounts.models import Practice
from portal.core.db.engines import db, is_postgresql
from portal.core.db.statements import fetch
from portal.core.db.tables import AnySelect, Id
from portal.core.db.transactions import NO_PRACTICE, transactional
from portal.core.viewer import Viewer, system
from portal.library.models import Resource
from portal.library.service.resources import add
from portal.library.service.versions import publish_draft
from portal.library.starter_files import Starter, starters

log = logging.getLogger("portal.library")

_up_to_date: set[str] = set()
"""The practices this process has seen to: its files do not change while it runs."""


@PRACTICE_SET_UP.also
@transactional
def install_starter_library(viewer: Viewer, _practice: object = None) -> None:
    """Copy the starter library into a practice, published; a text the practice has edited is left as it is.

    A newer starter text becomes a new version; running assignments keep theirs. What is archived stays archived.
    """
    _wait_for_others(viewer.practice_id)
    there = {
        resource.origin_key: resource
        for resource in db.session.scalars(
            select(Resource)
            .where(Resource.practice_id == viewer.practice_id, Resource.origin_key.is_not(None))
            .order_by(Resource.id)
            .with_for_update()
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


def _wait_for_others(practice_id: str) -> None:
    """Of two workers that renew the same library, the second finds what the first has committed."""
    if is_postgresql():
        key = func.hashtextextended(f"starter library {practice_id}", 0)
        db.session.execute(select(func.pg_advisory_xact_lock(key)))


def _renew(viewer: Viewer, resource: Resource, starter: Starter) -> None:
    resource.kind, resource.draft, resource.origin_digest = starter.kind, starter.document, starter.digest
    for name, value in starter.description.items():
        setattr(resource, name, value)
    publish_draft(viewer, resource)


def renew_starter_libraries() -> int:
    """Bring the libraries of all practices up to this release, each in a transaction of its own.

    Each practice is looked at once in the life of the process, so that an older worker which still runs beside a
    newer one does not undo its work. Where one fails, the others go on, and it is tried again at the next tick.
    Returns how many were renewed.
    """
    renewed = 0
    for row in fetch(_practice_ids, {}, practice=NO_PRACTICE):
        practice_id = row["id"]
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


def _practice_ids() -> AnySelect:
    return select(Practice.id)


def _is_behind(practice_id: str) -> bool:
    """Whether a starter is missing, or an untouched copy is not the text of this release: one small read."""
    rows = fetch(_there, {"practice": practice_id}, practice=practice_id)
    there = {row["origin_key"]: row for row in rows}
    return any(
        starter.key not in there
        or (not there[starter.key]["edited"] and there[starter.key]["origin_digest"] != starter.digest)
        for starter in starters()
    )


def _there() -> AnySelect:
    return select(Resource.origin_key, Resource.origin_digest, Resource.edited).where(
        Resource.practice_id == bindparam("practice", type_=Id()), Resource.origin_key.is_not(None)
    )
