"""The wire shapes of what became of a file."""

from __future__ import annotations

from marshmallow import fields

from portal.core.wire import EnumString, Identifier, WireSchema
from portal.library.schemas.resource import KINDS

EXAMPLE = {
    "resourceType": "Questionnaire",
    "status": "active",
    "title": "How the week went",
    "item": [{"linkId": "1", "type": "integer", "text": "On how many days did you sleep well?"}],
}


class ImportRemarkSchema(WireSchema):
    """A sentence about one place of a file."""

    place = fields.String(required=True, metadata={"example": "#/item/3/answerValueSet"})
    detail = fields.String(
        required=True,
        metadata={"example": "The external value set is not read: people answer in their own words."},
    )


class ImportResultSchema(WireSchema):
    """The draft one form or reading became. `degraded` means that something it asks for is not done here."""

    resource_id = Identifier(required=True)
    title = fields.String(required=True, metadata={"example": "PHQ-9"})
    kind = EnumString(KINDS, required=True)
    outcome = EnumString(("full", "degraded"), required=True)
    instrument = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The published instrument it was recognised as.", "example": "phq-9"},
    )
    losses = fields.List(fields.Nested(ImportRemarkSchema()), required=True, metadata={"example": []})
    notes = fields.List(fields.Nested(ImportRemarkSchema()), required=True, metadata={"example": []})


class ImportResultsSchema(WireSchema):
    """What became of each, in the order of the file."""

    results = fields.List(fields.Nested(ImportResultSchema()), required=True)
