"""The wire shapes of progress and of the caseload."""

from __future__ import annotations

from marshmallow import fields

from portal.assignments.schemas.assignment import ClientNameSchema
from portal.core.wire import EnumString, Identifier, Instant, WireSchema


class CaseloadClientSchema(ClientNameSchema):
    """A client in one's care."""

    status = EnumString(("invited", "active"), required=True)


class CaseloadItemSchema(WireSchema):
    """How things stand with one client, of what was assigned through one's own care link."""

    client = fields.Nested(CaseloadClientSchema(), required=True)
    care_id = Identifier(required=True)
    needs = EnumString(
        ("safety", "review", "overdue", "quiet"),
        required=True,
        allow_none=True,
        metadata={
            "description": "What needs attention most: an open alert, something to review, something overdue, "
            "nobody heard of."
        },
    )
    needs_since = Instant(required=True, allow_none=True)
    waiting = fields.Integer(required=True, metadata={"description": "Sent in and not reviewed.", "example": 1})
    overdue = fields.Integer(required=True, metadata={"example": 0})
    open = fields.Integer(required=True, metadata={"example": 2})
    paused = fields.Integer(required=True, metadata={"example": 0})
    declined = fields.Integer(required=True, metadata={"example": 0})
    done = fields.Integer(required=True, metadata={"description": "Sent in or reviewed.", "example": 5})
    assigned = fields.Integer(required=True, metadata={"description": "All but what was withdrawn.", "example": 7})
    next_due_at = Instant(required=True, allow_none=True)
    last_act_at = Instant(
        required=True, allow_none=True, metadata={"description": "The client's latest act, to the hour."}
    )


class CaseloadSchema(WireSchema):
    """The whole caseload: first who needs attention most."""

    data = fields.List(fields.Nested(CaseloadItemSchema()), required=True)


class MyProgressSchema(WireSchema):
    """How one gets on: counts, and the same in a sentence."""

    assigned = fields.Integer(required=True, metadata={"example": 4, "description": "All but those withdrawn."})
    done = fields.Integer(required=True, metadata={"example": 3})
    open = fields.Integer(required=True, metadata={"example": 0})
    paused = fields.Integer(required=True, metadata={"example": 0})
    declined = fields.Integer(required=True, metadata={"example": 1})
    scheduled = fields.Integer(required=True, metadata={"example": 0})
    answered = fields.Integer(required=True, metadata={"example": 17})
    questions = fields.Integer(required=True, metadata={"example": 21})
    summary = fields.String(required=True, metadata={"example": "3 of 4 done, 1 declined"})


class ClientProgressSchema(MyProgressSchema):
    """How a client gets on with what the viewer assigned."""

    client_id = Identifier(required=True)
    waiting_for_review = fields.Integer(required=True, metadata={"example": 1})
    withdrawn = fields.Integer(required=True, metadata={"example": 0})
    overdue = fields.Integer(required=True, metadata={"example": 0})
    assigned_by_colleagues = fields.Integer(
        required=True, metadata={"example": 2, "description": "That it is there; nothing more."}
    )
    last_act_at = Instant(required=True, allow_none=True)
