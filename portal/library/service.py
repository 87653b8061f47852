"""What can be done with readings and exercises: write, publish, archive, copy; and the starter library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import ColumnElement, String, bindparam, case, cast, select

from portal.accounts.events import PRACTICE_SET_UP
from portal.core import access, clock
from portal.core.access import THING
from portal.core.db import AnySelect, Id, db, transactional
from portal.core.errors import Conflict, NotVisible, Stale
from portal.core.events import record
from portal.core.listing import Asked, Filter, Listing, Page, any_of, claim, equals
from portal.core.statements import fetch_one
from portal.core.viewer import Viewer
from portal.library import events, policy
from portal.library.forms import document as forms
from portal.library.forms import reading
from portal.library.models import DESCRIBED, Kind, Resource, Version
from portal.library.starter import Starter, starters

STATUS: ColumnElement[str] = case(
    (Resource.archived_at.is_not(None), "archived"), (Resource.latest_number.is_(None), "draft"), else_="published"
)
UNPUBLISHED = (Resource.published_from.is_(None) | (Resource.published_from != Resource.version)).label(
    "unpublished_changes"
)


def _containing(text: str) -> str:
    """The LIKE pattern for this very text somewhere in a column."""
    return "%" + re.sub("([!%_])", r"!\1", text) + "%"


def _with_topic() -> Filter:
    return Filter(
        lambda name, _n: cast(Resource.topics, String).like(bindparam(name, type_=String()), escape="!"),
        lambda name, value: {name: _containing(orjson.dumps(value).decode())},
    )


RESOURCES = Listing(
    name="library.resources",
    base=policy.visible_to,
    columns=(
        Resource.id,
        Resource.kind,
        *(getattr(Resource, name) for name in DESCRIBED),
        STATUS.label("status"),
        Resource.latest_number,
        UNPUBLISHED,
        Resource.origin_key,
        Resource.version,
        Resource.created_at,
        Resource.updated_at,
    ),
    filters={
        "kind": any_of(Resource.kind),
        "intensity": any_of(Resource.intensity),
        "audience": any_of(Resource.audience),
        "language": equals(Resource.language),
        "status": any_of(STATUS),
        "topic": _with_topic(),
        "assignable": claim(lambda: Resource.archived_at.is_(None) & Resource.latest_number.is_not(None)),
    },
    sorts={"updated_at": Resource.updated_at, "title": Resource.title, "created_at": Resource.created_at},
    default_sort="title",
    identity=Resource.id,
)


def list_resources(viewer: Viewer, asked: Asked) -> Page:
    return RESOURCES.page(viewer, asked)


def get_resource(viewer: Viewer, resource_id: str) -> dict[str, Any]:
    """A resource with its draft."""
    return access.look(
        viewer,
        "library.resource",
        lambda: (
            policy.visible_to(viewer).where(Resource.id == THING).with_only_columns(*RESOURCES.columns, Resource.draft)
        ),
        resource_id,
    )


def compiled(kind: str, document: Mapping[str, Any]) -> forms.Form:
    """The form of a document of this kind. Raises Invalid, with pointers into the document, where it is none."""
    if kind == Kind.READING:
        return reading.form_of(document, "#/document")
    return forms.parse(document, "#/document")


@transactional
def create_resource(viewer: Viewer, *, kind: str, document: dict[str, Any], **description: Any) -> dict[str, Any]:
    """A new draft."""
    access.require(policy.may_write(viewer), "Only a therapist writes for the library.")
    compiled(kind, document)
    resource = _add(viewer, kind, document, description)
    return get_resource(viewer, resource.id)


def _add(
    viewer: Viewer, kind: str, document: Mapping[str, Any], description: Mapping[str, Any], **more: Any
) -> Resource:
    now = clock.now()
    resource = Resource(
        practice_id=viewer.practice_id, kind=kind, draft=document, created_at=now, updated_at=now, **description, **more
    )
    db.session.add(resource)
    db.session.flush()
    record(viewer, events.RESOURCE_CREATED, resource, kind=kind)
    return resource


@transactional
def change_resource(viewer: Viewer, resource_id: str, expected: int, **changes: Any) -> dict[str, Any]:
    """Change the draft; what is published stays as it is."""
    resource = _to_write(viewer, resource_id)
    if resource.version != expected:
        raise Stale(get_resource(viewer, resource_id))
    if "document" in changes:
        resource.draft = changes.pop("document")
        compiled(resource.kind, resource.draft)
    for name, value in changes.items():
        setattr(resource, name, value)
    resource.edited = True
    _touch(resource)
    record(viewer, events.RESOURCE_CHANGED, resource)
    return get_resource(viewer, resource_id)


def _to_write(viewer: Viewer, resource_id: str) -> Resource:
    resource = access.see(viewer, Resource, policy.visible_to, resource_id)
    access.require(policy.may_write(viewer), "Only a therapist writes for the library.")
    return resource


def _touch(resource: Resource) -> None:
    resource.version += 1
    resource.updated_at = clock.now()
    db.session.flush()


@transactional
def publish(viewer: Viewer, resource_id: str) -> dict[str, Any]:
    """Make the draft the next immutable version. Raises Conflict where nothing has changed since the last."""
    resource = _to_write(viewer, resource_id)
    if resource.archived_at is not None:
        msg = "An archived resource cannot be published. Restore it first."
        raise Conflict(msg, state="archived", allowed=["restoration"])
    if resource.published_from == resource.version:
        msg = "Nothing has changed since the latest version."
        raise Conflict(msg, state="published", allowed=["change", "archival", "copy"])
    version = _publish(viewer, resource)
    return get_version(viewer, resource_id, version.number)


def _publish(viewer: Viewer, resource: Resource) -> Version:
    form = compiled(resource.kind, resource.draft)
    resource.latest_number = (resource.latest_number or 0) + 1
    version = Version(
        practice_id=resource.practice_id,
        resource_id=resource.id,
        number=resource.latest_number,
        kind=resource.kind,
        source=resource.draft,
        document=forms.as_text(form.document),
        published_at=clock.now(),
        published_by=viewer.id,
        **resource.described(),
    )
    db.session.add(version)
    _touch(resource)
    resource.published_from = resource.version
    db.session.flush()
    record(viewer, events.RESOURCE_PUBLISHED, resource, number=version.number)
    return version


@transactional
def archive(viewer: Viewer, resource_id: str) -> dict[str, Any]:
    """Stop assigning it; running assignments go on."""
    resource = _to_write(viewer, resource_id)
    if resource.archived_at is None:
        resource.archived_at = clock.now()
        db.session.flush()
        record(viewer, events.RESOURCE_ARCHIVED, resource)
    return get_resource(viewer, resource_id)


@transactional
def restore(viewer: Viewer, resource_id: str) -> dict[str, Any]:
    """Let it be assigned again."""
    resource = _to_write(viewer, resource_id)
    if resource.archived_at is not None:
        resource.archived_at = None
        db.session.flush()
        record(viewer, events.RESOURCE_RESTORED, resource)
    return get_resource(viewer, resource_id)


@transactional
def copy(viewer: Viewer, resource_id: str) -> dict[str, Any]:
    """A draft of one's own that begins as this one."""
    resource = _to_write(viewer, resource_id)
    copied = _add(
        viewer, resource.kind, resource.draft, {**resource.described(), "title": f"{resource.title} (copy)"[:200]}
    )
    return get_resource(viewer, copied.id)


# Versions --------------------------------------------------------------------------------------------------------

_VERSION = (
    Version.id,
    Version.resource_id,
    Version.number,
    Version.kind,
    *(getattr(Version, name) for name in DESCRIBED),
    Version.published_at,
)

VERSIONS = Listing(
    name="library.versions",
    base=lambda viewer: policy.versions_visible_to(viewer).where(Version.resource_id == THING),
    columns=_VERSION,
    filters={},
    sorts={"number": Version.number},
    default_sort="-number",
    identity=Version.id,
)


def list_versions(viewer: Viewer, resource_id: str, asked: Asked) -> Page:
    _require_resource(viewer, resource_id)
    return VERSIONS.page(viewer, asked, thing_id=resource_id)


def _require_resource(viewer: Viewer, resource_id: str) -> None:
    access.look(
        viewer,
        "library.resource_there",
        lambda: policy.visible_to(viewer).where(Resource.id == THING).with_only_columns(Resource.id),
        resource_id,
    )


def get_version(viewer: Viewer, resource_id: str, number: int) -> dict[str, Any]:
    """A published version, as written and as compiled."""
    rows = VERSION.page(viewer, Asked(filters={"number": number}, limit=1), thing_id=resource_id).rows()
    if not rows:
        raise NotVisible
    return rows[0]


VERSION = Listing(
    name="library.version",
    base=VERSIONS.base,
    columns=(*_VERSION, Version.source, Version.document),
    filters={"number": equals(Version.number)},
    sorts=VERSIONS.sorts,
    default_sort="-number",
    identity=Version.id,
    raw=False,
)


def version_to_assign(viewer: Viewer, resource_id: str) -> Version:
    """The latest version of a resource, for assigning.

    Raises NotVisible for one the viewer does not see, Conflict for a draft or an archived one.
    """
    resource = access.see(viewer, Resource, policy.visible_to, resource_id)
    if resource.status != "published":
        remedy = "Publish it first." if resource.status == "draft" else "Restore it first."
        msg = f"This resource is {'a draft' if resource.status == 'draft' else 'archived'}. {remedy}"
        raise Conflict(msg, state=resource.status, allowed=[])
    return db.session.scalars(
        select(Version).where(
            Version.practice_id == viewer.practice_id,
            Version.resource_id == resource.id,
            Version.number == resource.latest_number,
        )
    ).one()


def form_of_version(practice_id: str, version_id: str) -> forms.Form:
    """The form of a published version, for callers that have established that the viewer may see it.

    Kept in memory: a version never changes.
    """
    form = _forms.get(version_id)
    if form is None:
        row = fetch_one("library.form", _document, {"practice": practice_id, "version": version_id})
        if row is None:
            raise NotVisible
        if len(_forms) >= MOST_FORMS:
            _forms.clear()
        form = _forms[version_id] = forms.parse(orjson.loads(row["document"]))
    return form


MOST_FORMS = 1_000
_forms: dict[str, forms.Form] = {}


def _document() -> AnySelect:
    return select(Version.document).where(
        Version.practice_id == bindparam("practice", type_=Id()), Version.id == bindparam("version", type_=Id())
    )


# The starter library -----------------------------------------------------------------------------------------------


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
            resource = _add(
                viewer,
                starter.kind,
                starter.document,
                starter.description,
                origin_key=starter.key,
                origin_digest=starter.digest,
            )
            _publish(viewer, resource)
        elif not resource.edited and resource.origin_digest != starter.digest:
            _renew(viewer, resource, starter)


def _renew(viewer: Viewer, resource: Resource, starter: Starter) -> None:
    resource.draft, resource.origin_digest = starter.document, starter.digest
    for name, value in starter.description.items():
        setattr(resource, name, value)
    _publish(viewer, resource)
