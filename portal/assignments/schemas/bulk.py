"""Creating many assignments in one request."""

from __future__ import annotations

from marshmallow import fields

from portal.assignments.schemas.assignment import CreateAssignmentSchema
from portal.core.wire import BoundedList, EnumString, Identifier, StrictBoolean, WireSchema

OUTCOMES = {
    "created": "The assignment was created.",
    "duplicate": "The client already has this resource open; `assignment_id` is that assignment.",
    "error": "It was not created; `errors` says why.",
}
MAX_PER_REQUEST = 100


class CreateAssignmentsSchema(WireSchema):
    """Up to 100 assignments, each with its own reason."""

    assignments = BoundedList(
        fields.Nested(CreateAssignmentSchema()),
        MAX_PER_REQUEST,
        least=1,
        required=True,
        metadata={"description": "The assignments to create, 1 to 100."},
    )
    atomic = StrictBoolean(
        load_default=False,
        metadata={
            "description": "true: all or none; 422 then points to each one that cannot be created.",
            "example": False,
        },
    )


class BulkItemFaultSchema(WireSchema):
    """One thing wrong with one of the assignments."""

    pointer = fields.String(
        required=True, metadata={"description": "A JSON pointer that begins at this assignment.", "example": "#/due_on"}
    )
    code = fields.String(
        required=True, metadata={"description": "The name of the broken rule.", "example": "day_has_passed"}
    )
    detail = fields.String(
        required=True,
        metadata={"description": "What is wrong and what to do.", "example": "This day has passed for the client."},
    )


class BulkItemSchema(WireSchema):
    """The outcome for one of the assignments."""

    index = fields.Integer(
        required=True, metadata={"description": "Its place in the request, counted from 0.", "example": 0}
    )
    outcome = EnumString(OUTCOMES, required=True, metadata={"description": "What happened.", "example": "created"})
    assignment_id = Identifier(
        required=True,
        allow_none=True,
        metadata={"description": "The new assignment, or the one that is open already; null on an error."},
    )
    errors = fields.List(
        fields.Nested(BulkItemFaultSchema()),
        required=True,
        metadata={"description": "What is wrong with it; empty unless `outcome` is `error`.", "example": []},
    )


class BulkResultSchema(WireSchema):
    """The outcome for each assignment, in the order of the request."""

    results = fields.List(
        fields.Nested(BulkItemSchema()), required=True, metadata={"description": "One outcome for each assignment."}
    )
    created = fields.Integer(
        required=True, metadata={"description": "How many assignments were created.", "example": 1}
    )
