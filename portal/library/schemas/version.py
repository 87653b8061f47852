"""Published versions of a resource."""

from __future__ import annotations

from marshmallow import fields

from portal.core.wire import EnumString, Identifier, Instant, Json, ListQuerySchema, SortOrder, WireSchema
from portal.library.schemas.resource import DOCUMENT, CardSchema

FORMATS = {
    "portal": "The portal's own JSON, as described here.",
    "fhir": "A FHIR R4 resource, as application/fhir+json.",
}


class VersionItemSchema(CardSchema):
    """A published version in a list."""

    id = Identifier(required=True, metadata={"description": "The version's id."})
    resource_id = Identifier(required=True, metadata={"description": "The resource it is a version of."})
    number = fields.Integer(
        required=True, metadata={"description": "Counts the versions of the resource from 1.", "example": 1}
    )
    published_at = Instant(required=True, metadata={"description": "When it was published. It never changes."})


class VersionSchema(VersionItemSchema):
    """A published version with its document."""

    source = Json(required=True, metadata={"description": "The document as its author wrote it.", "example": DOCUMENT})
    document = Json(required=True, metadata={"description": "The document as clients answer it.", "example": DOCUMENT})


class FormatSchema(WireSchema):
    """The format of the response."""

    format = EnumString(FORMATS, metadata={"description": "The format of the response.", "example": "portal"})


class VersionQuerySchema(ListQuerySchema):
    """Parameters of the list of versions."""

    sort = SortOrder("number")
