"""The members that assignments add to problem responses."""

from __future__ import annotations

from marshmallow import fields

from portal.core.wire import EXAMPLE_ID, Identifier, WireSchema


class DuplicateAssignmentSchema(WireSchema):
    """What a refused assignment repeats."""

    assignment_id = Identifier(
        metadata={"description": "The assignment that is already open, on /problems/duplicate.", "example": EXAMPLE_ID}
    )


class OutdatedReviewSchema(WireSchema):
    """What a refused review should have been about."""

    attempt = fields.Integer(metadata={"description": "The current attempt, on a refused review.", "example": 2})
    response_version = fields.Integer(
        metadata={"description": "The current version of its response, on a refused review.", "example": 5}
    )
