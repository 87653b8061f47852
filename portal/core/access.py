"""Access checks: the mechanism. The rules are in each domain's `policy.py`.

A domain's rows are selected only through its `visible_to(viewer)`. The text of that statement depends on `viewer.shape`
alone; the viewer's ids are the bind parameters declared here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import bindparam, literal

from portal.core import clock
from portal.core.db.engines import db
from portal.core.db.statements import fetch_by, named
from portal.core.db.tables import AnySelect, Id, Instant
from portal.core.errors import Forbidden, NotVisible
from portal.core.ids import is_id
from portal.core.viewer import Viewer

VIEWER = bindparam("viewer_id", type_=Id())
PRACTICE = bindparam("viewer_practice", type_=Id())
NOW = bindparam("viewer_now", type_=Instant())
THING = bindparam("thing_id", type_=Id())
NOBODY = literal(1) == literal(0)


class Row(Protocol):
    """A mapped class with an id; a practice is its own tenant."""

    id: Any


T = TypeVar("T", bound=Row)
VisibleTo = Callable[[Viewer], AnySelect]


def binds(viewer: Viewer, **more: Any) -> dict[str, Any]:
    """The values behind VIEWER, PRACTICE and NOW, and any further ones."""
    return {"viewer_id": viewer.id, "viewer_practice": viewer.practice_id, "viewer_now": clock.now(), **more}


def require(claim: bool, detail: str = "You may not do this.") -> None:
    if not claim:
        raise Forbidden(detail)


def get_for_update(viewer: Viewer, entity: type[T], visible_to: VisibleTo, thing_id: str, **more: Any) -> T:
    """The row itself, locked for the rest of the transaction (others may still refer to it); else NotVisible.

    `more` are further bind parameters the policy names.
    """
    if is_id(thing_id):
        statement = visible_to(viewer).where(entity.id == THING).with_for_update(of=cast("Any", entity), key_share=True)
        found = db.session.execute(statement, binds(viewer, thing_id=thing_id, **more)).scalar_one_or_none()
        if found is not None:
            return cast("T", found)
    raise NotVisible


def fetch_visible(viewer: Viewer, build: Callable[[Viewer], AnySelect], **values: Any) -> list[dict[str, Any]]:
    """The rows of `build(viewer)`, a module-level function whose statement depends on the viewer's shape alone."""
    key = (named(build), viewer.shape)
    return fetch_by(key, lambda: build(viewer), binds(viewer, **values), practice=viewer.practice_id)


def fetch_visible_row(viewer: Viewer, build: Callable[[Viewer], AnySelect], **values: Any) -> dict[str, Any] | None:
    rows = fetch_visible(viewer, build, **values)
    return rows[0] if rows else None


def get_visible(viewer: Viewer, build: Callable[[Viewer], AnySelect], thing_id: str) -> dict[str, Any]:
    """One visible row as a dictionary of the columns `build(viewer)` names, which narrows to THING; else NotVisible."""
    if is_id(thing_id):
        found = fetch_visible_row(viewer, build, thing_id=thing_id)
        if found is not None:
            return found
    raise NotVisible
