"""A therapist's caseload, and progress as either side sees it."""

from __future__ import annotations

from marshmallow import fields

from portal.assignments.schemas.assignment import ClientNameSchema
from portal.core.wire import EnumString, Identifier, Instant, WireSchema

NEEDS = {
    "safety": "An alert is open.",
    "review": "A submitted attempt waits for a review.",
    "overdue": "An assignment is overdue.",
    "quiet": "Assignments are open and nothing has happened for the practice's `quiet_days`.",
}
CASELOAD_STATUSES = {
    "invited": "Has not accepted the invitation yet.",
    "active": "Can sign in and work on assignments.",
}


def count(description: str, example: int) -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": description, "example": example})


class CaseloadClientSchema(ClientNameSchema):
    """A client in the caller's care."""

    status = EnumString(
        CASELOAD_STATUSES, required=True, metadata={"description": "Whether they can sign in.", "example": "active"}
    )


class CaseloadItemSchema(WireSchema):
    """One client, with counts of what was assigned through the caller's care link."""

    client = fields.Nested(CaseloadClientSchema(), required=True, metadata={"description": "The client."})
    care_id = Identifier(required=True, metadata={"description": "The caller's care link with this client."})
    needs = EnumString(
        NEEDS,
        required=True,
        allow_none=True,
        metadata={"description": "What needs attention most; null if nothing does.", "example": "review"},
    )
    needs_since = Instant(
        required=True, allow_none=True, metadata={"description": "Since when; null if nothing needs attention."}
    )
    waiting = count("Submitted assignments that wait for a review.", 1)
    overdue = count("Open assignments whose last day has passed.", 0)
    open = count("Assignments the client can work on now.", 2)
    paused = count("Assignments the client paused.", 0)
    declined = count("Assignments the client declined.", 0)
    done = count("Assignments that are submitted or reviewed.", 5)
    assigned = count("All assignments except withdrawn ones.", 7)
    next_due_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "The next due date of an open assignment; null for none."},
    )
    last_act_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "When the client last did something, to the hour; null for never."},
    )


class CaseloadSchema(WireSchema):
    """The whole caseload."""

    data = fields.List(
        fields.Nested(CaseloadItemSchema()),
        required=True,
        metadata={"description": "Every client who is not archived; first those who need attention most."},
    )


class MyProgressSchema(WireSchema):
    """The client's progress over all assignments, in numbers and in a sentence."""

    assigned = count("All assignments except withdrawn ones.", 4)
    done = count("Assignments that are submitted or reviewed.", 3)
    open = count("Assignments that can be worked on now.", 0)
    paused = count("Paused assignments.", 0)
    declined = count("Declined assignments.", 1)
    scheduled = count("Assignments that open on a later day.", 0)
    answered = count("Answered questions in all of them.", 17)
    questions = count("Visible questions in all of them.", 21)
    summary = fields.String(
        required=True, metadata={"description": "The counts as a sentence.", "example": "3 of 4 done, 1 declined"}
    )


class ClientProgressSchema(MyProgressSchema):
    """A client's progress with what the caller assigned."""

    client_id = Identifier(required=True, metadata={"description": "The client's id."})
    waiting_for_review = count("Submitted assignments that wait for a review.", 1)
    withdrawn = count("Withdrawn assignments.", 0)
    overdue = count("Open assignments whose last day has passed.", 0)
    assigned_by_colleagues = count("Assignments from other therapists, of which only the number is shown.", 2)
    last_act_at = Instant(
        required=True, allow_none=True, metadata={"description": "When the client last did something; null for never."}
    )
