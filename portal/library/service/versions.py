"""Published versions, which never change: read them, publish the next."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select

from portal.core import access, clock, decimal_json
from portal.core.access import THING
from portal.core.audit_log.events import record
from portal.core.db.engines import db
from portal.core.db.statements import fetch_one
from portal.core.db.tables import AnySelect, Id
from portal.core.db.transactions import transactional
from portal.core.errors import Conflict, Fault, Faults, Invalid, NotVisible
from portal.core.listing import Listing, ListRequest, Page, equals
from portal.core.viewer import Viewer
from portal.forms.definition import document as forms
from portal.forms.fhir import questionnaire
from portal.library import facts, policy
from portal.library.documents import compile_document
from portal.library.models import DESCRIBED, Resource, Version
from portal.library.service.resources import bump_version, get_for_writing, require_unlocked
from portal.library.service.search import index_resource

_VERSION = (
    Version.id,
    Version.resource_id,
    Version.number,
    Version.kind,
    *(getattr(Version, name) for name in DESCRIBED),
    Version.published_at,
)

VERSIONS = Listing(
    base=lambda viewer: policy.versions_visible_to(viewer).where(Version.resource_id == THING),
    columns=_VERSION,
    filters={},
    sorts={"number": Version.number},
    default_sort="-number",
    identity=Version.id,
)


def list_versions(viewer: Viewer, resource_id: str, request: ListRequest) -> Page:
    _require_resource(viewer, resource_id)
    return VERSIONS.page(viewer, request, thing_id=resource_id)


def _require_resource(viewer: Viewer, resource_id: str) -> None:
    access.get_visible(viewer, _resource, resource_id)


def _resource(viewer: Viewer) -> AnySelect:
    return policy.visible_to(viewer).where(Resource.id == THING).with_only_columns(Resource.id)


def get_version(viewer: Viewer, resource_id: str, number: int) -> dict[str, Any]:
    """A published version, as written and as compiled."""
    rows = VERSION.page(viewer, ListRequest(filters={"number": number}, limit=1), thing_id=resource_id).as_dicts()
    if not rows:
        raise NotVisible
    return rows[0]


def get_questionnaire(viewer: Viewer, resource_id: str, number: int) -> dict[str, Any]:
    """A published version as a FHIR R4 Questionnaire; an imported one goes out as it came."""
    version = get_version(viewer, resource_id, number)
    source, document = version["source"], decimal_json.loads(version["document"])
    written = questionnaire.write(source if source.get("schema") == forms.SCHEMA else document)
    if "fhir" in source:
        return written
    named = {"id": version["id"], "url": canonical_url(version["id"]), "title": version["title"]}
    said = {"version": str(number), "date": version["published_at"], "language": version["language"]}
    copyright_line = {"copyright": version["licence"]} if version["licence"] else {}
    return {"resourceType": "Questionnaire", **named, **said, **copyright_line, **written}


def canonical_url(version_id: str) -> str:
    """The canonical URL of a version."""
    return f"urn:uuid:{version_id}"


VERSION = Listing(
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

    Raises NotVisible for one the viewer does not see, Conflict for a locked or an archived one or a draft.
    """
    resource = access.get_for_update(viewer, Resource, policy.visible_to, resource_id)
    require_unlocked(resource)
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
        row = fetch_one(_document, {"practice": practice_id, "version": version_id}, practice=practice_id)
        if row is None:
            raise NotVisible
        if len(_forms) >= MOST_FORMS:
            _forms.clear()
        form = _forms[version_id] = forms.parse(decimal_json.loads(row["document"]))
    return form


MOST_FORMS = 1_000
_forms: dict[str, forms.Form] = {}


def _document() -> AnySelect:
    return select(Version.document).where(
        Version.practice_id == bindparam("practice", type_=Id()), Version.id == bindparam("version", type_=Id())
    )


@transactional
def publish(viewer: Viewer, resource_id: str) -> dict[str, Any]:
    """Make the draft the next immutable version.

    Raises Conflict if nothing has changed since the latest version, Invalid with a pointer to whatever is missing.
    """
    resource = get_for_writing(viewer, resource_id)
    if resource.archived_at is not None:
        msg = "An archived resource cannot be published. Restore it first."
        raise Conflict(msg, state="archived", allowed=["restore"])
    if resource.published_from == resource.version:
        msg = "Nothing has changed since the latest version."
        raise Conflict(msg, state="published", allowed=["change", "archive", "copy"])
    version = publish_draft(viewer, resource)
    return get_version(viewer, resource_id, version.number)


def publish_draft(viewer: Viewer, resource: Resource) -> Version:
    """Publish a draft. Raises Invalid with a pointer to everything it still lacks."""
    form = _publishable_form(resource)
    resource.latest_number = (resource.latest_number or 0) + 1
    version = Version(
        practice_id=resource.practice_id,
        resource_id=resource.id,
        number=resource.latest_number,
        kind=resource.kind,
        source=resource.draft,
        document=forms.to_json_text(form.document),
        published_at=clock.now(),
        published_by=viewer.id,
        **resource.card(),
    )
    db.session.add(version)
    bump_version(resource)
    resource.published_from = resource.version
    db.session.flush()
    index_resource(resource)
    record(viewer, facts.RESOURCE_PUBLISHED, resource, number=version.number)
    return version


def _publishable_form(resource: Resource) -> forms.Form:
    """The form of a draft that has all that clients need to read."""
    faults = Faults()
    if not resource.summary.strip():
        faults.add(Fault("needed_to_publish", "Write a summary before you publish: clients read it.").at("#/summary"))
    try:
        form = compile_document(resource.kind, resource.draft)
    except Invalid as error:
        raise Invalid(*faults.found, *error.faults) from error
    faults.raise_if_any()
    return form
