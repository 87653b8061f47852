"""Resources with their drafts: list, create, change, archive, copy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import ColumnElement, String, bindparam, case, cast, null

from portal.core import access, clock
from portal.core.access import THING
from portal.core.audit_log.events import record
from portal.core.db.engines import db
from portal.core.db.tables import AnySelect
from portal.core.db.transactions import transactional
from portal.core.errors import Conflict, Fault, Invalid, Stale
from portal.core.listing import Filter, Listing, ListRequest, Page, any_of, at_least, at_most, condition, equals
from portal.core.viewer import Viewer
from portal.forms.definition import document as forms
from portal.forms.imports import DEFAULTS
from portal.forms.text import readings
from portal.library import facts, policy
from portal.library.documents import compile_document
from portal.library.locks import LOCKED, REASONS
from portal.library.models import DESCRIBED, Resource, ResourceKind
from portal.library.service.search import index_resource, matching_text

STATUS: ColumnElement[str] = case(
    (Resource.archived_at.is_not(None), "archived"), (Resource.latest_number.is_(None), "draft"), else_="published"
)
LOCK: ColumnElement[str | None] = case(LOCKED, value=Resource.origin_key, else_=null())
UNPUBLISHED = (Resource.published_from.is_(None) | (Resource.published_from != Resource.version)).label(
    "unpublished_changes"
)

EMPTY_FORM: dict[str, Any] = {"schema": forms.SCHEMA, "blocks": []}
EMPTY_READING: dict[str, Any] = {"schema": readings.SCHEMA, "markdown": ""}
"""The documents of new drafts. They cannot be published as they are."""


def _like_pattern(text: str) -> str:
    """The LIKE pattern of a column that contains exactly this text."""
    return "%" + re.sub("([!%_])", r"!\1", text) + "%"


def _with_topic() -> Filter:
    return Filter(
        lambda name, _n: cast(Resource.topics, String).like(bindparam(name, type_=String()), escape="!"),
        lambda name, value: {name: _like_pattern(orjson.dumps(value).decode())},
    )


RESOURCES = Listing(
    base=policy.visible_to,
    columns=(
        Resource.id,
        Resource.kind,
        *(getattr(Resource, name) for name in DESCRIBED),
        STATUS.label("status"),
        Resource.latest_number,
        UNPUBLISHED,
        LOCK.label("locked"),
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
        "minutes[gte]": at_least(Resource.minutes),
        "minutes[lte]": at_most(Resource.minutes),
        "q": matching_text(),
        "assignable": condition(
            lambda: Resource.archived_at.is_(None) & Resource.latest_number.is_not(None) & LOCK.is_(None)
        ),
    },
    sorts={"updated_at": Resource.updated_at, "title": Resource.title, "created_at": Resource.created_at},
    default_sort="title",
    identity=Resource.id,
)


def list_resources(viewer: Viewer, request: ListRequest, q: str | None = None) -> Page:
    """The practice's resources; with `q` those that have its words in title, summary or text."""
    if q is not None:
        request = replace(request, filters={**request.filters, "q": q})
    return RESOURCES.page(viewer, request)


def get_resource(viewer: Viewer, resource_id: str) -> dict[str, Any]:
    """A resource with its draft."""
    return access.get_visible(viewer, _resource, resource_id)


def _resource(viewer: Viewer) -> AnySelect:
    return policy.visible_to(viewer).where(Resource.id == THING).with_only_columns(*RESOURCES.columns, Resource.draft)


@transactional
def create_resource(
    viewer: Viewer, *, kind: str, document: dict[str, Any] | None = None, **description: Any
) -> dict[str, Any]:
    """Create a draft; without a document it starts empty, and the rest of its card has defaults."""
    access.require(policy.may_write(viewer), "Only a therapist can write for the library.")
    if document is None:
        document = EMPTY_READING if kind == ResourceKind.READING else EMPTY_FORM
    else:
        _refuse_instrument_claims(document, {})
        compile_document(kind, document)
    resource = add_resource(viewer, kind, document, {**DEFAULTS, **description})
    return get_resource(viewer, resource.id)


def add_resource(
    viewer: Viewer, kind: str, document: Mapping[str, Any], description: Mapping[str, Any], **more: Any
) -> Resource:
    now = clock.now()
    resource = Resource(
        practice_id=viewer.practice_id, kind=kind, draft=document, created_at=now, updated_at=now, **description, **more
    )
    db.session.add(resource)
    db.session.flush()
    index_resource(resource)
    record(viewer, facts.RESOURCE_CREATED, resource, kind=kind)
    return resource


@transactional
def change_resource(viewer: Viewer, resource_id: str, expected: int, **changes: Any) -> dict[str, Any]:
    """Change the draft; published versions stay as they are."""
    resource = get_for_writing(viewer, resource_id)
    if resource.version != expected:
        raise Stale(get_resource(viewer, resource_id))
    if "document" in changes:
        _refuse_instrument_claims(changes["document"], resource.draft)
        resource.draft = changes.pop("document")
        compile_document(resource.kind, resource.draft)
    for name, value in changes.items():
        setattr(resource, name, value)
    resource.edited = True
    bump_version(resource)
    index_resource(resource)
    record(viewer, facts.RESOURCE_CHANGED, resource)
    return get_resource(viewer, resource_id)


def _refuse_instrument_claims(document: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Only an import says that a form is a published instrument; an author can keep that or remove it."""
    for name in ("given", "instrument"):
        if name in document and document[name] != before.get(name):
            sentence = "Only an import sets this. Leave it as it was, or remove it."
            raise Invalid(Fault("set_by_import", sentence).at(f"#/document/{name}"))


def get_for_writing(viewer: Viewer, resource_id: str) -> Resource:
    resource = access.get_for_update(viewer, Resource, policy.visible_to, resource_id)
    access.require(policy.may_write(viewer), "Only a therapist can write for the library.")
    return resource


def require_unlocked(resource: Resource, remedy: str = "") -> None:
    """Raise Conflict with the reason where a resource is locked."""
    lock = LOCKED.get(resource.origin_key or "")
    if lock is not None:
        raise Conflict(f"{REASONS[lock]} {remedy}".rstrip(), state="locked", allowed=[])


def bump_version(resource: Resource) -> None:
    resource.version += 1
    resource.updated_at = clock.now()
    db.session.flush()


@transactional
def archive(viewer: Viewer, resource_id: str) -> dict[str, Any]:
    """Archive it: it can no longer be assigned, and existing assignments continue."""
    resource = get_for_writing(viewer, resource_id)
    if resource.archived_at is None:
        resource.archived_at = clock.now()
        db.session.flush()
        record(viewer, facts.RESOURCE_ARCHIVED, resource)
    return get_resource(viewer, resource_id)


@transactional
def restore(viewer: Viewer, resource_id: str) -> dict[str, Any]:
    """Restore an archived resource, so that it can be assigned again."""
    resource = get_for_writing(viewer, resource_id)
    if resource.archived_at is not None:
        resource.archived_at = None
        db.session.flush()
        record(viewer, facts.RESOURCE_RESTORED, resource)
    return get_resource(viewer, resource_id)


@transactional
def copy(viewer: Viewer, resource_id: str) -> dict[str, Any]:
    """Create a draft with the same content. Raises Conflict for a locked resource: its copy would not be locked."""
    resource = get_for_writing(viewer, resource_id)
    require_unlocked(resource, "Change this one instead of a copy; it stays locked.")
    copied = add_resource(
        viewer, resource.kind, resource.draft, {**resource.card(), "title": f"{resource.title} (copy)"[:200]}
    )
    return get_resource(viewer, copied.id)
