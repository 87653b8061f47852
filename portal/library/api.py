"""Routes of readings, exercises and measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.core.errors import Conflict, Forbidden, Invalid
from portal.http.blueprint import Blueprint
from portal.http.paging import list_request
from portal.http.preconditions import expected_version
from portal.http.request import viewer
from portal.http.responses import fhir_response
from portal.library.schemas import authoring as tried
from portal.library.schemas import imports, resource, version
from portal.library.service import authoring, importing, resources, versions

staff = Blueprint("library_staff", __name__, tag="Library")


def _resource_ids(response: Mapping[str, Any]) -> list[str]:
    """The resources in the response to an import."""
    return [row["resource_id"] for row in response["results"]]


@staff.route("/resources", scope="resources:read")
@staff.arguments(resource.ResourceQuerySchema(), location="query")
@staff.lists(resource.ResourceItemSchema())
def list_resources(query: dict[str, Any]) -> Any:
    """List resources

    Readings, exercises and measures.
    """
    return resources.list_resources(viewer(), list_request(viewer(), query), query.get("q"))


@staff.route("/resources", methods=["POST"], scope="resources:write")
@staff.repeatable(resources.get_resource)
@staff.arguments(resource.CreateResourceSchema())
@staff.response(201, resource.ResourceSchema(), refuses=[Forbidden])
def create_resource(body: dict[str, Any]) -> Any:
    """Create a resource

    A reading, an exercise or a measure, as a draft.
    """
    return resources.create_resource(viewer(), **body)


@staff.route("/resources/validate", methods=["POST"], scope="resources:write")
@staff.arguments(tried.ValidateResourceSchema())
@staff.response(200, tried.ValidationSchema(), refuses=[Forbidden])
def validate_resource(body: dict[str, Any]) -> Any:
    """Validate a resource

    Checks a draft without saving it. Errors would refuse it; warnings are advice.
    """
    return authoring.validate(viewer(), **body)


@staff.route("/resources/preview", methods=["POST"], scope="resources:write")
@staff.arguments(tried.PreviewResourceSchema())
@staff.response(200, tried.PreviewSchema(), refuses=[Forbidden])
def preview_resource(body: dict[str, Any]) -> Any:
    """Preview a resource

    Shows a draft as a client would see it, with any answers. Nothing is saved.
    """
    return authoring.preview(viewer(), **body)


@staff.route("/resources/import", methods=["POST"], scope="resources:write")
@staff.repeatable(resources.get_resource, subject_ids=_resource_ids, needs_key=True)
@staff.takes(*importing.READERS, most=importing.LARGEST, example=imports.EXAMPLE)
@staff.response(201, imports.ImportResultsSchema(), refuses=[Forbidden])
def import_resources(content: bytes, media_type: str) -> Any:
    """Import resources

    Takes the file as the body and creates a draft for each form or reading in it: a FHIR R4 or R5 Questionnaire
    (`application/fhir+json` or `application/json`), a form of the portal or a REDCap data dictionary
    (`application/json`), a REDCap data dictionary as `text/csv`, a reading as `text/markdown`, or an
    `application/zip` of them. Each result lists what does not work here and where. Requires an
    `Idempotency-Key`.
    """
    return importing.import_file(viewer(), content, media_type)


@staff.route("/resources/<id:resource_id>", scope="resources:read")
@staff.response(200, resource.ResourceSchema())
def get_resource(resource_id: str) -> Any:
    """Get a resource

    Includes the draft.
    """
    return resources.get_resource(viewer(), resource_id)


@staff.route("/resources/<id:resource_id>", methods=["PATCH"], scope="resources:write")
@staff.changes_content
@staff.arguments(resource.ChangeResourceSchema())
@staff.response(200, resource.ResourceSchema(), refuses=[Forbidden])
def change_resource(body: dict[str, Any], resource_id: str) -> Any:
    """Update a resource

    Changes the draft. Published versions stay as they are.
    """
    return resources.change_resource(viewer(), resource_id, expected_version(), **body)


@staff.route("/resources/<id:resource_id>/versions", scope="resources:read")
@staff.arguments(version.VersionQuerySchema(), location="query")
@staff.lists(version.VersionItemSchema())
def list_versions(query: dict[str, Any], resource_id: str) -> Any:
    """List versions"""
    return versions.list_versions(viewer(), resource_id, list_request(viewer(), query))


@staff.route("/resources/<id:resource_id>/versions", methods=["POST"], scope="resources:write")
@staff.repeatable(resources.get_resource)
@staff.response(201, version.VersionSchema(), refuses=[Conflict, Forbidden, Invalid])
def publish_resource(resource_id: str) -> Any:
    """Publish a resource

    Makes the draft the next version, which can be assigned. A draft without a summary or a document is refused, with
    a pointer to what is missing.
    """
    return versions.publish(viewer(), resource_id)


@staff.route("/resources/<id:resource_id>/versions/<int(min=1,max=1000000):number>", scope="resources:read")
@staff.also_fhir("Questionnaire")
@staff.arguments(version.FormatSchema(), location="query")
@staff.response(200, version.VersionSchema())
def get_version(query: dict[str, Any], resource_id: str, number: int) -> Any:
    """Get a version

    As written and as clients answer it. With `format=fhir`, a FHIR Questionnaire.
    """
    if query.get("format") == "fhir":
        return fhir_response(versions.get_questionnaire(viewer(), resource_id, number))
    return versions.get_version(viewer(), resource_id, number)


@staff.route("/resources/<id:resource_id>/comparison", scope="resources:read")
@staff.arguments(tried.CompareVersionsSchema(), location="query")
@staff.response(200, tried.VersionComparisonSchema())
def compare_versions(query: dict[str, Any], resource_id: str) -> Any:
    """Compare versions

    What changed between two versions, or between a version and the draft.
    """
    return authoring.compare(viewer(), resource_id, query["before"], query["after"])


@staff.route("/resources/<id:resource_id>/copy", methods=["POST"], scope="resources:write")
@staff.repeatable(resources.get_resource)
@staff.response(201, resource.ResourceSchema(), refuses=[Conflict, Forbidden])
def copy_resource(resource_id: str) -> Any:
    """Copy a resource

    Creates a draft with the same content.
    """
    return resources.copy(viewer(), resource_id)


@staff.route("/resources/<id:resource_id>/archive", methods=["POST"], scope="resources:write")
@staff.repeatable(resources.get_resource)
@staff.response(200, resource.ResourceSchema(), refuses=[Forbidden])
def archive_resource(resource_id: str) -> Any:
    """Archive a resource

    It can no longer be assigned. Existing assignments continue.
    """
    return resources.archive(viewer(), resource_id)


@staff.route("/resources/<id:resource_id>/restore", methods=["POST"], scope="resources:write")
@staff.repeatable(resources.get_resource)
@staff.response(200, resource.ResourceSchema(), refuses=[Forbidden])
def restore_resource(resource_id: str) -> Any:
    """Restore a resource"""
    return resources.restore(viewer(), resource_id)
