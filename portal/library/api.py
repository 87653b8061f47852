"""Routes of readings, exercises and measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.core.errors import Conflict, Forbidden
from portal.http.blueprint import Blueprint
from portal.http.paging import asked
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
    """List readings, exercises and measures"""
    return resources.list_resources(viewer(), asked(viewer(), query), query.get("q"))


@staff.route("/resources", methods=["POST"], scope="resources:write")
@staff.repeatable(resources.get_resource)
@staff.arguments(resource.CreateResourceSchema())
@staff.response(201, resource.ResourceSchema(), refuses=[Forbidden])
def create_resource(sent: dict[str, Any]) -> Any:
    """Write a reading, an exercise or a measure"""
    return resources.create_resource(viewer(), **sent)


@staff.route("/resources/validation", methods=["POST"], scope="resources:write")
@staff.arguments(tried.ValidateSchema())
@staff.response(200, tried.ValidationSchema(), refuses=[Forbidden])
def validate_resource(sent: dict[str, Any]) -> Any:
    """Check a reading or an exercise without saving it"""
    return authoring.validate(viewer(), **sent)


@staff.route("/resources/preview", methods=["POST"], scope="resources:write")
@staff.arguments(tried.PreviewFormSchema())
@staff.response(200, tried.PreviewSchema(), refuses=[Forbidden])
def preview_resource(sent: dict[str, Any]) -> Any:
    """See a reading or an exercise as a client would"""
    return authoring.preview(viewer(), **sent)


@staff.route("/resources/import", methods=["POST"], scope="resources:write")
@staff.repeatable(resources.get_resource, subject_ids=_resource_ids, needs_key=True)
@staff.takes(*importing.READERS, most=importing.LARGEST, example=imports.EXAMPLE)
@staff.response(201, imports.ImportedAllSchema(), refuses=[Forbidden])
def import_resources(content: bytes, media_type: str) -> Any:
    """Take in forms or readings from elsewhere, as drafts

    A FHIR R4 or R5 Questionnaire (`application/fhir+json` or `application/json`), a form of our own or a REDCap data
    dictionary (`application/json`), a REDCap data dictionary as `text/csv`, a reading as `text/markdown`, or an
    `application/zip` of them. Each comes with its outcome, what was lost and where.
    """
    return importing.import_file(viewer(), content, media_type)


@staff.route("/resources/<id:resource_id>", scope="resources:read")
@staff.response(200, resource.ResourceSchema())
def get_resource(resource_id: str) -> Any:
    """Read a resource with its draft"""
    return resources.get_resource(viewer(), resource_id)


@staff.route("/resources/<id:resource_id>", methods=["PATCH"], scope="resources:write")
@staff.changes_content
@staff.arguments(resource.ChangeResourceSchema())
@staff.response(200, resource.ResourceSchema(), refuses=[Forbidden])
def change_resource(sent: dict[str, Any], resource_id: str) -> Any:
    """Change a draft"""
    return resources.change_resource(viewer(), resource_id, expected_version(), **sent)


@staff.route("/resources/<id:resource_id>/versions", scope="resources:read")
@staff.arguments(version.VersionQuerySchema(), location="query")
@staff.lists(version.VersionItemSchema())
def list_versions(query: dict[str, Any], resource_id: str) -> Any:
    """List what was published of a resource"""
    return versions.list_versions(viewer(), resource_id, asked(viewer(), query))


@staff.route("/resources/<id:resource_id>/versions", methods=["POST"], scope="resources:write")
@staff.repeatable(resources.get_resource)
@staff.response(201, version.VersionSchema(), refuses=[Conflict, Forbidden])
def publish_resource(resource_id: str) -> Any:
    """Publish the draft as the next version"""
    return versions.publish(viewer(), resource_id)


@staff.route("/resources/<id:resource_id>/versions/<int(min=1,max=1000000):number>", scope="resources:read")
@staff.also_fhir("Questionnaire")
@staff.arguments(version.FormatSchema(), location="query")
@staff.response(200, version.VersionSchema())
def get_version(query: dict[str, Any], resource_id: str, number: int) -> Any:
    """Read a published version, as written and compiled or as a FHIR Questionnaire"""
    if query.get("format") == "fhir":
        return fhir_response(versions.get_questionnaire(viewer(), resource_id, number))
    return versions.get_version(viewer(), resource_id, number)


@staff.route("/resources/<id:resource_id>/comparison", scope="resources:read")
@staff.arguments(tried.CompareSchema(), location="query")
@staff.response(200, tried.ComparisonSchema())
def compare_versions(query: dict[str, Any], resource_id: str) -> Any:
    """See what changed between two versions, or since one"""
    return authoring.compare(viewer(), resource_id, query["before"], query["after"])


@staff.route("/resources/<id:resource_id>/copy", methods=["POST"], scope="resources:write")
@staff.repeatable(resources.get_resource)
@staff.response(201, resource.ResourceSchema(), refuses=[Conflict, Forbidden])
def copy_resource(resource_id: str) -> Any:
    """Copy a resource into a draft of one's own"""
    return resources.copy(viewer(), resource_id)


@staff.route("/resources/<id:resource_id>/archival", methods=["POST"], scope="resources:write")
@staff.repeatable(resources.get_resource)
@staff.response(200, resource.ResourceSchema(), refuses=[Forbidden])
def archive_resource(resource_id: str) -> Any:
    """Archive a resource; running assignments go on"""
    return resources.archive(viewer(), resource_id)


@staff.route("/resources/<id:resource_id>/restoration", methods=["POST"], scope="resources:write")
@staff.repeatable(resources.get_resource)
@staff.response(200, resource.ResourceSchema(), refuses=[Forbidden])
def restore_resource(resource_id: str) -> Any:
    """Let an archived resource be assigned again"""
    return resources.restore(viewer(), resource_id)
