"""The wire shapes of what was published."""

from __future__ import annotations

from marshmallow import fields

from portal.core.wire import EnumString, Identifier, Instant, Json, ListQuerySchema, WireSchema
from portal.library.schemas.resource import DOCUMENT, CardSchema


class VersionItemSchema(CardSchema):
    """A published version as lists show it."""

    id = Identifier(required=True)
    resource_id = Identifier(required=True)
    number = fields.Integer(required=True)
    published_at = Instant(required=True)


class VersionSchema(VersionItemSchema):
    """A published version: `source` as written, `document` as compiled for answering."""

    source = Json(required=True, metadata={"example": DOCUMENT})
    document = Json(required=True, metadata={"example": DOCUMENT})


class FormatSchema(WireSchema):
    """In which form to read it."""

    format = EnumString(("portal", "fhir"), metadata={"description": "Our own, or FHIR R4.", "example": "fhir"})


class VersionQuerySchema(ListQuerySchema):
    """How to list versions."""

    sort = EnumString(("number", "-number"))
