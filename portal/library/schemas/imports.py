"""The results of an import."""

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
OUTCOMES = {
    "full": "Everything in it works here.",
    "degraded": "Something in it does not work here; `losses` lists it.",
}


class ImportRemarkSchema(WireSchema):
    """A remark about one place in the file."""

    place = fields.String(
        required=True,
        metadata={"description": "A JSON pointer, or a line of the file.", "example": "#/item/3/answerValueSet"},
    )
    detail = fields.String(
        required=True,
        metadata={
            "description": "What happens there instead.",
            "example": "The external value set is not read: people answer in their own words.",
        },
    )


class ImportResultSchema(WireSchema):
    """The draft that one form or reading of the file became."""

    resource_id = Identifier(required=True, metadata={"description": "The new resource, a draft."})
    title = fields.String(required=True, metadata={"description": "Its title.", "example": "PHQ-9"})
    kind = EnumString(KINDS, required=True, metadata={"description": "What it became.", "example": "measure"})
    outcome = EnumString(
        OUTCOMES, required=True, metadata={"description": "Whether something was lost.", "example": "full"}
    )
    instrument = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "The key of the published instrument it was recognized as; null if it is none.",
            "example": "phq-9",
        },
    )
    losses = fields.List(
        fields.Nested(ImportRemarkSchema()),
        required=True,
        metadata={"description": "What does not work here, place by place.", "example": []},
    )
    notes = fields.List(
        fields.Nested(ImportRemarkSchema()),
        required=True,
        metadata={"description": "What an author may want to know; nothing is lost.", "example": []},
    )


class ImportResultsSchema(WireSchema):
    """One result for each form or reading, in the order of the file."""

    results = fields.List(
        fields.Nested(ImportResultSchema()), required=True, metadata={"description": "The drafts it became."}
    )
